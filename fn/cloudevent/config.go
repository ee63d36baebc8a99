package cloudevent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/dubbofn/dubbofn/fn/event"
	"github.com/dubbofn/dubbofn/internal/environ"
)

// Config is everything that the environment decides of events, one field a variable.
type Config struct {
	Rules string `envconfig:"DUBBOFN_EVENTS" desc:"Which events call which methods: rules as YAML or JSON, or the file that they are in. They come before those that stand in code." want:"a file, or {rules: [{on: {type: …}, call: {service: …, method: …}}]}"`
	From  string `envconfig:"DUBBOFN_EVENTS_FROM" desc:"The brokers that events are taken from, beside HTTP." want:"URLs of adapters that the program has, as nats://host:4222/STREAM or kafka://host:9092/TOPIC, separated by blanks"`
	Sink  string `envconfig:"DUBBOFN_EVENTS_SINK" desc:"Where the events go that this process sends. Default: K_SINK." want:"an http:// or https:// URL, or one of an adapter that the program has"`
	KSink string `envconfig:"K_SINK" desc:"Set by Knative's SinkBinding: where events go."`
	Over  string `envconfig:"K_CE_OVERRIDES" desc:"Set by Knative's SinkBinding: extensions that every event that is sent gets."`
	Mode  string `envconfig:"DUBBOFN_EVENTS_MODE" default:"binary" desc:"How events are sent." want:"binary, structured"`
	Dead  string `envconfig:"DUBBOFN_EVENTS_DEAD" desc:"Where events of a batch go that are refused for good: nobody else could tell their sender. Default: they are logged and counted only." want:"a URL as for DUBBOFN_EVENTS_SINK"`

	Seen      string        `envconfig:"DUBBOFN_EVENTS_SEEN" desc:"Where it is kept which events were handled, for several processes to know. Default: in this process's memory." want:"redis://host:6379 or nats://host:4222/BUCKET, of an adapter that the program has"`
	SeenFor   time.Duration `envconfig:"DUBBOFN_EVENTS_SEEN_FOR" default:"10m" desc:"How long it is known that an event was handled." want:"1s or more"`
	SeenMost  int           `envconfig:"DUBBOFN_EVENTS_SEEN_MAX" default:"100000" desc:"Of how many events it is known, in memory; older ones are forgotten first." want:"1 or more"`
	SeenBytes int64         `envconfig:"DUBBOFN_EVENTS_SEEN_BYTES" default:"67108864" desc:"The bytes of reply events that are kept for duplicates, in memory." want:"1 or more"`

	MaxEvent int64  `envconfig:"DUBBOFN_EVENTS_MAX" default:"10485760" desc:"The largest body of a request with events, in bytes. More is refused with status 413." want:"1024 or more"`
	MaxBytes int64  `envconfig:"DUBBOFN_EVENTS_MAX_BYTES" default:"134217728" desc:"Bytes of events in the whole process. What finds no room is answered with status 429." want:"DUBBOFN_EVENTS_MAX or more"`
	MaxBatch int    `envconfig:"DUBBOFN_EVENTS_BATCH" default:"1000" desc:"The most events of one batch. More are refused with status 413." want:"1 or more"`
	Hops     int    `envconfig:"DUBBOFN_EVENTS_HOPS" default:"32" desc:"How often a reply event may lead to another one: the extension dubbofnttl counts down, and at 0 an event is handled, but its result is dropped." want:"1 or more"`
	Token    string `envconfig:"DUBBOFN_EVENTS_TOKEN" desc:"What senders over HTTP must show: Authorization: Bearer TOKEN. Without it they get 401. Knative's brokers can't show one. Default: anybody who reaches the port may send." want:"any text" secret:"yes"`
	Origins  string `envconfig:"DUBBOFN_EVENTS_ORIGINS" default:"*" desc:"Which senders may ask to send events (OPTIONS, WebHook-Request-Origin)." want:"host names, separated by commas, or *"`

	overrides map[string]string
}

// fromEnvironment reads the process's environment, with every fault at once.
func fromEnvironment() (Config, []error) {
	var c Config
	faults := environ.Read(&c)
	bad := func(field string, value any, why string) {
		faults = append(faults, environ.Fault[Config](field, value, why))
	}
	if c.Mode != "binary" && c.Mode != "structured" {
		bad("Mode", c.Mode, "is not offered")
	}
	if c.SeenFor < time.Second {
		bad("SeenFor", c.SeenFor, "is too short")
	}
	for field, ok := range map[string]bool{"SeenMost": c.SeenMost > 0, "SeenBytes": c.SeenBytes > 0, "MaxEvent": c.MaxEvent >= 1024, "MaxBytes": c.MaxBytes >= c.MaxEvent, "MaxBatch": c.MaxBatch > 0, "Hops": c.Hops > 0} {
		if !ok {
			bad(field, "", "is too small")
		}
	}
	if c.Sink == "" {
		c.Sink = c.KSink
	}
	var err error
	if c.overrides, err = readOverrides(c.Over); err != nil {
		faults = append(faults, err)
	}
	return c, faults
}

// maxRuleBytes bounds a file of rules.
const maxRuleBytes = 1 << 20

// readRules reads what DUBBOFN_EVENTS says.
func readRules(setting string) ([]event.Rule, error) {
	text := []byte(strings.TrimSpace(setting))
	if len(text) == 0 {
		return nil, nil
	}
	from := "DUBBOFN_EVENTS"
	if !strings.ContainsAny(setting, "{[\n:") || strings.HasPrefix(setting, "/") || strings.HasPrefix(setting, "./") {
		from += "=" + setting
		info, err := os.Stat(setting) //nolint:gosec // the operator names it
		if err == nil && info.Size() > maxRuleBytes {
			err = fmt.Errorf("%d bytes (limit %d)", info.Size(), maxRuleBytes)
		}
		if err == nil {
			text, err = os.ReadFile(setting) //nolint:gosec // the operator names it
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; want a file with rules, or the rules themselves", from, err)
		}
	}
	asJSON, err := yamlToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	rules, err := event.ParseRules(asJSON)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return rules, nil
}

// yamlToJSON gives YAML as JSON, which it is a superset of. Aliases, which could make much of little, are refused.
func yamlToJSON(text []byte) (out []byte, err error) {
	if len(text) > maxRuleBytes {
		return nil, fmt.Errorf("%d bytes (limit %d)", len(text), maxRuleBytes)
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || json.Valid(text) { // a number keeps its digits
		return text, nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML: %v", p)
		}
	}()
	for line := range strings.Lines(string(text)) {
		if t := strings.TrimLeft(line, " -"); strings.HasPrefix(t, "*") || strings.Contains(t, ": *") || strings.Contains(t, ": &") {
			return nil, errors.New("YAML's anchors and aliases are not offered; quote a text that begins with * or &")
		}
	}
	return yaml.YAMLToJSON(text)
}
