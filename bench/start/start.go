package start

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// Call is the first call of a process that has just begun.
type Call struct {
	Address string // where it will listen
	Request []byte
	Check   func(*bufio.Reader) error // reads the reply
	Pause   time.Duration             // between two attempts to connect; 0: none, which needs a core of its own
}

// patience is how long a process may take.
const patience = 30 * time.Second

// First starts cmd on a core (any where it is negative), calls it as soon as it listens, and kills it. It gives the time from before the process
// was made to its reply, and the CPU time that it took until it was killed.
func First(ctx context.Context, cmd *exec.Cmd, core int, c Call) (took, cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in, err := cmd.StdinPipe() // some end with their input
	if err != nil {
		return 0, 0, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	defer in.Close()
	begun, exited, err := begin(cmd, core)
	if err != nil {
		return 0, 0, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	took, err = call(ctx, begun, c, exited)
	_ = cmd.Process.Kill() // it may have ended
	<-exited
	if err != nil {
		return 0, 0, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// call makes the call once something listens.
func call(ctx context.Context, begun time.Time, c Call, exited <-chan struct{}) (time.Duration, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp", c.Address)
		if err == nil {
			defer conn.Close()
			return exchange(ctx, conn, begun, c)
		}
		select {
		case <-exited:
			return 0, errors.New("it ended before it listened")
		case <-ctx.Done():
			return 0, errors.Join(context.Cause(ctx), err)
		case <-soon(c.Pause):
		}
	}
}

// soon is ready after a pause, or at once.
func soon(pause time.Duration) <-chan time.Time {
	if pause > 0 {
		return time.After(pause)
	}
	now := make(chan time.Time)
	close(now)
	return now
}

func exchange(ctx context.Context, conn net.Conn, begun time.Time, c Call) (time.Duration, error) {
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return 0, err
	}
	if _, err := conn.Write(c.Request); err != nil {
		return 0, err
	}
	if err := c.Check(bufio.NewReader(conn)); err != nil {
		return 0, fmt.Errorf("read its first reply: %w", err)
	}
	return time.Since(begun), nil
}

const (
	headerBytes = 16
	statusOK    = 20
	maxBytes    = 1 << 20
)

// Dubbo checks a reply with status 20.
func Dubbo(r *bufio.Reader) error {
	var head [headerBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[12:])
	if head[0] != 0xda || head[1] != 0xbb || head[3] != statusOK || n > maxBytes {
		return fmt.Errorf("%x is no reply with status %d", head, statusOK)
	}
	_, err := io.CopyN(io.Discard, r, int64(n))
	return err
}

// HTTP checks a response with status 200.
func HTTP(r *bufio.Reader) error {
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("its status is %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
