package cluster

// state is what a provider's versions share: what runs there now, and how long calls take.
type state struct{}
