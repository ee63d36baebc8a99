package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dubbofn/dubbofn/client"
)

// recording is a run that is watched.
type recording struct {
	log, admin, registry string
	lasts, every         time.Duration
}

// series are what was scraped, by the text of name and labels. What wasn't there at a time is missing.
type series struct {
	every  time.Duration
	points []map[string]float64
}

const scrapeTimeout = 400 * time.Millisecond

// record calls functions, in waves with pauses in which they go to sleep, and scrapes meanwhile.
func (r recording) record(ctx context.Context) (*series, error) {
	ctx, stop := context.WithTimeout(ctx, r.lasts)
	defer stop()
	var calling sync.WaitGroup
	var failed error
	calling.Go(func() {
		if failed = r.call(ctx); failed != nil {
			stop()
		}
	})
	s := &series{every: r.every}
	for tick := time.NewTicker(r.every); ; {
		s.points = append(s.points, r.scrape(ctx))
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		tick.Stop()
		calling.Wait()
		return s, failed
	}
}

// wave and pause are how long functions are called, and are not.
const (
	wave, pause = 9 * time.Second, 6 * time.Second
	callers     = 6
	between     = 4 * time.Millisecond
)

func (r recording) call(ctx context.Context) error {
	cfg, err := client.FromEnvironment()
	if err != nil {
		return err
	}
	cfg.Registry = []string{r.registry}
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // the process ends
	shop, err := c.Reference(ctx, "org.example.ShopService")
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		begun := time.Now()
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				for n := i; time.Since(begun) < wave && ctx.Err() == nil; n++ {
					one(ctx, shop, n)
				}
			})
		}
		all.Wait()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

// one makes a call. Exceptions are part of the picture, and so is the end.
func one(ctx context.Context, shop *client.Service, n int) {
	if n%3 == 0 {
		var text string
		_ = shop.Call(ctx, "order", &text, "tea")
	} else {
		var price int64
		_ = shop.Call(ctx, "price", &price, "tea")
	}
	select {
	case <-time.After(between):
	case <-ctx.Done():
	}
}

var told = regexp.MustCompile(`metrics=(127\.0\.0\.1:\d+)`)

// scrape gives what the activator and the function that runs show now.
func (r recording) scrape(ctx context.Context) map[string]float64 {
	found := map[string]float64{}
	text, err := os.ReadFile(r.log)
	if all := told.FindAllSubmatch(text, -1); err == nil && len(all) > 0 {
		_ = read(ctx, string(all[len(all)-1][1]), found) // it sleeps
	}
	if err := read(ctx, r.admin, found); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "picture: scrape the activator:", err)
	}
	return found
}

func read(ctx context.Context, address string, into map[string]float64) error {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	for line := range strings.Lines(string(body)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if i := strings.LastIndexByte(strings.TrimSpace(line), '}'); i >= 0 {
			name, value, ok = strings.TrimSpace(line)[:i+1], strings.TrimSpace(strings.TrimSpace(line)[i+1:]), true
		}
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && !strings.HasPrefix(line, "#") {
			into[name] = v
		}
	}
	return nil
}
