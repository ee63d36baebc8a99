package hessian_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/dubbofn/dubbofn/internal/hessian"
)

// order is the 8 fields of the POJO that docs/benchmarks measures.
type order struct {
	ID       int64
	Customer string
	Email    string
	Quantity int32
	Price    float64
	Paid     bool
	Created  time.Time
	Tags     []string
}

func (order) JavaClassName() string { return "org.example.shop.Order" }

func someOrder(i int) *order {
	return &order{
		ID: 4_000_000_000 + int64(i), Customer: "Customer Number " + strconv.Itoa(i), Email: "customer.number@mail.example.org", Quantity: 12,
		Price: 1234.5678, Paid: true, Created: time.UnixMilli(1_700_000_000_123).UTC(), Tags: []string{"express", "gift", "fragile goods"},
	}
}

func benchDecode(b *testing.B, v any) {
	types, p, body := encoded(b, v)
	_ = types
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var d hessian.Decoder
	for b.Loop() {
		d.Reset(types, body, hessian.Limits{})
		if _, err := d.Decode(p); err != nil {
			b.Fatal(err)
		}
	}
}

func benchEncode(b *testing.B, v any) {
	types, p, body := encoded(b, v)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var e hessian.Encoder
	for b.Loop() {
		e.Reset(types, body[:0])
		if err := e.Encode(p, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePOJO(b *testing.B) { benchDecode(b, someOrder(1)) }
func BenchmarkEncodePOJO(b *testing.B) { benchEncode(b, someOrder(1)) }

func orders() []*order {
	list := make([]*order, 100)
	for i := range list {
		list[i] = someOrder(i)
	}
	return list
}

func BenchmarkDecodeList(b *testing.B) { benchDecode(b, orders()) }
func BenchmarkEncodeList(b *testing.B) { benchEncode(b, orders()) }

func BenchmarkDecodeDynamic(b *testing.B) {
	_, _, body := encoded(b, someOrder(1))
	types := hessian.NewTypes()
	b.ReportAllocs()
	var d hessian.Decoder
	for b.Loop() {
		d.Reset(types, body, hessian.Limits{})
		if _, err := d.Value(); err != nil {
			b.Fatal(err)
		}
	}
}
