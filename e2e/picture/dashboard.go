package main

import (
	"errors"
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// panel is one of the dashboard's.
type panel struct {
	title  string
	format func(float64) string
	curves []curve
}

// The measures, in px.
const (
	columns                      = 3
	panelWidth, panelHeight      = 372, 210
	gap, head                    = 14, 58
	plotLeft, plotTop, plotRight = 54, 38, 14
	plotHeight                   = 118
	legendTop                    = plotTop + plotHeight + 32
	ground, frame, bright, dim   = "#161b22", "#30363d", "#e6edf3", "#9198a1"
	colours                      = "#3fb4b4 #e8a33d #7f8cff #f0706a #7bc86c #d678c4"
)

// dashboard draws the panels of templates/grafana/dashboard.json that the run has something for.
func dashboard(s *series) (string, error) {
	called := s.gauge("dubbofn_calls_total", "method")
	if len(called) == 0 {
		return "", errors.New("no function was scraped: does its log have metrics=…, and is there a call?")
	}
	price, order := `method="price"`, `method="order"`
	panels := []panel{
		{"Calls a second", plain, s.rate("dubbofn_calls_total", "method")},
		{"Errors a second, by code", plain, errorsOnly(s.rate("dubbofn_calls_total", "code"))},
		{"In flight", plain, s.gauge("dubbofn_calls_in_flight", "method")},
		{"Latency, p50 and p99", seconds, []curve{
			s.quantile("order p99", .99, "dubbofn_call_duration_seconds", order), s.quantile("order p50", .5, "dubbofn_call_duration_seconds", order),
			s.quantile("price p99", .99, "dubbofn_call_duration_seconds", price), s.quantile("price p50", .5, "dubbofn_call_duration_seconds", price),
		}},
		{"Cold start by phase", seconds, longest(s.gauge("dubbofn_start_phase_seconds", "phase"), 5)},
		{"Wake time", seconds, []curve{s.quantile("p99", .99, "dubbofn_activator_wake_seconds"), s.quantile("p50", .5, "dubbofn_activator_wake_seconds")}},
		{"Wakes so far, by the first reply's lane", plain, s.gauge("dubbofn_activator_wakes_total", "lane")},
		{"Early lane's share of the calls", percent, []curve{s.share("early lane", "dubbofn_activator_calls_total", `lane="early"`)}},
		{"Memory of the function, resident", megabytes, s.gauge("process_resident_memory_bytes", "app", `app="`)},
	}
	rows := (len(panels) + columns - 1) / columns
	width, height := gap+columns*(panelWidth+gap), head+rows*(panelHeight+gap)
	var b strings.Builder
	lasted := time.Duration(len(s.points)) * s.every
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" font-family="-apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif">
<title>The dashboard of a function that sleeps between waves of calls</title>
<rect width="100%%" height="100%%" rx="10" fill="#0d1117"/>
<text x="%d" y="26" font-size="17" font-weight="600" fill="%s">dubbofn · org.example.ShopService</text>
<text x="%[3]d" y="45" font-size="12" fill="%[5]s">scraped every %v for %v while it was called in waves, and slept between them; rates over %v</text>
`, width, height, gap, bright, dim, s.every, lasted.Round(time.Second), rateOver)
	for i, p := range panels {
		p.draw(&b, gap+i%columns*(panelWidth+gap), head+i/columns*(panelHeight+gap), s)
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

func (p panel) draw(b *strings.Builder, x, y int, s *series) {
	fmt.Fprintf(b, `<g transform="translate(%d,%d)"><rect width="%d" height="%d" rx="6" fill="%s" stroke="%s"/><text x="12" y="22" font-size="13" font-weight="600" fill="%s">%s</text>`+"\n",
		x, y, panelWidth, panelHeight, ground, frame, bright, html.EscapeString(p.title))
	top := 0.0
	for _, c := range p.curves {
		for _, v := range c.values {
			if !math.IsNaN(v) {
				top = math.Max(top, v)
			}
		}
	}
	top = round(top)
	const wide = panelWidth - plotLeft - plotRight
	for i := range 3 {
		h := plotTop + plotHeight*i/2
		fmt.Fprintf(b, `<path d="M%d %dh%d" stroke="%s"/><text x="%d" y="%d" font-size="10" text-anchor="end" fill="%s">%s</text>`+"\n",
			plotLeft, h, wide, frame, plotLeft-6, h+3, dim, p.format(top*float64(2-i)/2))
	}
	last := len(s.points) - 1
	for i := 0; i <= last; i += max(1, int(15*time.Second/s.every)) {
		fmt.Fprintf(b, `<text x="%d" y="%d" font-size="10" text-anchor="middle" fill="%s">%v</text>`+"\n", plotLeft+wide*i/max(last, 1), plotTop+plotHeight+14, dim, time.Duration(i)*s.every)
	}
	at := plotLeft
	for i, c := range p.curves {
		colour := strings.Fields(colours)[i%6]
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>`+"\n", path(c.values, wide, top), colour)
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="10" height="3" fill="%s"/><text x="%d" y="%d" font-size="11" fill="%s">%s</text>`+"\n", at, legendTop-5, colour, at+14, legendTop, dim, html.EscapeString(c.name))
		at += 26 + 6*len(c.name)
	}
	b.WriteString("</g>\n")
}

// path draws a curve, with gaps where there is nothing.
func path(values []float64, wide int, top float64) string {
	var b strings.Builder
	pen := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		x := float64(plotLeft) + float64(wide)*float64(i)/float64(max(len(values)-1, 1))
		fmt.Fprintf(&b, "%s%.1f %.1f", pen, x, plotTop+plotHeight*(1-v/top))
		if pen == "M" {
			b.WriteString("h0.1") // a point alone is seen too
		}
		pen = "L"
	}
	return b.String()
}

// round gives the next number that is easy to read.
func round(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 4, 6, 8, 10} {
		if v <= n*unit {
			return n * unit
		}
	}
	return v
}

func errorsOnly(all []curve) (some []curve) {
	for _, c := range all {
		if c.name != "ok" {
			some = append(some, c)
		}
	}
	return some
}

// longest keeps those with the largest values.
func longest(all []curve, n int) []curve {
	top := func(c curve) (most float64) {
		for _, v := range c.values {
			most = max(most, orZero(v))
		}
		return most
	}
	for len(all) > n {
		least := 0
		for i := range all {
			if top(all[i]) < top(all[least]) {
				least = i
			}
		}
		all = append(all[:least], all[least+1:]...)
	}
	return all
}

func plain(v float64) string     { return fmt.Sprintf("%.3g", v) }
func percent(v float64) string   { return fmt.Sprintf("%.0f %%", 100*v) }
func megabytes(v float64) string { return fmt.Sprintf("%.0f MB", v/1e6) }

func seconds(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 1e-3:
		return fmt.Sprintf("%.3g µs", v*1e6)
	case v < 1:
		return fmt.Sprintf("%.3g ms", v*1e3)
	}
	return fmt.Sprintf("%.3g s", v)
}
