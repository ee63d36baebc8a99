package dubbo

import (
	"fmt"

	"github.com/dubbofn/dubbofn/invoker"
)

// The statuses of a response (Java: remoting.exchange.Response, 3.3).
const (
	statusOK                 = 20
	statusSerializationError = 25
	statusClientTimeout      = 30
	statusServerTimeout      = 31
	statusChannelInactive    = 35
	statusBadRequest         = 40
	statusBadResponse        = 50
	statusServiceNotFound    = 60
	statusServiceError       = 70
	statusServerError        = 80
	statusClientError        = 90
	statusExhausted          = 100
)

// statusOf gives the status that a provider answers an error with.
func statusOf(c invoker.Code) byte {
	switch c {
	case invoker.CodeBadRequest:
		return statusBadRequest
	case invoker.CodeBadResponse:
		return statusBadResponse
	case invoker.CodeNotFound:
		return statusServiceNotFound
	case invoker.CodeServiceError, invoker.CodeUnauthenticated:
		return statusServiceError
	case invoker.CodeTimeout:
		return statusServerTimeout
	case invoker.CodeExhausted:
		return statusExhausted
	case invoker.CodeClient:
		return statusClientError
	default:
		return statusServerError
	}
}

// codeOf gives the code that a consumer reports a status with, and whether the method may have run: a provider that says that
// it could not read, find or take on the request did not run it.
func codeOf(status byte) (c invoker.Code, maybeExecuted bool) {
	switch status {
	case statusClientTimeout, statusServerTimeout:
		return invoker.CodeTimeout, true
	case statusChannelInactive:
		return invoker.CodeUnavailable, true
	case statusBadRequest:
		return invoker.CodeBadRequest, false
	case statusBadResponse, statusSerializationError:
		return invoker.CodeBadResponse, true
	case statusServiceNotFound:
		return invoker.CodeNotFound, false
	case statusServiceError:
		return invoker.CodeServiceError, true
	case statusClientError:
		return invoker.CodeClient, true
	case statusExhausted:
		return invoker.CodeExhausted, false
	default:
		return invoker.CodeInternal, true
	}
}

// statusName names a status as Java does, for messages.
func statusName(status byte) string {
	switch status {
	case statusOK:
		return "OK"
	case statusSerializationError:
		return "SERIALIZATION_ERROR"
	case statusClientTimeout:
		return "CLIENT_TIMEOUT"
	case statusServerTimeout:
		return "SERVER_TIMEOUT"
	case statusChannelInactive:
		return "CHANNEL_INACTIVE"
	case statusBadRequest:
		return "BAD_REQUEST"
	case statusBadResponse:
		return "BAD_RESPONSE"
	case statusServiceNotFound:
		return "SERVICE_NOT_FOUND"
	case statusServiceError:
		return "SERVICE_ERROR"
	case statusServerError:
		return "SERVER_ERROR"
	case statusClientError:
		return "CLIENT_ERROR"
	case statusExhausted:
		return "SERVER_THREADPOOL_EXHAUSTED_ERROR"
	}
	return fmt.Sprintf("status(%d)", status)
}
