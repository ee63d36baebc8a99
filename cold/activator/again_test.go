package activator

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/invoker"
)

// A call that may have run is told so to our own consumers in either way; Java repeats it only where it may run twice.
func TestOnlyWhatMayRunTwiceIsLeftToBeRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := alone(t)
		p.service = fn.NewService(greetService, fn.Version("1.0.0"),
			fn.Method("hello", func(id string) (string, error) { return id, nil }),
			fn.Method("look", func(id string) (string, error) { return id, nil }, fn.Idempotent),
			fn.Method("look", func(int64) (string, error) { return "", nil }),
			fn.Method("all", func(id string) (string, error) { return id, nil }, fn.Idempotent),
			fn.Method("all", func(int64) (string, error) { return "", nil }, fn.Idempotent))
		p.front = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(headerKnock) != "" {
				w.Header().Set(headerHold, "240")
				return
			}
			panic(http.ErrAbortHandler)
		})
		a, c := p.activate()
		for _, method := range []string{"hello", "all"} {
			_, err := callWith(t.Context(), c, invocation(method, "x"))
			if code, ok := codeOf(err); !ok || code != invoker.CodeInternal {
				t.Errorf("%s: %v", method, err)
			}
		}
		a.mu.Lock()
		s := a.apps["greet"].app.services[0]
		a.mu.Unlock()
		const text, number = "Ljava/lang/String;", "J"
		for call, want := range map[[2]string]bool{
			{"hello", text}: false, {"look", text}: true, {"look", number}: false, {"look", ""}: false, {"all", text}: true, {"all", ""}: true,
			{"$invoke", "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"}: false, {"unknown", ""}: false,
		} {
			if got := s.idempotent([]byte(call[0]), []byte(call[1])); got != want {
				t.Errorf("%q: %t, want %t", call, got, want)
			}
		}
	})
}
