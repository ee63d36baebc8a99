// Command http is a server of net/http that answers one text: what every function pays that speaks HTTP, whatever it is made of.
package main

import (
	"io"
	"net/http"
	"os"
)

func main() {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Addr: os.Args[1], Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Hello, Ada!") // the caller checks
	})}
	if s.ListenAndServe() != nil {
		os.Exit(1)
	}
}
