package hessian

import "errors"

var errSkeleton = errors.New("hessian: not there yet")

// Generalize turns v into the form that generic=true uses.
func (t *Types) Generalize(v any) (any, error) { return nil, errSkeleton }

// Realize turns a generic=true value into a new value of Type().
func (p *Plan) Realize(t *Types, v any) (any, error) { return nil, errSkeleton }
