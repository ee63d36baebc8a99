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

// text is a line as Dubbo's users write it: three bytes a character, and some ASCII.
const text = "杭州市西湖区文三路 478 号华星时代广场 A 座 12 楼,收件人:王小明,电话 0571-88157838"

func BenchmarkDecodeChinese(b *testing.B) { benchDecode(b, text) }
func BenchmarkEncodeChinese(b *testing.B) { benchEncode(b, text) }

// attachments are what a Java consumer sends with a call.
func attachments(tb testing.TB) []byte {
	tb.Helper()
	var e hessian.Encoder
	e.Reset(hessian.NewTypes(), nil)
	if err := e.Value(map[string]any{"path": "org.example.shop.Orders", "interface": "org.example.shop.Orders", "version": "0.0.0", "timeout": "1000"}); err != nil {
		tb.Fatal(err)
	}
	return e.Bytes()
}

func BenchmarkDecodeAttachments(b *testing.B) {
	body := attachments(b)
	b.ReportAllocs()
	var d hessian.Decoder
	for b.Loop() {
		d.Reset(nil, body, hessian.Limits{})
		if err := d.Map(func(string, any) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
