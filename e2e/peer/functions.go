package main

import (
	"context"
	"math/big"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

// functions are the methods of TypesService as a consumer binds them.
type functions struct {
	EchoBoolean func(context.Context, bool) (bool, error)
	EchoByte    func(context.Context, int8) (int8, error)
	EchoShort   func(context.Context, int16) (int16, error)
	EchoChar    func(context.Context, java.Char) (java.Char, error)
	EchoInt     func(context.Context, int32) (int32, error)
	EchoLong    func(context.Context, int64) (int64, error)
	EchoFloat   func(context.Context, float32) (float32, error)
	EchoDouble  func(context.Context, float64) (float64, error)

	BoxBoolean func(context.Context, *bool) (*bool, error)
	BoxByte    func(context.Context, *int8) (*int8, error)
	BoxShort   func(context.Context, *int16) (*int16, error)
	BoxChar    func(context.Context, *java.Char) (*java.Char, error)
	BoxInt     func(context.Context, *int32) (*int32, error)
	BoxLong    func(context.Context, *int64) (*int64, error)
	BoxFloat   func(context.Context, *float32) (*float32, error)
	BoxDouble  func(context.Context, *float64) (*float64, error)

	EchoString        func(context.Context, *string) (*string, error)
	EchoBytes         func(context.Context, []byte) ([]byte, error)
	EchoBigDecimal    func(context.Context, *java.BigDecimal) (*java.BigDecimal, error)
	EchoBigInteger    func(context.Context, *big.Int) (*big.Int, error)
	EchoDate          func(context.Context, *time.Time) (*time.Time, error)
	EchoLocalDate     func(context.Context, *java.LocalDate) (*java.LocalDate, error)
	EchoLocalTime     func(context.Context, *java.LocalTime) (*java.LocalTime, error)
	EchoLocalDateTime func(context.Context, *java.LocalDateTime) (*java.LocalDateTime, error)
	EchoInstant       func(context.Context, *java.Instant) (*java.Instant, error)
	EchoDuration      func(context.Context, *time.Duration) (*time.Duration, error)
	EchoZonedDateTime func(context.Context, *java.ZonedDateTime) (*java.ZonedDateTime, error)
	EchoEnum          func(context.Context, Color) (Color, error)
	EchoPerson        func(context.Context, *Person) (*Person, error)
	EchoNode          func(context.Context, *Node) (*Node, error)
	EchoPersons       func(context.Context, []*Person) ([]*Person, error)
	EchoPersonMap     func(context.Context, map[string]*Person) (map[string]*Person, error)
	EchoIntMap        func(context.Context, map[int32]string) (map[int32]string, error)
	EchoSet           func(context.Context, java.Set[string]) (java.Set[string], error)
	EchoMixed         func(context.Context, []any) ([]any, error)
	EchoInts          func(context.Context, []int32) ([]int32, error)         `java:"int[]"`
	EchoLongs         func(context.Context, []int64) ([]int64, error)         `java:"long[]"`
	EchoShorts        func(context.Context, []int16) ([]int16, error)         `java:"short[]"`
	EchoBooleans      func(context.Context, []bool) ([]bool, error)           `java:"boolean[]"`
	EchoFloats        func(context.Context, []float32) ([]float32, error)     `java:"float[]"`
	EchoDoubles       func(context.Context, []float64) ([]float64, error)     `java:"double[]"`
	EchoChars         func(context.Context, []java.Char) ([]java.Char, error) `java:"char[]"`
	EchoStrings       func(context.Context, []*string) ([]*string, error)     `java:"java.lang.String[]"`
	EchoPersonArray   func(context.Context, []*Person) ([]*Person, error)     `java:"org.fixture.dubbo.Person[]"`
	EchoMatrix        func(context.Context, [][]int32) ([][]int32, error)     `java:"int[][]"`
	EchoObject        func(context.Context, any) (any, error)

	Describe    func(context.Context, *Person) (string, error)
	Birthday    func(context.Context, *Person) (*Person, error)
	NextDay     func(context.Context, *time.Time) (*time.Time, error)
	Twice       func(context.Context, *java.BigDecimal) (*java.BigDecimal, error)
	Utf16Length func(context.Context, string) (int32, error)
	Sum         func(context.Context, ...int32) (int64, error)
	Walk        func(context.Context, *Node, int32) (string, error)
	Join        func(context.Context, string, int32, int64, bool, float64, Color, []string) (string, error)

	Nothing func(context.Context, string) error
	LastKey func(context.Context) (string, error)

	OverString    func(context.Context, string) (string, error)        `dubbo:"over"`
	OverInt       func(context.Context, int32) (string, error)         `dubbo:"over"`
	OverStringInt func(context.Context, string, int32) (string, error) `dubbo:"over"`
	OverPerson    func(context.Context, *Person) (string, error)       `dubbo:"over"`
	OverList      func(context.Context, []string) (string, error)      `dubbo:"over"`

	FailChecked  func(context.Context, int32, string) (string, error)
	FailRuntime  func(context.Context, string) (string, error)
	Async        func(context.Context, string) (string, error)
	Sleep        func(context.Context, int64) (string, error)
	Attach       func(context.Context, string) (string, error)
	AttachObject func(context.Context, string) (string, error)
	Whoami       func(context.Context) (string, error)
}
