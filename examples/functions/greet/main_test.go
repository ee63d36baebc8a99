package main

import (
	"testing"

	"github.com/dubbofn/dubbofn/fn"
)

func TestGreetSpeaksTheLanguageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{"": "Hello, Ada!", "fr": "Bonjour, Ada!", "zh": "你好, Ada!"} {
		reply, err := Greet(t.Context(), &GreetRequest{Name: "Ada", Language: language})
		if err != nil || reply.Message != want || reply.ServedBy == "" {
			t.Errorf("%q: %+v, %v; want %q", language, reply, err, want)
		}
	}
	for _, req := range []*GreetRequest{nil, {}, {Name: "Ada", Language: "xx"}} {
		if reply, err := Greet(t.Context(), req); err == nil {
			t.Errorf("%+v: %+v; want an error", req, reply)
		}
	}
}

func TestHelloIsOfferedAsJavaHasIt(t *testing.T) {
	t.Parallel()
	set, err := fn.NewSet("greet", fn.NewService("org.example.GreetService", fn.Method("hello", Hello, fn.Idempotent), fn.Method("greet", Greet)))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range set.Describe().Services[0].Methods {
		if want := map[string]string{"hello": "Ljava/lang/String;", "greet": "Lorg/example/GreetRequest;"}[m.Name]; m.Descriptor != want {
			t.Errorf("%s%s, want %s", m.Name, m.Descriptor, want)
		}
	}
}
