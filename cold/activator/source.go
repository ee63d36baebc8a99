package activator

import "context"

// Source knows which functions there are.
type Source interface {
	// Watch calls each with all functions: first as they are now, then again whenever that differs, never twice at a time; Names differ.
	// each keeps the slice. Watch blocks until ctx ends and then returns nil after the last call; its error says that the first state can't be
	// had. A source that can't be reached later changes nothing: the last state stands.
	Watch(ctx context.Context, each func([]Function)) error
}
