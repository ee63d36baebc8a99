package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dubbofn/dubbofn/internal/certtest"
)

// certs writes the certificates of trust.sh into a folder and gives the exit code: authorities ours and theirs; provider and consumer, which
// ours signed; stranger, which theirs did; old, whose time is over; elsewhere, for another host.
func certs(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "want: peer certs FOLDER")
		return 2
	}
	dir, later := args[0], time.Now().Add(24*time.Hour)
	ours, err := certtest.New(dir, "ours")
	theirs, err2 := certtest.New(dir, "theirs")
	if err := errors.Join(err, err2); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for i, c := range []struct {
		by         *certtest.Authority
		name, host string
		until      time.Time
	}{
		{ours, "provider", "127.0.0.1", later}, {ours, "next", "127.0.0.1", later}, {ours, "consumer", "127.0.0.1", later},
		{ours, "old", "127.0.0.1", time.Now().Add(-time.Hour)}, {ours, "elsewhere", "elsewhere.example", later}, {theirs, "stranger", "127.0.0.1", later},
	} {
		if _, _, err := c.by.Issue(c.name, c.host, int64(i+2), c.until); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}
