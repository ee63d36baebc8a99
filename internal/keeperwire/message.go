package keeperwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/internal/rights"
)

// Target is what is connected to, and how.
type Target struct {
	Address string `json:"address"`        // "host:port"
	TLS     bool   `json:"tls,omitempty"`  // with the keeper's certificates for the application
	Name    string `json:"name,omitempty"` // what the provider's certificate must name; "": as the keeper has it
}

// Validate checks what a peer sent.
func (t Target) Validate() error {
	host, port, err := net.SplitHostPort(t.Address)
	if err != nil {
		return fmt.Errorf("address %.80q: want host:port", t.Address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("address %.80q: its port is not in 1 to 65535", t.Address)
	}
	for _, s := range [...]string{host, t.Name} {
		if len(s) > maxNameBytes || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(s, "/@%") {
			return fmt.Errorf("target %.80q: %.80q is no host", t.Address, s)
		}
	}
	if host == "" {
		return fmt.Errorf("address %.80q: it has no host", t.Address)
	}
	if t.Name != "" && !t.TLS {
		return errors.New("a certificate's name without TLS")
	}
	return nil
}

// Question is the body of an ask.
type Question struct {
	Lend bool `json:"lend,omitempty"` // descriptors are wanted; without it, only channels
}

// Answer is the body of a given.
type Answer struct {
	Lent  []string `json:"lent,omitempty"`  // the addresses of the plain connections whose descriptors come with it, in their order
	Ready []Target `json:"ready,omitempty"` // what can be opened
}

// Watch names one thing that a registry is asked for.
type Watch struct {
	Source    string `json:"source"`              // the registry's URL, without credentials
	Kind      string `json:"kind"`                // see registry/hint
	Name      string `json:"name"`                // of an application, interface or rule
	Group     string `json:"group,omitempty"`     // of an interface or rule
	Version   string `json:"version,omitempty"`   // of an interface
	Interface bool   `json:"interface,omitempty"` // Name is an interface
}

// Lesson is the body of a learn.
type Lesson struct {
	Lend    []Target `json:"lend,omitempty"`    // wanted as descriptors, by the next who ask
	Relay   []Target `json:"relay,omitempty"`   // wanted as channels
	Watches []Watch  `json:"watches,omitempty"` // wanted of the registries
}

// MaxTargets bounds the targets, and the watches, of one message.
const MaxTargets = 1024

// Parse reads a message. Its error quotes nothing of the input.
func Parse[M Question | Answer | Lesson | Target](body []byte, m *M) error {
	if json.Unmarshal(body, m) != nil {
		return errors.New("it is not the JSON that it should be")
	}
	switch m := any(m).(type) {
	case *Target:
		return m.Validate()
	case *Answer:
		if len(m.Lent) > rights.Max {
			return fmt.Errorf("%d descriptors (limit %d)", len(m.Lent), rights.Max)
		}
		return validate(m.Ready)
	case *Lesson:
		if len(m.Watches) > MaxTargets {
			return fmt.Errorf("%d watches (limit %d)", len(m.Watches), MaxTargets)
		}
		for _, w := range m.Watches {
			if len(w.Source)+len(w.Kind)+len(w.Name)+len(w.Group)+len(w.Version) > maxHelloBytes {
				return errors.New("a watch is absurdly long")
			}
		}
		return errors.Join(validate(m.Lend), validate(m.Relay))
	}
	return nil
}

func validate(all []Target) error {
	if len(all) > MaxTargets {
		return fmt.Errorf("%d targets (limit %d)", len(all), MaxTargets)
	}
	for _, t := range all {
		if err := t.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// AppendMessage writes a message as a frame; it fails where the message is too long for one.
func AppendMessage(b []byte, k Kind, channel uint32, m any) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return b, err
	}
	if len(body) > k.limit() {
		return b, fmt.Errorf("write %v: it has %d bytes (limit %d)", k, len(body), k.limit())
	}
	return Append(b, k, channel, body), nil
}
