// Command console looks at a live console with a real browser: it calls functions meanwhile, takes pictures at three widths in both themes, and
// fails where the page logs an error, has a text of too little contrast, or can't be used with the keyboard alone. See e2e/console.sh.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

func main() {
	admin := flag.String("admin", "", "the activator's port for operators, host:port")
	token := flag.String("token", "", "the console's")
	browser := flag.String("browser", "", "Chromium")
	out := flag.String("o", ".", "where pictures go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	err := look(ctx, *browser, "http://"+*admin+"/console/", *token, *out)
	cancel()
	stop()
	if err != nil {
		log.Fatal("console: ", err)
	}
}

// faults are what the page complains of.
type faults struct {
	mu  sync.Mutex
	all []error
}

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, fmt.Errorf(format, args...))
}

func (f *faults) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.all...)
}

func look(ctx context.Context, browser, at, token, out string) error {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses root otherwise
	}
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	defer end()
	ctx, end = chromedp.NewContext(ctx)
	defer end()
	var f faults
	expected := true // the first look is at a console that nobody has logged in to: its 401 is no fault
	chromedp.ListenTarget(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			f.add("the page throws: %v", e.ExceptionDetails)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				f.add("the page logs %s: %s", e.Type, e.Args[0].Value)
			}
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.LevelError && !expected {
				f.add("the browser logs: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	})
	v := &visit{ctx: ctx, at: at, out: out, faults: &f}
	steps := []func() error{v.refused, func() error { expected = false; return v.login(token) }, v.keyboard, v.pictures}
	for _, step := range steps {
		if err := step(); err != nil {
			return errors.Join(err, f.err())
		}
	}
	return f.err()
}

type visit struct {
	ctx     context.Context
	at, out string
	faults  *faults
}

func (v *visit) run(actions ...chromedp.Action) error { return chromedp.Run(v.ctx, actions...) }

// refused sees the form of the login, and a wrong token refused.
func (v *visit) refused() error {
	var why string
	err := v.run(cdplog.Enable(), v.size(1440, 900), chromedp.Navigate(v.at), chromedp.WaitVisible("#token"), chromedp.SendKeys("#token", "not the token\r"),
		chromedp.Poll(`document.querySelector(".fault").textContent`, &why))
	if err == nil {
		fmt.Println("a wrong token:", why)
	}
	return err
}

// login goes by the address that `dubbofn run` prints.
func (v *visit) login(token string) error {
	var address string
	err := v.run(chromedp.Navigate("about:blank"), chromedp.Navigate(v.at+"#"+token), chromedp.WaitVisible(".tiles"), chromedp.Location(&address))
	if err == nil && address != v.at {
		return fmt.Errorf("the token stays in the address: %s", address)
	}
	return err
}

func (v *visit) size(width, height int64) chromedp.Action {
	return emulation.SetDeviceMetricsOverride(width, height, 1, false)
}

func theme(name string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}})
}

// views are what is to be seen before a picture is taken.
var views = []struct{ name, ready string }{
	{"functions", `document.querySelectorAll(".card").length >= 2 && document.querySelector(".chart path") !== null`},
	{"starts", `document.querySelectorAll(".start").length >= 2`},
	{"topology", `document.querySelectorAll(".edge").length >= 4`},
	{"call", `document.querySelector("#call-method option") !== null`},
	{"doctor", `document.querySelector(".findings li") !== null`},
}

func (v *visit) pictures() error {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 800, 360} {
			for _, view := range views {
				name := fmt.Sprintf("console-%s-%s-%d.png", view.name, scheme, width)
				if err := v.picture(name, scheme, width, view.name, view.ready); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	}
	return nil
}

func (v *visit) picture(name, scheme string, width int64, view, ready string) error {
	height := map[int64]int64{1440: 940, 800: 1100, 360: 780}[width]
	before := []chromedp.Action{theme(scheme), v.size(width, height), chromedp.Evaluate(`location.hash = "#`+view+`"`, nil), chromedp.Sleep(200 * time.Millisecond)}
	switch view {
	case "doctor":
		before = append(before, chromedp.Evaluate(`if (!document.querySelector(".findings li")) document.querySelector("main .main").click()`, nil))
	case "functions":
		before = append(before, chromedp.Evaluate(`{const b = [...document.querySelectorAll(".pick")].find((b) => b.textContent === "greet"); if (b && b.getAttribute("aria-pressed") === "false") b.click()}`, nil))
	}
	var png []byte
	var low []string
	var wide int64
	err := v.run(append(before, chromedp.Poll(ready, nil, chromedp.WithPollingTimeout(30*time.Second)), chromedp.Sleep(300*time.Millisecond),
		chromedp.Evaluate(contrast, &low), chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			png, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatPng).WithOptimizeForSpeed(false).Do(ctx)
			return err
		}))...)
	if err != nil {
		return err
	}
	for _, l := range low {
		v.faults.add("%s: too little contrast: %s", name, l)
	}
	if wide > width {
		v.faults.add("%s: the page is %d pixels wide", name, wide)
	}
	fmt.Printf("%-36s %4d KiB, contrast and width are as they should be: %v\n", name, len(png)>>10, len(low) == 0 && wide <= width)
	return os.WriteFile(filepath.Join(v.out, name), png, 0o644)
}
