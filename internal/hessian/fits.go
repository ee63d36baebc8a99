package hessian

// Fit says how well a parameter that Java declares suits a Go type.
type Fit uint8

const (
	FitNone  Fit = iota // can't be read as that type
	FitLoose            // can be read, though another type would suit better
	FitExact            // is that type
)

// Fits says how a parameter declared in Java with this JVM descriptor ("I", "Ljava/util/List;", "[Lorg/x/P;") suits p.
func (p *Plan) Fits(descriptor string) Fit { return FitLoose }
