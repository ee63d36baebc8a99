package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// finding is one of doctor's.
type finding struct{ Check, State, Service, Title, Why, Mend, Restart string }

// site is what one fault is planted in: a function, an activator before it, and a consumer, each with its environment.
type site struct {
	settings
	fault      fault
	app, iface string
	home       string
	running    map[string]*exec.Cmd

	function, activator, consumer, operator map[string]string // environments; the operator's is what mends run in, over the consumer's
	flags                                   []string          // of doctor
}

// The ports of a site, from the first.
const (
	dubboPort = iota
	lanePort
	adminPort
	functionHTTP
	functionDubbo
	otherHTTP
	otherDubbo
	closedPort
)

func (x *site) at(n int) string { return strconv.Itoa(x.port + n) }

func newSite(s settings, f fault) (*site, error) {
	x := &site{settings: s, fault: f, app: "shop-" + f.name, iface: "org.example.shop." + strings.ReplaceAll(f.name, "-", "") + ".ShopService", home: filepath.Join(s.dir, f.name), running: map[string]*exec.Cmd{}}
	if f.secured {
		x.nacos = s.secured
	}
	nacos := "nacos://" + x.nacos
	common := map[string]string{
		"PATH": filepath.Dir(s.dubbofn) + ":" + os.Getenv("PATH"), "HOME": x.home, "DUBBOFN_HOST": "127.0.0.1", "DUBBOFN_BIND": "127.0.0.1", "DUBBOFN_TOKEN": "planted",
		"DOCTOR_INTERFACE": x.iface,
	}
	x.function, x.activator = maps.Clone(common), maps.Clone(common)
	maps.Copy(x.function, map[string]string{
		"DUBBOFN_APP": x.app, "DUBBOFN_REGISTER": "no", "DUBBOFN_REGISTRY": nacos, "DUBBOFN_PORT": x.at(functionDubbo), "PORT": x.at(functionHTTP), "DUBBOFN_ACTIVATOR": "127.0.0.1:" + x.at(lanePort),
	})
	maps.Copy(x.activator, map[string]string{
		"DUBBOFN_REGISTRY": nacos, "DUBBOFN_FUNCTIONS": filepath.Join(x.home, "functions"), "DUBBOFN_PORT": x.at(dubboPort), "DUBBOFN_LANE_PORT": x.at(lanePort), "DUBBOFN_ADMIN_PORT": x.at(adminPort),
	})
	x.consumer = map[string]string{"PATH": common["PATH"], "HOME": x.home, "DUBBOFN_REGISTRY": nacos, "DUBBOFN_ADMIN": "127.0.0.1:" + x.at(adminPort)}
	x.operator = map[string]string{}
	if err := os.RemoveAll(x.home); err != nil {
		return x, err
	}
	return x, os.MkdirAll(filepath.Join(x.home, "functions"), 0o755)
}

func environment(all ...map[string]string) []string {
	merged := map[string]string{}
	for _, m := range all {
		maps.Copy(merged, m)
	}
	var list []string
	for k, v := range merged {
		list = append(list, k+"="+v)
	}
	return list
}

// start begins a process whose output is a file of the site.
func (x *site) start(name string, env map[string]string, command string, args ...string) error {
	log, err := os.OpenFile(filepath.Join(x.home, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.Command(command, args...)
	c.Env, c.Dir, c.Stdout, c.Stderr = environment(env), x.home, log, log
	tie(c)
	if err := c.Start(); err != nil {
		return err
	}
	x.running[name] = c
	return nil
}

// stop ends one, with a signal; what does not end by itself is killed after a while.
func (x *site) stop(name string, sig os.Signal) {
	c := x.running[name]
	if c == nil {
		return
	}
	delete(x.running, name)
	_ = c.Process.Signal(sig)
	late := time.AfterFunc(15*time.Second, func() { _ = c.Process.Kill() })
	_ = c.Wait()
	late.Stop()
}

func (x *site) end() {
	for name := range x.running {
		x.stop(name, os.Interrupt)
	}
}

// until tries something for some seconds.
func until(ctx context.Context, what string, try func() error) error {
	end := time.Now().Add(20 * time.Second)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func answers(url string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// up starts the function and, before it, its activator.
func (x *site) up(ctx context.Context) error {
	describe := exec.CommandContext(ctx, x.settings.function)
	describe.Env = append(environment(x.function), "DUBBOFN_DESCRIBE=1")
	text, err := describe.Output()
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	file, err := json.Marshal(map[string]any{"app": x.app, "url": "http://127.0.0.1:" + x.at(functionHTTP), "manifest": json.RawMessage(text)})
	if err != nil {
		return err
	}
	if err := os.WriteFile(x.manifest(), file, 0o644); err != nil {
		return err
	}
	if err := x.start("function", x.function, x.settings.function); err != nil {
		return err
	}
	if err := x.start("activator", x.activator, x.dubbofn, "activator"); err != nil {
		return err
	}
	return x.ready(ctx)
}

func (x *site) manifest() string { return filepath.Join(x.home, "functions", x.app+".json") }

func (x *site) ready(ctx context.Context) error {
	return until(ctx, "the activator is ready", func() error { return answers("http://127.0.0.1:" + x.at(adminPort) + "/health/ready") })
}

// play plants the fault, has it found, mends it, and looks again.
func (x *site) play(ctx context.Context, r *row) error {
	if err := x.fault.plant(ctx, x); err != nil {
		return fmt.Errorf("plant: %w", err)
	}
	var found finding
	err := until(ctx, "find", func() error {
		all, _, err := x.doctor(ctx)
		if err != nil || x.fault.check == "" {
			return err
		}
		for _, f := range all {
			if f.State == "bad" && f.Check == x.fault.check && strings.Contains(f.Title, x.fault.says) {
				found = f
				return nil
			}
		}
		return fmt.Errorf("it was not found as %s: %s", x.fault.check, brief(all))
	})
	if err != nil {
		return err
	}
	r.found, r.mend = found.Check+": "+found.Title, found.Mend
	if x.fault.check != "" {
		if err := x.mend(ctx, found); err != nil {
			return fmt.Errorf("mend: %w", err)
		}
	} else {
		r.found = "nothing, as it should be"
	}
	return until(ctx, "afterwards", func() error {
		all, code, err := x.doctor(ctx)
		if err == nil && code != 0 {
			err = fmt.Errorf("exit code %d: %s", code, brief(all))
		}
		counted := map[string]int{}
		for _, f := range all {
			counted[f.State]++
		}
		r.after = fmt.Sprintf("exit code %d: %d ok, %d skipped, %d warnings", code, counted["ok"], counted["skipped"], counted["warn"])
		return err
	})
}

func brief(all []finding) string {
	var parts []string
	for _, f := range all {
		if f.State == "bad" {
			parts = append(parts, f.Check+": "+f.Title)
		}
	}
	return fmt.Sprintf("%d findings, %d bad: %s", len(all), len(parts), strings.Join(parts, "; "))
}

// doctor runs the command as the consumer would.
func (x *site) doctor(ctx context.Context) (all []finding, code int, err error) {
	c := exec.CommandContext(ctx, x.dubbofn, append([]string{"doctor", "-o", "json", x.iface}, x.flags...)...)
	c.Env, c.Dir = environment(x.consumer), x.home
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		return nil, 0, err
	}
	code = c.ProcessState.ExitCode()
	if code != 0 && code != 8 {
		return nil, code, fmt.Errorf("doctor: exit code %d: %s", code, strings.TrimSpace(errs.String()))
	}
	return all, code, json.Unmarshal(out.Bytes(), &all)
}

// mend runs what was printed: in the consumer's shell, whose exports stay; or in that of the activator, which is then started again. One that runs
// the activator itself goes on running.
func (x *site) mend(ctx context.Context, f finding) error {
	base := x.consumer
	if f.Restart == "activator" {
		base = x.activator
		if !strings.HasPrefix(f.Mend, "export ") && !strings.HasPrefix(f.Mend, "unset ") {
			x.stop("activator", syscall.SIGTERM)
			if err := x.start("activator", x.activator, "bash", "-c", "exec "+f.Mend); err != nil {
				return err
			}
			return x.ready(ctx)
		}
	}
	state := filepath.Join(x.home, "environment")
	c := exec.CommandContext(ctx, "bash", "-c", "set -e\n"+f.Mend+"\nenv -0 >"+state)
	c.Env, c.Dir = environment(base, x.operator), x.home
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", f.Mend, err, out)
	}
	after, err := os.ReadFile(state)
	if err != nil {
		return err
	}
	maps.DeleteFunc(base, func(name, _ string) bool { return strings.HasPrefix(name, "DUBBOFN_") })
	for pair := range strings.SplitSeq(string(after), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "DUBBOFN_") && x.operator[name] == "" {
			base[name] = value
		}
	}
	if f.Restart == "activator" {
		x.stop("activator", syscall.SIGTERM)
		if err := x.start("activator", x.activator, x.dubbofn, "activator"); err != nil {
			return err
		}
		return x.ready(ctx)
	}
	return nil
}
