// Board is a function that calls another: it welcomes people by org.example.GreetService, wherever that runs.
//
//	package org.example;
//	public interface BoardService {
//	    List<String> welcome(List<String> names, String language);
//	}
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dubbofn/dubbofn/client"
	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
	"github.com/dubbofn/dubbofn/registry/nacos"
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

// Board needs what of GreetService it calls: the client fills the fields in.
type Board struct {
	Greet func(ctx context.Context, req *GreetRequest) (*GreetReply, error)
}

// Welcome greets each by name. With ctx the caller's deadline, transaction and trace go on to GreetService.
func (b *Board) Welcome(ctx context.Context, names []string, language string) ([]string, error) {
	var lines []string
	for _, name := range names {
		reply, err := b.Greet(ctx, &GreetRequest{Name: name, Language: language})
		if err != nil {
			return nil, fmt.Errorf("welcome %s: %w", name, err)
		}
		lines = append(lines, reply.Message)
	}
	return lines, nil
}

// connect fills in what the board needs. It waits for nothing: the first call does, if the registry or the provider isn't there by then.
func connect(ctx context.Context, board *Board) (*client.Client, error) {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return nil, err
	}
	c, err := client.New(cfg, nacos.Registry)
	if err != nil {
		return nil, err
	}
	greet, err := c.Reference(ctx, "org.example.GreetService", client.Background(), client.Idempotent("greet"))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, greet.Bind(board)
}

func main() {
	var board Board
	c, err := connect(context.Background(), &board)
	if err != nil {
		fmt.Fprintln(os.Stderr, "board:", err)
		os.Exit(1)
	}
	// The client is a part of the function: what it knows outlives the process, and is warm before the first call.
	serve.Main(nacos.Registry, c, fn.NewService("org.example.BoardService", fn.Method("welcome", board.Welcome, fn.Idempotent)))
	_ = c.Close() // after the drain, when no call needs it any more
}
