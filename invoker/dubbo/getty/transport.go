package getty

import "net"

// Transport is a way to listen, as a part that a program hands to serve.Main.
type Transport string

// TCP listens as [Listen] does.
const TCP Transport = "getty"

// Name gives "getty".
func (t Transport) Name() string { return string(t) }

// Listen opens address ("host:port"; port 0 picks a free one).
func (Transport) Listen(address string) (net.Listener, error) { return Listen(address) }
