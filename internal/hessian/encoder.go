package hessian

// Encoder appends values to a buffer. Not safe for concurrent use.
type Encoder struct{ buf []byte }

func (e *Encoder) Reset(t *Types, buf []byte)  { e.buf = buf }
func (e *Encoder) Bytes() []byte               { return e.buf }
func (e *Encoder) Len() int                    { return len(e.buf) }
func (e *Encoder) Truncate(n int)              { e.buf = e.buf[:n] }
func (e *Encoder) Null()                       {}
func (e *Encoder) Bool(v bool)                 {}
func (e *Encoder) Int(v int32)                 {}
func (e *Encoder) Long(v int64)                {}
func (e *Encoder) Double(v float64)            {}
func (e *Encoder) String(v string)             {}
func (e *Encoder) Binary(v []byte)             {}
func (e *Encoder) MapBegin(class string)       {}
func (e *Encoder) MapEnd()                     {}
func (e *Encoder) Encode(p *Plan, v any) error { return errSkeleton }
func (e *Encoder) Value(v any) error           { return errSkeleton }
