package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// patience is how long one answer may take.
const patience = 30 * time.Second

// idle connects, then says so. After the next line of its input each connection makes a call, then it says so again. It ends with its input.
func idle(ctx context.Context, o options) error {
	conns := make([]net.Conn, o.connections)
	var d net.Dialer
	for i := range conns {
		conn, err := d.DialContext(ctx, "tcp", o.address)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		defer conn.Close() // all of them, at the end
		conns[i] = conn
	}
	fmt.Println("connected")
	in := bufio.NewScanner(os.Stdin)
	if !in.Scan() {
		return in.Err()
	}
	for i, c := range conns {
		if err := once(c, o.request); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	fmt.Println("called")
	for in.Scan() { // heartbeats come after a minute, and are not waited for
		continue
	}
	return in.Err()
}

func once(c net.Conn, request []byte) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	var head [16]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	if head[3] != 20 {
		return fmt.Errorf("its status is %d", head[3])
	}
	_, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[12:])))
	return err
}
