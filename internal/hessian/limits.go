package hessian

// Limits bound what one body may make a Decoder do. Zero fields mean the defaults.
type Limits struct {
	// Depth is how deep lists, maps and objects may nest. Default 512.
	Depth int
	// Values is how many values a body may hold; values that a reference makes a Decoder read again count again.
	// Default: as many as the body has bytes, and as many again.
	Values int
	// Refs is how many lists, maps and objects a body may hold. Default: no more than Values.
	Refs int
	// AllocFactor bounds the memory that decoding may allocate, in bytes for each byte of the body, beside a first 64 KiB.
	// Default 32.
	AllocFactor int
}
