package dubbo

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

// DefaultMaxBytes is the limit for a frame's body that Dubbo Java has (Constants.DEFAULT_PAYLOAD, 8 MiB).
const DefaultMaxBytes = 8 << 20

const (
	defaultMaxInFlight  = 4096
	defaultMaxConns     = 10_000
	defaultQueueBytes   = 16 << 20
	defaultReadTimeout  = 30 * time.Second
	defaultWriteTimeout = 30 * time.Second
	defaultHeartbeat    = 60 * time.Second
	defaultQuiet        = 250 * time.Millisecond
	idleBeats           = 3 // a connection closes after so many heartbeat periods without a byte (Java: UrlUtils.getCloseTimeout)
)

// ServerConfig says how a [Server] behaves. The zero value is usable; zero fields mean the defaults.
type ServerConfig struct {
	// Types knows the Java types of dynamic values. Default: what the Provider's method Types gives, else none but Java's own.
	Types *hessian.Types
	// Codec reads and writes values in place of the project's own codec. Default: none.
	Codec Codec
	// Log gets what no peer is told: closed connections, failures of one-way calls. Default: nothing is logged.
	Log *slog.Logger
	// Budget bounds the bytes being read and decoded; share one among all servers of a process. Default: 256 MiB of its own.
	Budget *Budget
	// MaxBytes bounds the body of a frame, in either direction. Default: DefaultMaxBytes, 8 MiB.
	MaxBytes int
	// MaxInFlight bounds the calls that run or wait to be answered. One more gets status 100 at once. Default: 4096.
	MaxInFlight int
	// MaxConns bounds the connections. One more is closed when it is accepted. Default: 10000.
	MaxConns int
	// QueueBytes bounds the answers that wait for one consumer to read them; while there are as many, nothing more is read
	// from it. Default: 16 MiB.
	QueueBytes int
	// ReadTimeout is how long one frame may take to arrive; the connection closes after it. Default: 30 s.
	ReadTimeout time.Duration
	// WriteTimeout is how long a write may make no progress (256 KiB); the connection closes after it. Default: 30 s.
	WriteTimeout time.Duration
	// Heartbeat is how long a connection may be idle before the server asks for a sign of life; after three times as long
	// without a byte from the consumer it is closed. Default: 60 s, as Dubbo Java has it.
	Heartbeat time.Duration
	// Quiet is how long no request may arrive before Drain believes that consumers have turned away. Default: 250 ms.
	Quiet time.Duration
	// Instance is what the answers of Handler name in the header Dubbofn-Instance. Default: nothing.
	Instance string
	// Aside is given each POST to Handler that showed the token, before it is read as a frame; true: it was answered. Default: none.
	Aside func(http.ResponseWriter, *http.Request) bool
	// Ledger gives what a caller gets that asks how this process started: JSON, in the attachment dubbofn.ledger of a response whose request
	// has that attachment, and in the header Dubbofn-Ledger of Handler's. Default: such requests are as others.
	Ledger func() string
	// First is called once, when the first call's reply was handed over to be written, with the time when its frame had arrived.
	// Default: none.
	First func(arrived time.Time)
	// Token, where it isn't empty, is what every POST to Handler must show in the header Dubbofn-Token.
	Token string
}

// Validate reports every setting that makes no sense.
func (c ServerConfig) Validate() error {
	var faults []error
	for _, n := range []struct {
		name  string
		value int
	}{{"MaxBytes", c.MaxBytes}, {"MaxInFlight", c.MaxInFlight}, {"MaxConns", c.MaxConns}, {"QueueBytes", c.QueueBytes}} {
		if n.value < 0 {
			faults = append(faults, fmt.Errorf("%s is %d: want 0 (the default) or more", n.name, n.value))
		}
	}
	if c.MaxBytes > 1<<30 {
		faults = append(faults, fmt.Errorf("MaxBytes is %d: want at most %d", c.MaxBytes, 1<<30))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"ReadTimeout", c.ReadTimeout}, {"WriteTimeout", c.WriteTimeout}, {"Heartbeat", c.Heartbeat}, {"Quiet", c.Quiet}} {
		if d.value < 0 {
			faults = append(faults, fmt.Errorf("%s is %v: want 0 (the default) or more", d.name, d.value))
		}
	}
	return errors.Join(faults...)
}

func (c ServerConfig) withDefaults() ServerConfig {
	if c.Types == nil {
		c.Types = hessian.NewTypes()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Budget == nil {
		c.Budget = NewBudget(0)
	}
	orDefault(&c.MaxBytes, DefaultMaxBytes)
	orDefault(&c.MaxInFlight, defaultMaxInFlight)
	orDefault(&c.MaxConns, defaultMaxConns)
	orDefault(&c.QueueBytes, defaultQueueBytes)
	orDefault(&c.ReadTimeout, defaultReadTimeout)
	orDefault(&c.WriteTimeout, defaultWriteTimeout)
	orDefault(&c.Heartbeat, defaultHeartbeat)
	orDefault(&c.Quiet, defaultQuiet)
	return c
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
