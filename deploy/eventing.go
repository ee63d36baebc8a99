package deploy

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Broker is a place where events arrive. Zero fields mean the defaults.
type Broker struct {
	Name      string // default: "default"
	Namespace string // default: "default"
	// Class is the kind of broker, as "Kafka" or "MTChannelBasedBroker". Default: the cluster's.
	Class string
	// Delivery holds for triggers that have none of their own.
	Delivery
}

// Trigger brings a function events of a broker. Name and Function are needed; the other zero fields mean the defaults.
type Trigger struct {
	Name      string
	Namespace string // default: "default"
	Broker    string // default: "default"
	Function  string // the Knative Service, or with Plain one of Kubernetes' own, as a [Sink] is
	Plain     bool
	// Filter is what attributes, extensions too, must be, exactly. CESQL is an expression that must hold besides. Default: every event of the broker.
	Filter map[string]string
	CESQL  string
	// Timeout is how long one try may take, a wake included. Default: 60 s.
	Timeout time.Duration
	Delivery
}

// Delivery says what becomes of events that are not taken. Zero fields mean the defaults.
type Delivery struct {
	// DeadLetter is the Service of the same namespace that gets them: Knative's, or Kubernetes' own where DeadLetterPlain is set, as a
	// [Sink] is. Default: they are lost.
	DeadLetter      string
	DeadLetterPlain bool
	// Retry is how often one is sent again, −1 for never. Default: 8, which at the default pauses takes two minutes.
	Retry int
	// Backoff is the first pause; each next one is twice as long. Default: 500 ms.
	Backoff time.Duration
}

// Sink takes dead letters and logs them. Image is needed; the other zero fields mean the defaults.
type Sink struct {
	Name      string // default: "dead-letters"
	Namespace string // default: "default"
	Image     string // of the command dubbofn
}

const (
	defaultRetry   = 8
	defaultBackoff = 500 * time.Millisecond
	defaultTry     = time.Minute
)

// attributeForm is what CloudEvents allows names of attributes (1.0.2, Naming conventions).
var attributeForm = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// delivery is what the templates of both say of it.
type delivery struct {
	DeadLetter, DeadLetterVersion string
	Retry                         int
	Backoff                       string
}

func (c *checks) delivery(d Delivery) delivery {
	v := delivery{DeadLetter: d.DeadLetter, DeadLetterVersion: serviceVersion(d.DeadLetterPlain), Retry: cmp.Or(d.Retry, defaultRetry)}
	if d.DeadLetter != "" {
		c.label("DeadLetter", d.DeadLetter)
	}
	if v.Retry == -1 {
		v.Retry = 0
	}
	c.count("Retry", v.Retry)
	pause := cmp.Or(d.Backoff, defaultBackoff)
	if pause < time.Millisecond || pause > time.Hour {
		c.fault("Backoff is %v: want 1ms to 1h", pause)
	}
	v.Backoff = isoDuration(pause)
	return v
}

// serviceVersion is the API of a Service: Knative's, or Kubernetes' own.
func serviceVersion(plain bool) string {
	if plain {
		return "v1"
	}
	return "serving.knative.dev/v1"
}

// isoDuration writes a duration as ISO 8601 does, in seconds.
func isoDuration(d time.Duration) string {
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S"
}

// YAML gives the Broker. Its error tells every fault.
func (b Broker) YAML() ([]byte, error) {
	var c checks
	v := struct {
		Name, Namespace, Class string
		delivery
	}{cmp.Or(b.Name, "default"), cmp.Or(b.Namespace, "default"), b.Class, c.delivery(b.Delivery)}
	c.label("Name", v.Name)
	c.label("Namespace", v.Namespace)
	return c.render("broker", v)
}

// YAML gives the Trigger. Its error tells every fault.
func (t Trigger) YAML() ([]byte, error) {
	var c checks
	v := struct {
		Name, Namespace, Broker, Function, FunctionVersion, CESQL, TimeoutText string
		Plain                                                                  bool
		Exact                                                                  []variable
		delivery
	}{
		Name: t.Name, Namespace: cmp.Or(t.Namespace, "default"), Broker: cmp.Or(t.Broker, "default"), Function: t.Function, FunctionVersion: serviceVersion(t.Plain), Plain: t.Plain, CESQL: t.CESQL,
		delivery: c.delivery(t.Delivery),
	}
	c.label("Name", v.Name)
	c.label("Namespace", v.Namespace)
	c.label("Broker", v.Broker)
	c.label("Function", v.Function)
	for _, name := range slices.Sorted(maps.Keys(t.Filter)) {
		if !attributeForm.MatchString(name) {
			c.fault("Filter has %q: want up to 20 small letters and digits", name)
		}
		v.Exact = append(v.Exact, variable{name, t.Filter[name]})
	}
	try := cmp.Or(t.Timeout, defaultTry)
	if try < time.Second || try > maxTimeout {
		c.fault("Timeout is %v: want 1s to %v", try, maxTimeout)
	}
	v.TimeoutText = isoDuration(try)
	return c.render("trigger", v)
}

// YAML gives the Deployment and its Service. Its error tells every fault.
func (s Sink) YAML() ([]byte, error) {
	var c checks
	v := Sink{Name: cmp.Or(s.Name, "dead-letters"), Namespace: cmp.Or(s.Namespace, "default"), Image: s.Image}
	c.label("Name", v.Name)
	c.label("Namespace", v.Namespace)
	c.image(v.Image)
	return c.render("sink", v)
}
