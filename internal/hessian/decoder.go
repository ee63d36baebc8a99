package hessian

// Decoder reads the values of one body. Not safe for concurrent use; Reset makes it ready for the next body.
type Decoder struct{}

func (d *Decoder) Reset(t *Types, body []byte, l Limits) {}

// Head reads a string as UTF-8 bytes, inside the body where that is possible.
func (d *Decoder) Head() ([]byte, error) { return nil, errSkeleton }

func (d *Decoder) String() (string, error) { return "", errSkeleton }
func (d *Decoder) Int() (int32, error)     { return 0, errSkeleton }
func (d *Decoder) Value() (any, error)     { return nil, errSkeleton }

// Object is like Value, but gives every class instance as a *java.Object.
func (d *Decoder) Object() (any, error) { return nil, errSkeleton }

// Decode gives a new value of p.Type().
func (d *Decoder) Decode(p *Plan) (any, error) { return nil, errSkeleton }

// Map reads a map, or null, and gives each entry.
func (d *Decoder) Map(each func(key string, value any) error) error { return errSkeleton }

// Remaining is how many bytes haven't been read.
func (d *Decoder) Remaining() int { return 0 }
