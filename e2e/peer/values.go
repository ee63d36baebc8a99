package main

import (
	"fmt"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

// Color is the enum org.fixture.dubbo.Color; the empty one is null.
type Color string

const (
	Red   Color = "RED"
	Green Color = "GREEN"
	Blue  Color = "BLUE"
)

// Address is a plain class. A *string keeps Java's null apart from "".
type Address struct {
	Street *string
	Zip    int32
}

// Base is Person's superclass.
type Base struct {
	ID        int64
	CreatedBy *string
}

// Person has a field of each kind that the kit knows.
type Person struct {
	Base
	Name      *string
	Age       int32
	Active    *bool
	Score     float64
	Favourite Color
	Home      *Address
	Others    []*Address
	Tags      map[string]string
	Born      *time.Time
	Balance   *java.BigDecimal
	Blob      []byte
}

// Node may point back to itself.
type Node struct {
	Label *string
	Next  *Node
}

// BizException is a checked exception with a field of its own.
type BizException struct {
	Code   int32
	Reason string `hessian:"-"` // the message travels as the exception's own
}

// Error gives what Java's getMessage does.
func (e *BizException) Error() string { return e.Reason }

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func (c Color) text() string {
	if c == "" {
		return "null"
	}
	return string(c)
}

func (a *Address) text() string {
	if a == nil {
		return "null"
	}
	return fmt.Sprintf("%s#%d", text(a.Street), a.Zip)
}
