package main

import (
	"context"
	"errors"

	"github.com/dubbofn/dubbofn/image"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/registry"
)

// The exit codes, as the help text lists them.
const (
	exitException   = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitTimeout     = 4
	exitRefused     = 5
	exitUnavailable = 6
	exitOther       = 7
	exitFaults      = 8
)

func exitCode(err error) int {
	if isUsage(err) {
		return exitUsage
	}
	if errors.Is(err, errFaults) {
		return exitFaults
	}
	var thrown *invoker.Exception
	if errors.As(err, &thrown) {
		return exitException
	}
	if errors.Is(err, image.ErrRefused) {
		return exitRefused
	}
	if errors.Is(err, registry.ErrUnreachable) || errors.Is(err, image.ErrUnreachable) {
		return exitUnavailable
	}
	if missing(err) {
		return exitNotFound
	}
	if code := clusterExit(err); code != 0 {
		return code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return exitTimeout
	}
	code, ok := invoker.CodeOf(err)
	if !ok {
		return exitOther
	}
	switch code {
	case invoker.CodeNotFound:
		return exitNotFound
	case invoker.CodeTimeout:
		return exitTimeout
	case invoker.CodeExhausted, invoker.CodeUnauthenticated:
		return exitRefused
	case invoker.CodeUnavailable:
		return exitUnavailable
	case invoker.CodeClient:
		return exitUsage
	default:
		return exitOther
	}
}
