package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTraceIsDrawnAsItHangsTogether(t *testing.T) {
	t.Parallel()
	var all []span
	if err := json.Unmarshal([]byte(`[
		{"segmentId":"b","spanId":0,"parentSpanId":-1,"refs":[{"parentSegmentId":"a","parentSpanId":1}],"serviceCode":"shop","startTime":1010,"endTime":1030,"endpointName":"org.example.ShopService.order(String)","type":"Entry","isError":true},
		{"segmentId":"a","spanId":1,"parentSpanId":0,"serviceCode":"consumer","startTime":1005,"endTime":1040,"endpointName":"<exit>","type":"Exit"},
		{"segmentId":"a","spanId":0,"parentSpanId":-1,"serviceCode":"consumer","startTime":1000,"endTime":1050,"endpointName":"main","type":"Local"},
		{"segmentId":"c","spanId":0,"parentSpanId":-1,"refs":[{"parentSegmentId":"c","parentSpanId":0}],"serviceCode":"lost"}]`), &all); err != nil {
		t.Fatal(err)
	}
	tree := ordered(all)
	var got strings.Builder
	for _, s := range tree {
		fmt.Fprintf(&got, "%d %s/%d, ", s.depth, s.Segment, s.ID)
	}
	if want := "0 a/0, 1 a/1, 2 b/0, "; got.String() != want {
		t.Errorf("%s, want %s", got.String(), want)
	}
	picture, err := waterfall(tree)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, picture)
	if !strings.Contains(picture, "3 spans of 2 services, 50 ms") || strings.Contains(picture, "<exit>") {
		t.Error(picture)
	}
}

func TestRatesAndQuantilesAreOfWhatGrew(t *testing.T) {
	t.Parallel()
	at := func(total, fast, slow float64) map[string]float64 {
		return map[string]float64{
			`dubbofn_calls_total{code="ok",method="order"}`: total, `dubbofn_calls_in_flight{method="order"}`: 1,
			`dubbofn_call_duration_seconds_bucket{method="order",le="0.01"}`: fast, `dubbofn_call_duration_seconds_bucket{method="order",le="0.1"}`: slow,
			`dubbofn_call_duration_seconds_bucket{method="order",le="+Inf"}`: slow,
		}
	}
	s := &series{every: time.Second, points: []map[string]float64{at(100, 50, 100), at(110, 55, 110), {}, at(20, 10, 20)}} // it slept, and began again at 0
	if got := s.rate("dubbofn_calls_total", "method")[0]; got.name != "order" || got.values[3] != 30/rateOver.Seconds() {
		t.Errorf("%+v, want 30 calls within the window", got)
	}
	if got := s.quantile("p75", .75, "dubbofn_call_duration_seconds").values[3]; math.Abs(got-.055) > 1e-9 {
		t.Errorf("p75 %v, want 0.055", got)
	}
	if got := s.gauge("dubbofn_calls_in_flight", "method")[0].values; got[1] != 1 || !math.IsNaN(got[2]) {
		t.Errorf("%v, want 1, and nothing while it slept", got)
	}
	picture, err := dashboard(s)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, picture)
	if strings.Contains(picture, "NaN") {
		t.Error("NaN is drawn")
	}
	if _, err := dashboard(&series{every: time.Second, points: []map[string]float64{{}}}); err == nil {
		t.Error("a dashboard of nothing is drawn")
	}
}
