package golden

import (
	"errors"
	"reflect"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
	"github.com/dubbofn/dubbofn/java"
)

// Color is org.example.golden.Color, an enum.
type Color string

// The constants of Color.
const (
	Red   Color = "RED"
	Green Color = "GREEN"
	Blue  Color = "BLUE"
)

// JavaClassName is the enum's class.
func (Color) JavaClassName() string { return "org.example.golden.Color" }

// Address is org.example.golden.Address.
type Address struct {
	Street *string
	Zip    int32
}

// Base is org.example.golden.Base, the superclass of Person.
type Base struct {
	ID        int64
	CreatedBy *string
}

// Person is org.example.golden.Person.
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

// Node is org.example.golden.Node.
type Node struct {
	Label string
	Next  *Node
}

// Pair is org.example.golden.Pair.
type Pair[A, B any] struct {
	First  A
	Second B
}

// Scalars is org.example.golden.Scalars: every primitive and every boxed type.
type Scalars struct {
	Z bool
	B int8
	S int16
	C java.Char
	I int32
	J int64
	F float32
	D float64

	BoxedBoolean *bool
	BoxedByte    *int8
	BoxedShort   *int16
	BoxedChar    *java.Char
	BoxedInt     *int32
	BoxedLong    *int64
	BoxedFloat   *float32
	BoxedDouble  *float64
}

// Times is org.example.golden.Times: what hessian-lite writes in ways of its own.
type Times struct {
	Date           *time.Time
	LocalDate      *java.LocalDate
	LocalTime      *java.LocalTime
	LocalDateTime  *java.LocalDateTime
	Instant        *java.Instant
	Duration       *time.Duration
	ZonedDateTime  *java.ZonedDateTime
	OffsetDateTime *java.OffsetDateTime
	OffsetTime     *java.OffsetTime
	Year           *java.Year
	YearMonth      *java.YearMonth
	MonthDay       *java.MonthDay
	Period         *java.Period
	Locale         *java.Locale
	UUID           *java.UUID
}

// Containers is org.example.golden.Arrays2D: containers whose element types the wire does not tell.
type Containers struct {
	Matrix [][]int32
	Words  []string
	Homes  []*Address
	Names  java.Set[string]
	Colors map[Color]struct{}
	ByZip  map[int32]*Address
	Groups map[string][]*Address
	Longs  []int64
	Shorts []int16
}

// Register names the types of this package in t and compiles them.
func Register(t *hessian.Types) error {
	named := map[string][]reflect.Type{
		"Address":  {reflect.TypeFor[Address]()},
		"Base":     {reflect.TypeFor[Base]()},
		"Person":   {reflect.TypeFor[Person]()},
		"Node":     {reflect.TypeFor[Node]()},
		"Scalars":  {reflect.TypeFor[Scalars]()},
		"Times":    {reflect.TypeFor[Times]()},
		"Arrays2D": {reflect.TypeFor[Containers]()},
		"Pair": {reflect.TypeFor[Pair[any, any]](), reflect.TypeFor[Pair[int64, any]](), reflect.TypeFor[Pair[string, *Pair[int64, any]]](),
			reflect.TypeFor[Pair[Color, Color]]()},
	}
	var faults []error
	for class, types := range named {
		for _, rt := range types {
			faults = append(faults, t.Name(rt, folder+class))
		}
	}
	for _, types := range named {
		for _, rt := range types {
			_, err := t.Register(reflect.PointerTo(rt), "")
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
