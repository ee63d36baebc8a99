package client

import (
	"crypto/tls"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// sessions keeps the tickets of TLS sessions, for this process and for those after it. Safe for concurrent use.
type sessions struct {
	mu  sync.Mutex
	all map[string]*tls.ClientSessionState // by address
}

const (
	maxSessions     = 64
	maxSessionBytes = 16 << 10
)

// at gives the sessions with one address, for crypto/tls, which would take all that have one certificate's name for one server.
func (s *sessions) at(address string) tls.ClientSessionCache { return sessionsAt{s, address} }

type sessionsAt struct {
	all     *sessions
	address string
}

// Get implements [tls.ClientSessionCache].
func (s sessionsAt) Get(string) (*tls.ClientSessionState, bool) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	state, ok := s.all.all[s.address]
	return state, ok
}

// Put implements [tls.ClientSessionCache].
func (s sessionsAt) Put(_ string, state *tls.ClientSessionState) { s.all.put(s.address, state) }

func (s *sessions) put(server string, state *tls.ClientSessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state == nil:
		delete(s.all, server)
	case s.all == nil:
		s.all = map[string]*tls.ClientSessionState{server: state}
	case s.all[server] != nil || len(s.all) < maxSessions:
		s.all[server] = state
	}
}

// ticket is a session as it is written down.
type ticket struct {
	Server string `json:"server"`
	Ticket []byte `json:"ticket"`
	State  []byte `json:"state"`
}

// save gives the sessions as bytes, nil where there are none.
func (s *sessions) save() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tickets []ticket
	for server, session := range s.all {
		id, state, err := session.ResumptionState()
		if err != nil || state == nil {
			continue
		}
		b, err := state.Bytes()
		if err != nil || len(id)+len(b) > maxSessionBytes {
			continue
		}
		tickets = append(tickets, ticket{server, id, b})
	}
	if len(tickets) == 0 {
		return nil
	}
	slices.SortFunc(tickets, func(a, b ticket) int { return strings.Compare(a.Server, b.Server) })
	b, err := json.Marshal(tickets)
	if err != nil { // there is nothing in it that JSON can't hold
		return nil
	}
	return b
}

// restore takes the sessions of an earlier process over. Those that make no sense are left out: a handshake is made anew then.
func (s *sessions) restore(b []byte) error {
	var tickets []ticket
	if err := json.Unmarshal(b, &tickets); err != nil {
		return err
	}
	for _, t := range tickets[:min(len(tickets), maxSessions)] {
		if len(t.Ticket)+len(t.State) > maxSessionBytes {
			continue
		}
		state, err := tls.ParseSessionState(t.State)
		if err != nil {
			continue
		}
		if session, err := tls.NewResumptionState(t.Ticket, state); err == nil {
			s.put(t.Server, session)
		}
	}
	return nil
}
