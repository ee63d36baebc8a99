package client

import (
	"context"

	"github.com/dubbofn/dubbofn/invoker"
)

// Invoker gives what calls a service, for those who learn its name while they run, as events do. It is a reference that the program has made itself, with
// its options, else one that connects in the background, is made once, and ends with the client.
func (c *Client) Invoker(ctx context.Context, key invoker.ServiceKey) (invoker.Invoker, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	for _, s := range c.referring() {
		if s.ref.key == key {
			return s, nil
		}
	}
	s, err := c.Reference(ctx, key.Interface, Version(key.Version), Group(key.Group), Background())
	if err != nil {
		return nil, err
	}
	return s, nil
}
