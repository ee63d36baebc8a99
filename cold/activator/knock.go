package activator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// The headers of a knock: a POST without a frame, which wakes the function, and whose answer says that the platform's path is open. Its body
// lasts while the process has calls from early lanes, so that the platform counts it as busy.
const (
	headerKnock    = "Dubbofn-Knock"
	headerHold     = "Dubbofn-Hold" // seconds that the answer may be held at most
	headerInstance = "Dubbofn-Instance"
	headerRefused  = "Dubbofn-Refused"
	headerLedger   = "Dubbofn-Ledger"

	// knockHold is a knock that lasts until it is let go: it may come to another process than the calls that it stands for, and the platform counts all alike.
	knockHold = "hold"
)

// Words of Dubbofn-Refused that matter here (invoker/dubbo's lane has them all).
const (
	wordFull = "full"
	wordLate = "late"
)

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 2 * time.Second
	maxWhyBytes  = 512          // of what a stranger's answer says
	maxHold      = 24 * 60 * 60 // seconds
	// What is kept of what a process says of itself.
	maxInstanceBytes = 256
	maxLedgerBytes   = 4 << 10
)

// knock is one of them.
type knock struct {
	cancel context.CancelFunc
	held   bool // it was answered, and lasts
	due    bool // and its time will soon be over
	gone   bool // it was let go, and counts no more
}

// knock sends as many as calls are parked or in early lanes. It is called with the lock held.
func (s *sleeper) knock(now time.Time) {
	if s.open || s.again != nil || s.stopped {
		return
	}
	if s.wake != nil && s.wake.knocked.IsZero() {
		s.wake.knocked = now
	}
	// A call that waits needs a knock that is yet to be answered: one that is held ends when it ends, and wakes nobody.
	need := max(s.parked.n-s.waiting, s.parked.n+s.early-len(s.knocks))
	room := maxKnocks - len(s.knocks)
	if s.waiting == 0 && s.parked.n > 0 {
		room = max(room, 1) // those that are held may be so for long
	}
	for n := min(need, room); n > 0; n-- {
		s.knockOnce()
	}
}

// knockOnce sends one. It is called with the lock held.
func (s *sleeper) knockOnce() {
	ctx, cancel := context.WithCancel(s.a.base)
	k := &knock{cancel: cancel}
	s.knocks[k] = struct{}{}
	s.waiting++
	s.m.knocks.Inc()
	s.a.running.Go(func() {
		defer cancel()
		err := s.knocking(ctx, k)
		s.knocked(k, err)
	})
}

// fail notes what stands in the way. It is called with the lock held.
func (s *sleeper) fail(why string) {
	s.trouble = why
	if s.again != nil || s.stopped { // many fail at once, for one reason
		return
	}
	s.backoff = min(max(2*s.backoff, firstBackoff), maxBackoff)
	s.again = time.AfterFunc(s.backoff, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.again = nil
		s.knock(time.Now())
	})
}

// errHopeless is an answer that no second knock will change.
var errHopeless = errors.New("refused")

// knocking is the life of a knock: until it was answered, and as long as it is held.
func (s *sleeper) knocking(ctx context.Context, k *knock) error {
	app := s.now.Load()
	begin := time.Now()
	req := app.template.WithContext(ctx)
	req.Header = http.Header{"Content-Type": {contentType}, headerKnock: {knockHold}, headerUserAgent: none}
	if app.Token != "" {
		req.Header[headerToken] = []string{app.Token}
	}
	limit := time.AfterFunc(app.timeout+30*time.Second, k.cancel) // the platform's own limit, and some
	defer limit.Stop()
	resp, err := s.a.posts.of(app).send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get(headerHold) == "" {
		return knockFault(resp)
	}
	if s.opened(k, resp.Header, begin) {
		limit.Stop()
		s.hold(k, resp, begin.Add(app.timeout))
	}
	return nil
}

// knockFault says what else was answered.
func knockFault(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxWhyBytes)) // what was read of it says enough
	why := fmt.Sprintf("%s answers %s %q", map[bool]string{false: "the platform", true: "the function"}[resp.Header.Get(headerRefused) != ""], resp.Status, strings.TrimSpace(string(text)))
	if resp.StatusCode == http.StatusUnauthorized && resp.Header.Get(headerRefused) != "" {
		return fmt.Errorf("%w: %s: its token is another than the activator's", errHopeless, why)
	}
	return errors.New(why)
}

// hold keeps a knock for as long as the function does, and has the next sent before its time is over, or the platform cuts it.
func (s *sleeper) hold(k *knock, resp *http.Response, cut time.Time) {
	seconds, err := strconv.Atoi(resp.Header.Get(headerHold))
	if err == nil && seconds > 0 {
		lasts := min(time.Duration(min(seconds, maxHold))*time.Second, time.Until(cut))
		renew := time.AfterFunc(lasts*9/10, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			k.due = true
			s.cover()
		})
		defer renew.Stop()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // its end is all that it says
}

// opened is for a knock that was answered: the platform's path is open. It tells whether the knock is to be held.
func (s *sleeper) opened(k *knock, h http.Header, begin time.Time) (hold bool) {
	now := time.Now()
	s.mu.Lock()
	if k.gone {
		s.mu.Unlock()
		return false
	}
	s.waiting--
	k.held = true
	if !s.open {
		s.open = true
		s.openings++
		for l := range s.lanes {
			l.spent = true // it has served the wake that it was dialled for; its process may be on its way out at the next
		}
		s.trouble = ""
	}
	s.answered = now
	if s.wake != nil {
		s.wake.opened(now, h, s.instance)
	}
	if i := instanceOf(h); i != "" {
		s.instance = i
	}
	s.trim()
	hold = !k.gone
	started := s.pump()
	s.mu.Unlock()
	s.a.log.Debug("activator: a function is awake", "app", s.name, "instance", h.Get(headerInstance), "took", now.Sub(begin))
	s.runAll(started)
	return hold
}

func instanceOf(h http.Header) string {
	i := h.Get(headerInstance)
	return i[:min(len(i), maxInstanceBytes)]
}

// release lets all knocks go. It is called with the lock held.
func (s *sleeper) release() {
	for k := range s.knocks {
		s.letGo(k)
	}
	s.rehold = 0
}

// withdraw lets those go that are yet to be answered, but so many: nobody waits for what they are to wake, and the platform would go on trying. It is called with the lock held.
func (s *sleeper) withdraw(but int) {
	for k := range s.knocks {
		if k.held {
			continue
		}
		if but--; but < 0 {
			s.letGo(k)
		}
	}
}

// trim lets those go that stand for no call of an early lane: the platform would take the function for busier than it is. It is called with the lock held.
func (s *sleeper) trim() {
	if s.early == 0 && s.open {
		s.release()
		return
	}
	surplus := len(s.knocks) - s.waiting - s.early
	for _, due := range [...]bool{true, false} { // those first whose time is nearly over
		for k := range s.knocks {
			if surplus <= 0 {
				break
			}
			if k.held && k.due == due {
				s.letGo(k)
				surplus--
			}
		}
	}
	if s.open && s.waiting > 0 && surplus == 0 {
		s.withdraw(0) // each call has one; what was parked has gone the platform's way
	}
}

func (s *sleeper) letGo(k *knock) {
	if !k.held {
		s.waiting--
	}
	k.cancel()
	k.gone = true
	delete(s.knocks, k)
}

// cover sends knocks that are to be held, for calls in early lanes that none stands for. It is called with the lock held.
func (s *sleeper) cover() {
	if !s.open || s.stopped {
		return
	}
	need := min(s.early, maxKnocks)
	for k := range s.knocks {
		if !k.due {
			need--
		}
	}
	for ; need > 0; need-- {
		s.knockOnce()
	}
}

// coverAgain is for a hold that could not be had, or was cut off: without it the platform may end a process in the middle of its calls. It is tried again for as long as there
// are any, with pauses. It is called with the lock held.
func (s *sleeper) coverAgain() {
	if !s.open || s.stopped || s.early == 0 || s.holding != nil {
		return
	}
	s.rehold = min(max(2*s.rehold, firstBackoff), maxBackoff)
	s.holding = time.AfterFunc(s.rehold, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.holding = nil
		s.cover()
	})
}

// knocked is for a knock that has ended.
func (s *sleeper) knocked(k *knock, err error) {
	s.mu.Lock()
	if k.gone {
		s.mu.Unlock()
		return
	}
	delete(s.knocks, k)
	if k.held {
		if s.parked.n > 0 {
			s.knock(time.Now()) // it may have stood in the way of the last
		}
		s.coverAgain()
		s.mu.Unlock()
		return
	}
	s.waiting--
	hopeless := errors.Is(err, errHopeless)
	if s.open || s.a.base.Err() != nil {
		s.coverAgain()
		s.mu.Unlock()
		return
	}
	s.m.knocksFailed.Inc()
	s.fail(err.Error())
	s.mu.Unlock()
	s.a.log.Warn("activator: a knock failed", "app", s.name, "url", s.now.Load().URL, "error", err)
	if hopeless {
		s.refuseParked(invoker.CodeInternal, refusedRefused, fmt.Sprintf("application %s can't be called: %v", s.name, err))
	}
}
