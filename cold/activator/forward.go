package activator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dubbofn/dubbofn/internal/earlylane"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
)

const (
	contentType     = dubbo.ContentType
	headerToken     = "Dubbofn-Token"
	headerTimeLeft  = "Dubbofn-Time-Left"
	headerCaller    = "Dubbofn-Caller"
	headerUserAgent = "User-Agent"
)

// job is a call and the lane that it was given to.
type job struct {
	c *call
	l *lane
}

// workers are the goroutines that wait for functions' answers, one for each call that is with a function.
type workers struct {
	jobs chan job
	idle atomic.Int64
	done chan struct{} // closed by stop
	wg   sync.WaitGroup
}

const maxIdleWorkers = 256

func newWorkers() *workers { return &workers{jobs: make(chan job), done: make(chan struct{})} }

// run has a call sent by a goroutine that waits for one, else by a new one. It doesn't block.
func (w *workers) run(c *call, l *lane) {
	select {
	case w.jobs <- job{c, l}:
	default:
		w.wg.Go(func() { w.work(job{c, l}) })
	}
}

func (w *workers) work(j job) {
	for {
		for more := true; more; {
			o := j.c.to.forward(j.c, j.l)
			j, more = j.c.to.finish(j.c, j.l, o)
			if o.unsent == nil {
				continue
			}
			if more { // a consumer that reads nothing keeps nobody else's call waiting
				w.run(j.c, j.l)
			}
			o.unsent.Send()
			break
		}
		if w.idle.Add(1) > maxIdleWorkers {
			w.idle.Add(-1)
			return
		}
		select {
		case j = <-w.jobs:
			w.idle.Add(-1)
		case <-w.done:
			return
		}
	}
}

// stop waits for the calls that are with functions, once nothing brings new ones.
func (w *workers) stop() {
	close(w.done)
	w.wg.Wait()
}

// outcome is what became of one attempt. At most one of notRun and answered is set; where neither is, the call has been answered with what is
// known.
type outcome struct {
	answered bool // the function did
	notRun   bool // surely: it may be sent again
	failed   bool // with no result: an exception, or another status than OK
	astray   bool // it didn't come back from the function: whoever is on the platform's path, it isn't open
	why      string
	instance string
	ledger   json.RawMessage // of the process's start, where it was asked for
	unsent   *dubbo.Answer   // where the consumer is slow to read
}

// forward sends a call once, and answers it unless it surely did not run.
func (s *sleeper) forward(c *call, l *lane) outcome {
	app := s.now.Load()
	left := time.Until(c.deadline).Milliseconds()
	if left <= 0 {
		s.late(c, "its turn came too late")
		return outcome{}
	}
	body, ok := c.frame.Open()
	if !ok {
		return outcome{}
	}
	req := app.template.WithContext(c.ctx)
	req.Header = app.headers(c, left)
	ended := c.trace.send(c.frame, app, l, req.Header)
	req.Body, req.ContentLength = body, int64(c.size)
	var resp *http.Response
	var err error
	if l == nil {
		s.m.posted.Inc()
		resp, err = s.a.posts.of(app).send(req)
	} else {
		s.m.early.Inc()
		resp, err = l.conn.RoundTrip(req)
	}
	if err != nil {
		return ended(s.broken(c, body, err))
	}
	defer resp.Body.Close()
	return ended(s.outcome(c, resp))
}

func (a *app) headers(c *call, left int64) http.Header {
	values := [...]string{strconv.FormatInt(left, 10), c.frame.Caller()}
	h := http.Header{
		"Content-Type":  contentTypes,
		headerUserAgent: none,
		headerTimeLeft:  values[0:1:1],
		headerCaller:    values[1:2:2],
	}
	if c.waking {
		h[headerLedger] = []string{"1"}
	}
	if a.Token != "" {
		h[headerToken] = []string{a.Token}
	}
	if sw8, traceparent := c.frame.Trace("sw8"), c.frame.Trace("traceparent"); len(sw8)+len(traceparent) > 0 { // for proxies on the way: the function finds them in the frame
		for name, v := range map[string][]byte{"sw8": sw8, "traceparent": traceparent} {
			if text := string(v); text != "" && plain(text) {
				h[http.CanonicalHeaderKey(name)] = []string{text}
			}
		}
	}
	return h
}

var (
	contentTypes = []string{contentType}
	none         = []string{""} // net/http writes no User-Agent of its own
)

// plain tells whether a header may hold a text.
func plain(s string) bool {
	return len(s) <= 1<<10 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// broken is for a request that got no response.
func (s *sleeper) broken(c *call, body *dubbo.FrameBody, err error) outcome {
	if errors.Is(err, earlylane.ErrNotRun) || errors.Is(err, errNoConnection) || !body.Complete() {
		return outcome{notRun: true, why: err.Error()}
	}
	s.unsure(c, invoker.CodeUnavailable, refusedBroken, fmt.Sprintf("application %s: the call was passed on, and then the connection failed; it may have run: %v", s.name, err))
	return outcome{astray: c.ctx.Err() == nil} // else it was cut off from here
}

// outcome makes an answer, or a reason to try again, of a response.
func (s *sleeper) outcome(c *call, resp *http.Response) outcome {
	refused := resp.Header.Get(headerRefused)
	var unsent *dubbo.Answer
	var err error
	switch {
	case refused != "":
		return s.refusedBy(c, resp, refused)
	case resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") == contentType:
		if unsent, err = c.frame.Receive(resp.Body, resp.ContentLength); err != nil {
			if c.frame.Answered() {
				return outcome{}
			}
			s.unsure(c, invoker.CodeBadResponse, refusedRubbish, fmt.Sprintf("application %s: its answer can't be read; the call may have run: %v", s.name, err))
			return outcome{}
		}
	case resp.StatusCode == http.StatusAccepted && c.frame.OneWay() && resp.Header.Get("Content-Type") == contentType:
		c.frame.Drop()
	default:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxWhyBytes)) // what was read of it says enough
		if neverPassedOn(resp, string(text)) {
			return outcome{notRun: true, why: fmt.Sprintf("the platform answers %s %q", resp.Status, strings.TrimSpace(string(text)))}
		}
		s.unsure(c, invoker.CodeUnavailable, refusedProxy, fmt.Sprintf("application %s: something on the way answers %s, the call may have run: %q", s.name, resp.Status, strings.TrimSpace(string(text))))
		return outcome{astray: true}
	}
	var end [1]byte
	_, _ = resp.Body.Read(end[:]) // the stream's end comes with the frame or right behind it; without it the stream would be reset
	o := outcome{answered: true, failed: !c.frame.OneWay() && c.frame.Outcome() != nil, instance: instanceOf(resp.Header), unsent: unsent}
	if text := []byte(resp.Header.Get(headerLedger)); c.waking && len(text) <= maxLedgerBytes && json.Valid(text) {
		o.ledger = text
	}
	return o
}

// neverPassedOn tells whether a proxy's answer is one of those that Knative's queue-proxy and activator give only before a request reaches the function: their queue is full
// (pkg/queue.ProxyHandler, ErrRequestQueueFull, Serving 1.17), or nobody listens at the next hop (network.ErrorHandler of knative.dev/pkg, with Go's own error of a dial). An
// ingress that sends a request on again after it was taken (Envoy's retry_on 5xx or reset) runs calls twice whatever is done here.
func neverPassedOn(resp *http.Response, text string) bool {
	if resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" { // as http.Error has it
		return false
	}
	switch resp.StatusCode {
	case http.StatusServiceUnavailable:
		return text == "pending request queue full\n"
	case http.StatusBadGateway:
		rest, ok := strings.CutPrefix(text, "dial tcp ")
		address, ok2 := strings.CutSuffix(rest, ": connect: connection refused\n")
		return ok && ok2 && !strings.Contains(address, " ")
	}
	return false
}

// refusedBy is for what the function's own handler did not run.
func (s *sleeper) refusedBy(c *call, resp *http.Response, reason string) outcome {
	why := fmt.Sprintf("the function refuses the call (%s, %s)", resp.Status, reason)
	if resp.StatusCode != http.StatusOK { // else it is a frame
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxWhyBytes)) // what was read of it says enough
		why += ": " + strings.TrimSpace(string(text))
	}
	switch {
	case reason == wordLate:
		s.late(c, why)
		return outcome{}
	case reason == wordFull || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError:
		return outcome{notRun: true, why: why} // another process, or this one a little later, may take it
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		s.refuse(c, invoker.CodeInternal, refusedRefused, "application "+s.name+": "+why)
	default:
		s.refuse(c, invoker.CodeBadRequest, refusedRefused, "application "+s.name+": "+why)
	}
	return outcome{}
}
