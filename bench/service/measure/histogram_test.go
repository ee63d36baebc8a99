package measure

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramKnowsQuantilesToOnePart64(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var all, half Histogram
	var values []time.Duration
	for i := range 100_000 {
		d := time.Duration(random.ExpFloat64() * 1e6)
		values = append(values, d)
		if i%2 == 0 {
			all.Record(d)
		} else {
			half.Record(d)
		}
	}
	all.Merge(&half)
	slices.Sort(values)
	for _, q := range []float64{0, .5, .9, .99, .999} {
		want := values[int(q*float64(len(values)))]
		if got := all.Quantile(q); got < want || float64(got) > float64(want)*(1+1./64)+1 {
			t.Errorf("quantile %v is %v; want %v to 1/64 above", q, got, want)
		}
	}
	if got := all.Quantile(1); got != values[len(values)-1] {
		t.Errorf("the largest is %v; want %v", got, values[len(values)-1])
	}
}

func TestHistogramBucketsHoldTheirUpperBound(t *testing.T) {
	t.Parallel()
	for i := range subBuckets * 30 {
		if got := bucket(upper(i)); got != i {
			t.Fatalf("upper bound %d of bucket %d is in bucket %d", upper(i), i, got)
		}
		if got := bucket(upper(i) + 1); got != i+1 {
			t.Fatalf("what follows bucket %d is in bucket %d", i, got)
		}
	}
}

func TestHistogramTakesAnyDuration(t *testing.T) {
	t.Parallel()
	var h Histogram
	if got := h.Quantile(.5); got != 0 {
		t.Errorf("an empty one has the median %v", got)
	}
	h.Record(-time.Second)
	h.Record(1000 * time.Hour)
	if got := h.Quantile(0); got != 0 {
		t.Errorf("a negative duration counts as %v; want 0", got)
	}
}
