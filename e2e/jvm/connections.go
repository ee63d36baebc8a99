package jvm

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Connection is one of TCP, its ends as /proc/net/tcp writes them: "0100007F:5190".
type Connection struct{ Local, Remote string }

// String shows both ends.
func (c Connection) String() string { return c.Local + " → " + c.Remote }

// LocalPort is the port of this end, in decimals.
func (c Connection) LocalPort() string {
	n, _ := strconv.ParseUint(c.Local[strings.LastIndexByte(c.Local, ':')+1:], 16, 16) // the kernel's own hexadecimal
	return strconv.FormatUint(n, 10)
}

// Connections lists the process's established connections to a port, sorted.
func (p *Process) Connections(port int) ([]Connection, error) {
	proc := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return nil, err
	}
	mine := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(proc, "fd", fd.Name())); err == nil { // else it was closed meanwhile
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				mine[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	var all []Connection
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(proc, "net", table))
		if err != nil && table == "tcp6" {
			continue // there is no IPv6 here
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			// sl, local, remote, state (01: established), queues, timer, retransmits, uid, timeout, inode
			if f := strings.Fields(line); len(f) > 9 && mine[f[9]] && f[3] == "01" && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", port)) {
				all = append(all, Connection{f[1], f[2]})
			}
		}
	}
	slices.SortFunc(all, func(a, b Connection) int {
		return cmp.Or(cmp.Compare(a.Local, b.Local), cmp.Compare(a.Remote, b.Remote))
	})
	return all, nil
}
