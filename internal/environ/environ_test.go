package environ

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kelseyhightower/envconfig"
)

// half is a number of its own notation.
type half float64

// Decode reads it.
func (h *half) Decode(text string) error {
	n, ok := strings.CutSuffix(text, "/2")
	if !ok {
		return errors.New("no half")
	}
	_, err := fmt.Sscan(n, (*float64)(h))
	*h /= 2
	return err
}

type all struct {
	Text     string        `envconfig:"T_TEXT" default:"x"`
	Plain    string        `envconfig:"T_PLAIN"`
	Int      int           `envconfig:"T_INT" default:"-7"`
	Long     int64         `envconfig:"T_LONG"`
	Float    float64       `envconfig:"T_FLOAT" default:"0.5"`
	Bool     bool          `envconfig:"T_BOOL"`
	Wait     time.Duration `envconfig:"T_WAIT" default:"3s"`
	List     []string      `envconfig:"T_LIST" default:"a,b"`
	None     []string      `envconfig:"T_NONE"`
	Half     half          `envconfig:"T_HALF" default:"3/2"`
	MaybeInt *int          `envconfig:"T_MAYBE_INT"`
	Maybe    *bool         `envconfig:"T_MAYBE"`
}

func TestTheEnvironmentIsReadAsEnvconfigReadsIt(t *testing.T) {
	texts := []string{
		"", " ", "x", "0", "1", "-1", "7", "0x10", "1_000", "9223372036854775808", "1e3", "nan", "true", "T", "yes", "3s", "1h2m", "-1ms", "3",
		"a", "a,b", ",", "a, b ,", "5/2", "x/2", "a:b", "é,\xff",
	}
	for _, name := range []string{"T_TEXT", "T_PLAIN", "T_INT", "T_LONG", "T_FLOAT", "T_BOOL", "T_WAIT", "T_LIST", "T_NONE", "T_HALF", "T_MAYBE_INT", "T_MAYBE", "T_OTHER"} {
		for _, text := range texts {
			t.Setenv(name, text)
			var got, want all
			faults, err := Read(&got), envconfig.Process("", &want)
			if (len(faults) > 0) != (err != nil) {
				t.Errorf("%s=%q: %v, envconfig: %v", name, text, faults, err)
				continue
			}
			if err != nil {
				if len(faults) != 1 || !strings.Contains(faults[0].Error(), fmt.Sprintf("%s=%q", name, text)) {
					t.Errorf("%s=%q: %v", name, text, faults)
				}
				continue
			}
			if d := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })); d != "" {
				t.Errorf("%s=%q: envconfig has - and we have +:\n%s", name, text, d)
			}
		}
		if err := os.Unsetenv(name); err != nil { // t.Setenv puts back what was there
			t.Fatal(err)
		}
	}
}

type settings struct {
	Port     int    `envconfig:"T_PORT" default:"1" want:"a port"`
	Password string `envconfig:"T_PASSWORD"`
	Pin      int    `envconfig:"T_PIN" secret:"1" want:"digits"`
	Computed int
	hidden   int
}

func TestEveryFaultIsToldAndNoSecret(t *testing.T) {
	t.Setenv("T_PORT", "many")
	t.Setenv("T_PIN", "hush")
	t.Setenv("T_PASSWORD", "p")
	t.Setenv("COMPUTED", "5") // envconfig would read it
	c := settings{hidden: 1}
	faults := Read(&c)
	text := fmt.Sprint(faults)
	if len(faults) != 2 || !strings.Contains(text, `T_PORT="many" can't be read; want a port`) || !strings.Contains(text, `T_PIN="***"`) || strings.Contains(text, "hush") {
		t.Errorf("%v", faults)
	}
	if (c != settings{Password: "p", hidden: 1}) {
		t.Errorf("%+v", c)
	}
}
