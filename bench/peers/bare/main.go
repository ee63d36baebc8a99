// Command bare is the bar for a start: it listens, reads a frame by its length, and answers with bytes that are written here. Nothing is
// decoded, and net is all that it links.
package main

import (
	"encoding/binary"
	"io"
	"net"
	"os"
)

// reply is status 20 and a String, with id 0: kind 1 (a value), "Hello, Ada!".
const reply = "\xda\xbb\x02\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0d\x91\x0bHello, Ada!"

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			os.Exit(1)
		}
		go serve(conn)
	}
}

func serve(conn net.Conn) {
	defer conn.Close()
	var head [16]byte
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[12:]))); err != nil {
			return
		}
		if _, err := io.WriteString(conn, reply); err != nil { // the caller has one call open, of id 0
			return
		}
	}
}
