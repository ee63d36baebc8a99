package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"os"
	"slices"
	"strings"
)

// span is one of a trace, as queryTrace of SkyWalking's OAP server gives it.
type span struct {
	Segment string `json:"segmentId"`
	ID      int    `json:"spanId"`
	Parent  int    `json:"parentSpanId"` // -1: the segment's first
	Refs    []struct {
		Segment string `json:"parentSegmentId"`
		Span    int    `json:"parentSpanId"`
	} `json:"refs"`
	Service string `json:"serviceCode"`
	Start   int64  `json:"startTime"` // milliseconds
	End     int64  `json:"endTime"`
	Name    string `json:"endpointName"`
	Type    string `json:"type"`
	Layer   string `json:"layer"`
	Peer    string `json:"peer"`
	IsError bool   `json:"isError"`

	depth int
}

// What of a trace is drawn.
const (
	maxSpans   = 60
	spanHeight = 26
	nameWidth  = 470
	barsWidth  = 560
)

func traceFile(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	var all []span
	if err := json.Unmarshal(text, &all); err != nil {
		return "", fmt.Errorf("read %s: %w; want a list of spans", name, err)
	}
	all = ordered(all)
	if len(all) == 0 || len(all) > maxSpans {
		return "", fmt.Errorf("%s has %d spans that hang together; want 1 to %d", name, len(all), maxSpans)
	}
	return waterfall(all)
}

// ordered gives spans under the ones that they belong to, as they began, beginning with the one that belongs to none.
func ordered(all []span) (tree []span) {
	type id struct {
		segment string
		span    int
	}
	parent := func(s span) id {
		if s.Parent < 0 && len(s.Refs) > 0 {
			return id{s.Refs[0].Segment, s.Refs[0].Span}
		}
		return id{s.Segment, s.Parent}
	}
	children := map[id][]span{}
	for _, s := range all {
		p := parent(s)
		if s.Parent < 0 && len(s.Refs) == 0 {
			p = id{}
		}
		children[p] = append(children[p], s)
	}
	var add func(under id, depth int)
	add = func(under id, depth int) {
		list := children[under]
		delete(children, under) // each once, whatever refers to what
		slices.SortFunc(list, func(a, b span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
		for _, s := range list {
			s.depth = depth
			tree = append(tree, s)
			add(id{s.Segment, s.ID}, depth+1)
		}
	}
	add(id{}, 0)
	return tree
}

func waterfall(all []span) (string, error) {
	begin, end := all[0].Start, all[0].End
	var services []string
	for _, s := range all {
		begin, end = min(begin, s.Start), max(end, s.End)
		if !slices.Contains(services, s.Service) {
			services = append(services, s.Service)
		}
	}
	if end < begin {
		return "", errors.New("the trace ends before it begins")
	}
	total := max(end-begin, 1)
	width, height := 3*gap+nameWidth+barsWidth, head+len(all)*spanHeight+gap
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" font-family="-apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif">
<title>One trace through %d services</title>
<rect width="100%%" height="100%%" rx="10" fill="#0d1117"/>
<text x="%d" y="26" font-size="17" font-weight="600" fill="%s">One trace: %d spans of %[3]d services, %[7]d ms</text>
`, width, height, len(services), gap, bright, len(all), end-begin)
	at := gap
	for i, s := range services {
		fmt.Fprintf(&b, `<rect x="%d" y="37" width="10" height="10" rx="2" fill="%s"/><text x="%d" y="46" font-size="12" fill="%s">%s</text>`+"\n", at, colourOf(i), at+15, dim, html.EscapeString(s))
		at += 34 + 7*len(s)
	}
	for i, s := range all {
		y, indent := head+i*spanHeight, gap+14*s.depth
		if i%2 == 0 {
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", gap/2, y, width-gap, spanHeight, ground)
		}
		colour := colourOf(slices.Index(services, s.Service))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="3" height="%d" fill="%s"/><text x="%d" y="%d" font-size="12" fill="%s">%s <tspan fill="%s">%s</tspan></text>`+"\n",
			indent, y+5, spanHeight-10, colour, indent+9, y+17, bright, html.EscapeString(short(s.Name, 58-2*s.depth)), dim, html.EscapeString(strings.ToLower(s.Type)+" "+s.Layer))
		x := gap*2 + nameWidth + int(barsWidth*(s.Start-begin)/total)
		w := max(int(barsWidth*(s.End-s.Start)/total), 2)
		if s.IsError {
			colour = "#f85149"
		}
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="2" fill="%s"/>`, x, y+7, w, spanHeight-14, colour)
		anchor, tx := "start", x+w+5
		if tx > width-60 {
			anchor, tx = "end", x-5
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="11" text-anchor="%s" fill="%s">%d ms</text>`+"\n", tx, y+17, anchor, dim, s.End-s.Start)
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

func colourOf(i int) string { return strings.Fields(colours)[i%6] }

// short cuts a name in its middle: its end says most.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most/3]) + "…" + string(r[len(r)-most+most/3+1:])
	}
	return s
}
