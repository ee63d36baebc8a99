// Command quickstart does what a page of documentation tells its readers to do, in an empty folder, and compares what comes out with what the page says.
//
// Of the page's fenced blocks, "sh" is run, "sh background" is run until the next of its kind or the end, as in a terminal of its own, "go file=PATH" (or another language) is written to that file, and "text" is what
// the block of commands before it prints: its lines appear in that order, among others, "…" in a line stands for anything. A block below a comment
// <!-- not run: REASON --> is passed over.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	if !run() {
		os.Exit(1)
	}
}

// run tells whether everything was as it says.
func run() bool {
	dir := flag.String("dir", "", "the folder to work in")
	each := flag.Duration("each", 3*time.Minute, "how long a block may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok := flag.NArg() > 0
	for _, page := range flag.Args() {
		if err := follow(ctx, page, *dir, *each); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", page, err)
			ok = false
		}
	}
	return ok
}

// block is a fenced one.
type block struct {
	line       int
	info, text string
	notRun     string // why
}

var notRun = regexp.MustCompile(`^<!-- not run: (.*) -->$`)

func blocks(page io.Reader) (all []block, err error) {
	var in *block
	why := ""
	s := bufio.NewScanner(page)
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && in == nil:
			in = &block{line: n, info: strings.TrimSpace(info), notRun: why}
		case fence:
			all = append(all, *in)
			in, why = nil, ""
		case in != nil:
			in.text += line + "\n"
		default:
			if m := notRun.FindStringSubmatch(line); m != nil {
				why = m[1]
			}
		}
	}
	if in != nil {
		return nil, fmt.Errorf("line %d: the block has no end", in.line)
	}
	return all, s.Err()
}

// session is what runs.
type session struct {
	dir        string
	each       time.Duration
	background []*running
}

// running is a block that runs until the end.
type running struct {
	cmd *exec.Cmd
	out *output
}

// output collects what is printed. Safe for concurrent use.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func follow(ctx context.Context, page, dir string, each time.Duration) (err error) {
	f, err := os.Open(page)
	if err != nil {
		return err
	}
	all, err := blocks(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	s := &session{dir: dir, each: each}
	defer func() { err = errors.Join(err, s.end()) }()
	begin, ran, passed := time.Now(), 0, 0
	var last *output
	for _, b := range all {
		kind, rest, _ := strings.Cut(b.info, " ")
		file, isFile := strings.CutPrefix(rest, "file=")
		switch {
		case b.notRun != "":
			fmt.Printf("%s:%d: not run: %s\n", page, b.line, b.notRun)
			passed++
			last = nil
		case isFile:
			if err := os.WriteFile(filepath.Join(dir, file), []byte(b.text), 0o600); err != nil {
				return fmt.Errorf("line %d: %w", b.line, err)
			}
		case kind == "sh":
			ran++
			if last, err = s.run(ctx, b, rest == "background"); err != nil {
				return fmt.Errorf("line %d: %w", b.line, err)
			}
		case kind == "text" && last != nil:
			if err := s.compare(ctx, last, b.text); err != nil {
				return fmt.Errorf("line %d: %w", b.line, err)
			}
		}
	}
	fmt.Printf("%s: %d blocks of commands run, %d not, %.1f s: every answer is as it says\n", filepath.Base(page), ran, passed, time.Since(begin).Seconds())
	return nil
}

func (s *session) run(ctx context.Context, b block, background bool) (*output, error) {
	if background {
		if err := s.end(); err != nil {
			return nil, err
		}
	}
	fmt.Printf("$ %s", strings.ReplaceAll(strings.TrimRight(b.text, "\n"), "\n", "\n$ ")+"\n")
	out := new(output)
	limited, cancel := context.WithTimeout(ctx, s.each)
	if background {
		limited, cancel = context.WithCancel(ctx)
	}
	cmd := exec.CommandContext(limited, "bash", "-euo", "pipefail", "-c", b.text)
	if background {
		cmd.Args[len(cmd.Args)-1] = "exec " + b.text // so that it gets the signal itself
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if background {
		s.background = append(s.background, &running{cmd, out})
		_ = cancel // end does it
		return out, cmd.Start()
	}
	defer cancel()
	if err := cmd.Run(); err != nil {
		return out, fmt.Errorf("%w\n%s", err, out)
	}
	fmt.Print(out.String())
	return out, nil
}

// compare waits until the lines are there: what runs in the background prints them when it is ready.
func (s *session) compare(ctx context.Context, out *output, want string) error {
	deadline := time.Now().Add(s.each)
	for {
		missing := firstMissing(out.String(), want)
		if missing == "" {
			return nil
		}
		live := false
		for _, r := range s.background {
			live = live || r.out == out
		}
		if !live || time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("%q is not in what was printed, which is\n%s", missing, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// firstMissing gives the first of the lines wanted that is not there after those before it.
func firstMissing(got, want string) string {
	lines := strings.Split(got, "\n")
	at := 0
	for w := range strings.Lines(want) {
		w = strings.TrimSpace(w)
		if w == "" || w == "…" {
			continue
		}
		form := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(w), "…", ".*") + "$")
		for at < len(lines) && !form.MatchString(strings.TrimSpace(lines[at])) {
			at++
		}
		if at == len(lines) {
			return w
		}
		at++
	}
	return ""
}

// end stops what runs in the background, the last first.
func (s *session) end() (err error) {
	for _, r := range slices.Backward(s.background) {
		_ = r.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if waitErr := r.cmd.Wait(); waitErr != nil {
			err = errors.Join(err, fmt.Errorf("what ran in the background ended with %w\n%s", waitErr, r.out))
		}
	}
	s.background = nil
	return err
}
