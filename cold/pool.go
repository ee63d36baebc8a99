// Package cold keeps what should outlive a cold start: connections first. It knows no Dubbo.
package cold

// Conn is what a [Pool] holds.
type Conn interface {
	Available() bool       // new work may go this way; false once the peer announced that it is going
	Done() <-chan struct{} // closed when the connection has ended
	Close() error
}

// Target is the connections to one address.
type Target[C Conn] struct{}

// Pool shares connections by address.
type Pool[C Conn] struct{}
