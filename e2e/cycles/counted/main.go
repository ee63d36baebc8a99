// Command counted is the function of the cycles: org.example.CountedService, each of whose executions is a line of a file before anything
// else happens, so that none is forgotten, however the process ends.
//
// COUNTED_DIR names the folder for these files, one for each process.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/fn/serve"
)

// counter writes down what ran.
type counter struct{ file *os.File }

// ran notes the execution of a call.
func (c *counter) ran(id string) error {
	_, err := c.file.WriteString(id + "\n") // one write: whole, or not at all
	return err
}

// Add runs once at most, whatever happens. It takes the time that the caller says.
func (c *counter) Add(id string, n int64, millis int32) (int64, error) {
	if err := c.ran(id); err != nil {
		return 0, err
	}
	time.Sleep(time.Duration(millis) * time.Millisecond)
	return 2*n + 1, nil
}

// Look may be run again.
func (c *counter) Look(id string, n int64) (int64, error) { return 3*n + 2, c.ran(id) }

// Note is called one-way.
func (c *counter) Note(id string) error { return c.ran(id) }

func main() {
	c := &counter{}
	if dir := os.Getenv("COUNTED_DIR"); dir != "" && os.Getenv("DUBBOFN_DESCRIBE") == "" {
		name := strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			fmt.Fprintln(os.Stderr, "counted:", err)
			os.Exit(1)
		}
		c.file = f
		fmt.Println("started", os.Getpid())
	}
	serve.Main(fn.NewService("org.example.CountedService",
		fn.Method("add", c.Add), fn.Method("look", c.Look, fn.Idempotent), fn.Method("note", c.Note)))
}
