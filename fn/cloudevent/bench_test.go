package cloudevent

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"testing"
)

// quiet takes an answer and keeps nothing of it.
type quiet struct {
	header http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) WriteHeader(status int)      { q.status = status }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkEvent is an event with JSON as data, its method and its reply, without the network.
func BenchmarkEvent(b *testing.B) {
	var s shop
	e := s.open(b, nil)
	body := []byte(`{"order":{"id":"a","items":[{"sku":"alphabetical","count":2},{"sku":"beta","count":1}],"total":1.25},"note":"12 Long Street, Springfield, Building 100, Postcode 21000"}`)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		req := &http.Request{
			Method: http.MethodPost, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
			Header: http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {strconv.Itoa(n)}, "Ce-Source": {"/web"}, "Ce-Type": {"order.placed"}, "Content-Type": {"application/json"}, "Prefer": {"reply"}},
		}
		w := &quiet{header: http.Header{}}
		if e.ServeHTTP(w, req); w.status != http.StatusOK {
			b.Fatal(w.status)
		}
		s.calls = s.calls[:0]
	}
}
