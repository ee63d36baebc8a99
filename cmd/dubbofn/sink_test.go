package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestSinkPrintsEventsAndWhyTheyFailed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- serveSink(ctx, l, &out) }()
	send := func(body string, headers ...string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range headers {
			name, v, _ := strings.Cut(h, ": ")
			req.Header.Set(name, v)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		return resp.StatusCode
	}
	ce := []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: t", "content-type: application/json"}
	if code := send(`{"n":1}`, append(ce, "ce-knativeerrorcode: 422", "ce-knativeerrordata: c29sZCBvdXQ=", "ce-knativeerrordest: http://order")...); code != 202 {
		t.Error(code)
	}
	if code := send(`{"n":1}`); code != 400 {
		t.Error(code)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var line printedEvent
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Fatal(err, out.String())
	}
	if *line.Failed != (printedFailure{"http://order", "422", "sold out"}) || !strings.Contains(string(line.Event), `"data":{"n":1}`) {
		t.Errorf("%+v %s", line.Failed, line.Event)
	}
}
