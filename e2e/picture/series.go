package main

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// curve is one line of a panel: a value for each scrape, NaN where there is none.
type curve struct {
	name   string
	values []float64
}

// rateOver is what rates and quantiles are taken over.
const rateOver = 5 * time.Second

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

func labels(key string) map[string]string {
	all := map[string]string{}
	for _, m := range label.FindAllStringSubmatch(key, -1) {
		all[m[1]] = m[2]
	}
	return all
}

// groups gives, for each value of a label, the series of a metric whose text has all of having in it; "" puts all into one.
func (s *series) groups(metric, by string, having ...string) map[string][]string {
	keys := map[string]struct{}{}
	for _, p := range s.points {
		for key := range p {
			name, _, _ := strings.Cut(key, "{")
			if name == metric && !slices.ContainsFunc(having, func(h string) bool { return !strings.Contains(key, h) }) {
				keys[key] = struct{}{}
			}
		}
	}
	all := map[string][]string{}
	for key := range keys {
		all[labels(key)[by]] = append(all[labels(key)[by]], key)
	}
	return all
}

// gauge gives the sums of a metric by a label.
func (s *series) gauge(metric, by string, having ...string) (all []curve) {
	groups := s.groups(metric, by, having...)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		c := curve{name, make([]float64, len(s.points))}
		for i, p := range s.points {
			c.values[i] = math.NaN()
			for _, key := range groups[name] {
				if v, ok := p[key]; ok {
					c.values[i] = orZero(c.values[i]) + v
				}
			}
		}
		all = append(all, c)
	}
	return all
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// grown is by how much a counter has grown between a scrape and the one before. One that is smaller, or new, began at 0: with its process.
func (s *series) grown(key string, i int) float64 {
	now, ok := s.points[i][key]
	if !ok || i == 0 {
		return 0
	}
	if before, ok := s.points[i-1][key]; ok && before <= now {
		return now - before
	}
	return now
}

// window is how many scrapes rates are taken over.
func (s *series) window() int { return int(rateOver / s.every) }

// within is by how much some series have grown within the window before a scrape.
func (s *series) within(keys []string, i int) (sum float64) {
	for j := max(1, i-s.window()+1); j <= i; j++ {
		for _, key := range keys {
			sum += s.grown(key, j)
		}
	}
	return sum
}

// rate gives how much a second a metric grows, by a label.
func (s *series) rate(metric, by string, having ...string) (all []curve) {
	groups := s.groups(metric, by, having...)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		c := curve{name, make([]float64, len(s.points))}
		for i := range s.points {
			c.values[i] = s.within(groups[name], i) / rateOver.Seconds()
		}
		all = append(all, c)
	}
	return all
}

// share gives a part of what a metric grows by.
func (s *series) share(name, metric, having string) curve {
	part, whole := s.groups(metric, "", having)[""], s.groups(metric, "")[""]
	c := curve{name, make([]float64, len(s.points))}
	for i := range s.points {
		c.values[i] = s.within(part, i) / s.within(whole, i) // 0/0 is NaN: nothing to draw
	}
	return c
}

// quantile gives one of a histogram, as histogram_quantile does.
func (s *series) quantile(name string, q float64, metric string, having ...string) curve {
	byLe := s.groups(metric+"_bucket", "le", having...)
	bound := func(le string) float64 { v, _ := strconv.ParseFloat(le, 64); return v }
	les := slices.SortedFunc(maps.Keys(byLe), func(a, b string) int { return int(math.Copysign(1, bound(a)-bound(b))) })
	c := curve{name, make([]float64, len(s.points))}
	for i := range s.points {
		c.values[i] = math.NaN()
		if len(les) == 0 {
			continue
		}
		total := s.within(byLe[les[len(les)-1]], i)
		low, below := 0.0, 0.0
		for _, le := range les {
			high, n := bound(le), s.within(byLe[le], i)
			if total > 0 && n >= q*total {
				c.values[i] = low
				if !math.IsInf(high, 1) && n > below {
					c.values[i] = low + (high-low)*(q*total-below)/(n-below)
				}
				break
			}
			low, below = high, n
		}
	}
	return c
}
