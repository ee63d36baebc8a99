package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// oap asks SkyWalking's OAP server what it was told, by its GraphQL.
type oap struct{ address string } // host:port

// span is one of a trace, as queryTrace gives it.
type span struct {
	TraceID   string    `json:"traceId"`
	Segment   string    `json:"segmentId"`
	ID        int       `json:"spanId"`
	Parent    int       `json:"parentSpanId"` // -1: the segment's first
	Refs      []ref     `json:"refs"`
	Service   string    `json:"serviceCode"`
	Instance  string    `json:"serviceInstanceName"`
	Start     int64     `json:"startTime"` // milliseconds
	End       int64     `json:"endTime"`
	Name      string    `json:"endpointName"`
	Type      string    `json:"type"` // Entry, Exit, Local
	Peer      string    `json:"peer"`
	Component string    `json:"component"`
	IsError   bool      `json:"isError"`
	Layer     string    `json:"layer"`
	Tags      []pair    `json:"tags"`
	Logs      []logging `json:"logs"`
}

type ref struct {
	TraceID string `json:"traceId"`
	Segment string `json:"parentSegmentId"`
	Span    int    `json:"parentSpanId"`
	Type    string `json:"type"`
}

type pair struct{ Key, Value string }

type logging struct {
	Time int64  `json:"time"`
	Data []pair `json:"data"`
}

func (s span) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

func (s span) String() string {
	return fmt.Sprintf("%s %q of %s (peer %s, %s, %s)", s.Type, s.Name, s.Service, s.Peer, s.Component, s.Layer)
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

func (o oap) ask(ctx context.Context, query string, variables, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+o.address+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("the OAP server answered %s %.200q: %w", res.Status, text, err)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("the OAP server refused the query: %s", answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, into)
}

// until asks again until it is answered as wanted, or a time is over.
func until(ctx context.Context, patience time.Duration, ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", patience, err)
		}
	}
}

const patience = 30 * time.Second

// trace gives a trace once want has nothing to say against it, in order of time.
func (o oap) trace(ctx context.Context, id string, want func([]span) error) (all []span, err error) {
	const query = `query($id: ID!) { trace: queryTrace(traceId: $id) { spans {
		traceId segmentId spanId parentSpanId refs { traceId parentSegmentId parentSpanId type } serviceCode serviceInstanceName
		startTime endTime endpointName type peer component isError layer tags { key value } logs { time data { key value } } } } }`
	err = until(ctx, patience, func(ctx context.Context) error {
		var answer struct{ Trace struct{ Spans []span } }
		if err := o.ask(ctx, query, map[string]string{"id": id}, &answer); err != nil {
			return err
		}
		all = answer.Trace.Spans
		slices.SortStableFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
		if len(all) == 0 {
			return fmt.Errorf("the OAP server knows no trace %q", id)
		}
		return want(all)
	})
	return all, err
}

// traceOf gives the id of the only trace that has a span with a tag, of a service where one is named.
func (o oap) traceOf(ctx context.Context, key, value, service string) (id string, err error) {
	const query = `query($c: TraceQueryCondition) { found: queryBasicTraces(condition: $c) { traces { traceIds } } }`
	err = until(ctx, patience, func(ctx context.Context) error {
		now := time.Now().UTC()
		condition := map[string]any{
			"queryDuration": map[string]string{"start": now.Add(-30 * time.Minute).Format("2006-01-02 1504"), "end": now.Add(time.Minute).Format("2006-01-02 1504"), "step": "MINUTE"},
			"traceState":    "ALL", "queryOrder": "BY_START_TIME", "paging": map[string]int{"pageNum": 1, "pageSize": 20},
			"tags": []map[string]string{{"key": key, "value": value}},
		}
		if service != "" { // its id: its name, and that it is no guess of the server's
			condition["serviceId"] = base64.StdEncoding.EncodeToString([]byte(service)) + ".1"
		}
		var answer struct {
			Found struct {
				Traces []struct {
					IDs []string `json:"traceIds"`
				}
			}
		}
		if err := o.ask(ctx, query, map[string]any{"c": condition}, &answer); err != nil {
			return err
		}
		if len(answer.Found.Traces) != 1 || len(answer.Found.Traces[0].IDs) != 1 {
			return fmt.Errorf("the OAP server knows %d traces with %s=%s, want 1", len(answer.Found.Traces), key, value)
		}
		id = answer.Found.Traces[0].IDs[0]
		return nil
	})
	return id, err
}

// topology gives every edge as "service -> service", sorted.
func (o oap) topology(ctx context.Context) ([]string, error) {
	const query = `query($d: Duration!) { map: getGlobalTopology(duration: $d) { nodes { id name } calls { source target } } }`
	now := time.Now().UTC()
	var answer struct {
		Map struct {
			Nodes []struct{ ID, Name string }
			Calls []struct{ Source, Target string }
		}
	}
	d := map[string]string{"start": now.Add(-30 * time.Minute).Format("2006-01-02 1504"), "end": now.Add(time.Minute).Format("2006-01-02 1504"), "step": "MINUTE"}
	if err := o.ask(ctx, query, map[string]any{"d": d}, &answer); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, n := range answer.Map.Nodes {
		names[n.ID] = n.Name
	}
	var edges []string
	for _, c := range answer.Map.Calls {
		edges = append(edges, names[c.Source]+" -> "+names[c.Target])
	}
	slices.Sort(edges)
	return slices.Compact(edges), nil
}

// services lists those of a layer.
func (o oap) services(ctx context.Context, layer string) ([]string, error) {
	var answer struct{ Services []struct{ Name string } }
	err := o.ask(ctx, `query($l: String) { services: listServices(layer: $l) { name } }`, map[string]string{"l": layer}, &answer)
	var names []string
	for _, s := range answer.Services {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names, err
}

// linked says what is wrong with a trace as a whole: every segment but one must go on from a span that is there, within its time.
func linked(all []span) error {
	type key struct {
		segment string
		id      int
	}
	there := map[key]span{}
	for _, s := range all {
		there[key{s.Segment, s.ID}] = s
	}
	var faults []error
	roots := 0
	for _, s := range all {
		if s.Parent >= 0 {
			if _, ok := there[key{s.Segment, s.Parent}]; !ok {
				faults = append(faults, fmt.Errorf("%v has no parent", s))
			}
			continue
		}
		if len(s.Refs) == 0 {
			if roots++; roots > 1 {
				faults = append(faults, fmt.Errorf("%v is a second beginning", s))
			}
		}
		for _, r := range s.Refs {
			if _, ok := there[key{r.Segment, r.Span}]; !ok {
				faults = append(faults, fmt.Errorf("%v goes on from a span that is not there", s))
			}
		}
	}
	if roots == 0 {
		faults = append(faults, errors.New("nothing begins the trace"))
	}
	return errors.Join(faults...)
}

// segments counts them.
func segments(all []span) int {
	ids := map[string]bool{}
	for _, s := range all {
		ids[s.Segment] = true
	}
	return len(ids)
}

// wanted is a span that a trace must have. Empty fields may be anything.
type wanted struct {
	kind, service, name, peer, component, layer string
	tags                                        []string // that must not be empty
	under                                       *wanted  // what it goes on from, directly
}

func (w wanted) fits(s span) bool {
	for _, x := range [...][2]string{{w.kind, s.Type}, {w.service, s.Service}, {w.name, s.Name}, {w.peer, s.Peer}, {w.component, s.Component}, {w.layer, s.Layer}} {
		if x[0] != "" && x[0] != x[1] {
			return false
		}
	}
	for _, t := range w.tags {
		if s.tag(t) == "" {
			return false
		}
	}
	return true
}

// has says which wanted span a trace doesn't have.
func has(all []span, want ...wanted) error {
	var faults []error
	for _, w := range want {
		if !slices.ContainsFunc(all, func(s span) bool { return w.fits(s) && (w.under == nil || goesOn(all, s, *w.under)) }) {
			faults = append(faults, fmt.Errorf("there is no span like %s %q of %s (peer %s, %s, %s) with %v; there are%s", w.kind, w.name, w.service, w.peer, w.component, w.layer, w.tags, tree(all)))
		}
	}
	return errors.Join(faults...)
}

// goesOn tells whether a span's parent, in its segment or another, is like that.
func goesOn(all []span, s span, under wanted) bool {
	return slices.ContainsFunc(all, func(p span) bool {
		if !under.fits(p) {
			return false
		}
		if s.Parent >= 0 {
			return p.Segment == s.Segment && p.ID == s.Parent
		}
		return slices.ContainsFunc(s.Refs, func(r ref) bool { return r.Segment == p.Segment && r.Span == p.ID })
	})
}

// tree draws a trace as text.
func tree(all []span) string {
	var b strings.Builder
	drawn := map[int]bool{}
	var draw func(depth int, is func(s span) bool)
	draw = func(depth int, is func(s span) bool) {
		for i, s := range all {
			if drawn[i] || !is(s) {
				continue
			}
			drawn[i] = true
			fmt.Fprintf(&b, "\n    %s%-5s %-60s %s  %d ms  peer=%s %s %s", strings.Repeat("  ", depth), s.Type, s.Name, s.Service, s.End-s.Start, s.Peer, s.Component, s.Layer)
			if s.IsError {
				b.WriteString(" ERROR")
			}
			draw(depth+1, func(c span) bool {
				if c.Parent >= 0 {
					return c.Segment == s.Segment && c.Parent == s.ID
				}
				return slices.ContainsFunc(c.Refs, func(r ref) bool { return r.Segment == s.Segment && r.Span == s.ID })
			})
		}
	}
	draw(0, func(s span) bool { return s.Parent < 0 && len(s.Refs) == 0 })
	draw(0, func(span) bool { return true }) // what hangs in the air
	return b.String()
}

// count gives the number of a service's traces, up to 10,000.
func (o oap) count(ctx context.Context, service string) (n int, err error) {
	const query = `query($c: TraceQueryCondition) { found: queryBasicTraces(condition: $c) { traces { traceIds } } }`
	now := time.Now().UTC()
	const size = 1000
	for page := 1; page <= 10; page++ {
		var answer struct {
			Found struct{ Traces []struct{} }
		}
		if err := o.ask(ctx, query, map[string]any{"c": map[string]any{
			"queryDuration": map[string]string{"start": now.Add(-30 * time.Minute).Format("2006-01-02 1504"), "end": now.Add(time.Minute).Format("2006-01-02 1504"), "step": "MINUTE"},
			"traceState":    "ALL", "queryOrder": "BY_START_TIME", "paging": map[string]int{"pageNum": page, "pageSize": size},
			"serviceId": base64.StdEncoding.EncodeToString([]byte(service)) + ".1",
		}}, &answer); err != nil {
			return n, err
		}
		n += len(answer.Found.Traces)
		if len(answer.Found.Traces) < size {
			break
		}
	}
	return n, nil
}
