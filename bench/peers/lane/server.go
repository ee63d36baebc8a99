package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
)

const (
	contentType = "application/x-dubbo"
	path        = "/dubbo"
	headerToken = "Dubbofn-Token"
)

// serve serves until its input ends.
func serve(ctx context.Context, o options) error {
	length := []string{strconv.Itoa(len(o.reply))}
	types := []string{contentType}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Addr: o.address, Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := make([]byte, len(o.request))
		if _, err := io.ReadFull(r.Body, request); err != nil || r.URL.Path != path {
			http.Error(w, "it is another request", http.StatusBadRequest)
			return
		}
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = types, length
		_, _ = w.Write(o.reply) // the client would tell
	})}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
