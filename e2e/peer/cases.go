package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dubbofn/dubbofn/java"
)

// cases are the checks of one run, by the names that the kit's Java consumer has for them.
type cases struct {
	ctx            context.Context
	passed, failed int
}

// check runs one case; a nil error passes.
func (c *cases) check(name string, run func(ctx context.Context) error) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
	defer cancel()
	err := guarded(ctx, run)
	if err != nil {
		c.failed++
		fmt.Printf("CASE %s FAIL %v\n", name, err)
		return
	}
	c.passed++
	fmt.Printf("CASE %s PASS %s\n", name, time.Since(begin).Round(time.Millisecond))
}

func guarded(ctx context.Context, run func(ctx context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return run(ctx)
}

// echo checks that values come back as they were sent.
func echo[T any](c *cases, name string, call func(context.Context, T) (T, error), values ...T) {
	c.check(name, func(ctx context.Context) error {
		for i, v := range values {
			got, err := call(ctx, v)
			if err != nil {
				return fmt.Errorf("value %d: %w", i+1, err)
			}
			if err := equal(v, got); err != nil {
				return fmt.Errorf("value %d: %w", i+1, err)
			}
		}
		return nil
	})
}

// equal compares as Java's equals does: numbers by value and scale, times by the moment and the zone's name.
func equal(want, got any) error {
	if diff := cmp.Diff(want, got, comparers()...); diff != "" {
		if len(diff) > 400 {
			diff = diff[:400] + " …"
		}
		return errors.New("not what was sent (-want +got): " + diff)
	}
	return nil
}

func comparers() cmp.Options {
	return cmp.Options{
		cmpopts.EquateNaNs(),
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b *java.BigDecimal) bool { return a == b || a != nil && b != nil && a.String() == b.String() }),
		cmp.Comparer(func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }),
		cmp.Comparer(func(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }),
		cmp.Comparer(func(a, b java.Instant) bool { return a.Equal(b.Time) }),
		cmp.Comparer(func(a, b java.OffsetDateTime) bool { return a.Format(time.RFC3339Nano) == b.Format(time.RFC3339Nano) }),
		cmp.Comparer(func(a, b java.ZonedDateTime) bool {
			return a.Equal(b.Time) && a.Location().String() == b.Location().String()
		}),
	}
}

// all gives the first error.
func all(errs ...error) error { return errors.Join(errs...) }

// nothingThrown is what a case fails with that waits for an exception.
var errNothingThrown = errors.New("nothing thrown")

func pointers[T any](values ...T) []*T {
	out := make([]*T, len(values))
	for i := range values {
		out[i] = &values[i]
	}
	return out
}

// kindOf is a value's Go type, for messages.
func kindOf(v any) string { return fmt.Sprint(reflect.TypeOf(v)) }
