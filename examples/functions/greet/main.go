// Greet is the smallest useful function: one Java interface, org.example.GreetService, in plain Go.
//
//	package org.example;
//	public interface GreetService {
//	    String hello(String name);
//	    GreetReply greet(GreetRequest request);
//	}
package main

import (
	"context"
	"errors"
	"os"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

// GreetRequest is org.example.GreetRequest{name, language}.
type GreetRequest struct {
	Name     string
	Language string
}

// GreetReply is org.example.GreetReply{message, servedBy}.
type GreetReply struct {
	Message  string
	ServedBy string
}

var greetings = map[string]string{"": "Hello", "en": "Hello", "de": "Hallo", "fr": "Bonjour", "es": "Hola", "zh": "你好"}

// Greet answers in the language that was asked for. Its error reaches Java as a RuntimeException with this message.
func Greet(_ context.Context, req *GreetRequest) (*GreetReply, error) {
	if req == nil || req.Name == "" {
		return nil, errors.New("greet: name is empty")
	}
	word, ok := greetings[req.Language]
	if !ok {
		return nil, errors.New("greet: language " + req.Language + " is not one of en, de, fr, es, zh")
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &GreetReply{Message: word + ", " + req.Name + "!", ServedBy: host}, nil
}

// Hello greets by name.
func Hello(name string) (string, error) { return "Hello, " + name + "!", nil }

func main() {
	serve.Main(fn.NewService("org.example.GreetService",
		fn.Method("hello", Hello, fn.Idempotent),
		fn.Method("greet", Greet),
	))
}
