package hessian

// Limits bound what one body may make a Decoder do. Zero fields mean the defaults.
type Limits struct {
	// Depth is how deep lists, maps and objects may nest. Default 512.
	Depth int
	// Values is how many values a body may hold; values that a reference makes a Decoder read again count again.
	// Default: twice as many as the body has bytes, and 1024.
	Values int
	// Refs is how many lists, maps and objects a body may hold. Default: no limit beside Values.
	Refs int
	// AllocFactor bounds the memory that decoding may allocate, in bytes for each byte of the body, beside a first 64 KiB.
	// Default 32. Small bodies may take 8 times as much, up to 512 KiB: a list of maps of one number each takes 57 bytes a byte.
	AllocFactor int
}

// maxClasses is how many class definitions a body may hold: far more than a Java program has classes that travel together, and
// few enough for a table of them not to be worth an attack.
const maxClasses = 4096

const (
	defaultDepth       = 512
	defaultAllocFactor = 32
	freeAlloc          = 64 << 10
	smallAlloc         = 512 << 10
	smallFactor        = 8
	freeValues         = 1024
)

// resolve fills in the defaults for a body of that many bytes.
func (l Limits) resolve(body int) Limits {
	if l.Depth == 0 {
		l.Depth = defaultDepth
	}
	if l.Values == 0 {
		l.Values = 2*body + freeValues
	}
	if l.Refs == 0 {
		l.Refs = l.Values
	}
	if l.AllocFactor == 0 {
		l.AllocFactor = defaultAllocFactor
	}
	return l
}

// allowance is what decoding a body of that many bytes may allocate.
func (l Limits) allowance(body int) int {
	most := l.AllocFactor * body
	return freeAlloc + max(most, min(smallFactor*most, smallAlloc))
}

// charge takes n bytes from what the body may still make the Decoder allocate.
func (d *Decoder) charge(n int) error {
	d.alloc -= n
	if d.alloc < 0 {
		return d.overspent()
	}
	return nil
}

func (d *Decoder) overspent() error {
	return d.fail(KindLimit, d.pos, "the values take more memory than a body of %d bytes may (limit %d bytes)", len(d.b), d.lim.allowance(len(d.b)))
}

// allocated is roughly what Go's allocator takes for n bytes.
func allocated(n uintptr) int {
	if n <= 256 {
		return int(n+15) &^ 15
	}
	return int(n + n/8 + 16)
}

// chargeEntry takes what entry number i of a map is going to cost: Go makes room for eight at once, and from there on
// doubles it.
func (d *Decoder) chargeEntry(i int, entry uintptr) error {
	switch {
	case i == 0:
		return d.charge(allocated(8*entry + 8))
	case i < 8:
		return nil
	}
	return d.charge(4 * int(entry+1))
}

// count takes n values from what the body may still hold.
func (d *Decoder) count(n int) error {
	d.values -= n
	if d.values < 0 {
		return d.tooMany()
	}
	return nil
}

//go:noinline
func (d *Decoder) tooMany() error {
	return d.fail(KindLimit, d.pos, "more than %d values (references count as what they refer to)", d.lim.Values)
}

// enter goes one level deeper. Every enter that succeeds is followed by d.depth++.
func (d *Decoder) enter() error {
	d.depth--
	if d.depth < 0 {
		return d.tooDeep()
	}
	return nil
}

//go:noinline
func (d *Decoder) tooDeep() error {
	d.depth++
	return d.fail(KindLimit, d.pos, "values nest deeper than %d", d.lim.Depth)
}
