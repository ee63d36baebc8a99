package hessian

import (
	"errors"
	"reflect"
	"time"
)

var errSkeleton = errors.New("hessian: not there yet")

// Types knows which Java class stands for which Go type, and the plans to read and write them. Safe for concurrent use.
type Types struct{}

// NewTypes gives an empty Types.
func NewTypes() *Types { return &Types{} }

// Name gives rt an explicit Java class.
func (t *Types) Name(rt reflect.Type, class string) error { return errSkeleton }

// Register compiles rt and everything it reaches. Structs without a class of their own get pkg + "." + their Go name.
func (t *Types) Register(rt reflect.Type, pkg string) (*Plan, error) { return nil, errSkeleton }

// Plan is Register(rt, ""), cached.
func (t *Types) Plan(rt reflect.Type) (*Plan, error) { return nil, errSkeleton }

// Generalize turns v into the form that generic=true uses.
func (t *Types) Generalize(v any) (any, error) { return nil, errSkeleton }

// Plan is the codec of one Go type.
type Plan struct{ rt reflect.Type }

// Type is the Go type that p reads and writes.
func (p *Plan) Type() reflect.Type { return p.rt }

// Java is the Java type.
func (p *Plan) Java() string { return "" }

// Fit says how well a parameter that Java declares suits a Go type.
type Fit uint8

const (
	FitNone  Fit = iota // can't be read as that type
	FitLoose            // can be read, though other types suit better
	FitExact            // is that type
)

// Fits says how a parameter declared with this JVM descriptor suits p.
func (p *Plan) Fits(descriptor string) Fit { return FitNone }

// Realize turns a generic=true value into a new value of Type().
func (p *Plan) Realize(t *Types, v any) (any, error) { return nil, errSkeleton }

// Signature is what a method takes and gives.
type Signature struct {
	Params  []*Plan
	Result  *Plan         // nil: void
	Timeout time.Duration // as published
}
