package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/cold/activator"
	"github.com/dubbofn/dubbofn/internal/daemon"
	"github.com/dubbofn/dubbofn/internal/supervise"
)

// function is one that is run.
type function struct {
	name, binary string
	path         string // as it was given
	renewed      int    // how often its program was replaced
	built        time.Time
	manifest     Manifest
}

// Run builds the functions and runs them until ctx ends; it returns when nothing of it is left.
func Run(ctx context.Context, c Config) error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	out := &console{out: c.Out, colour: c.Colour, idle: c.Idle, status: c.Status, ending: ctx.Done()}
	functions, err := prepare(ctx, c, out)
	if err != nil {
		return err
	}
	dir, err := newFolder(os.TempDir())
	if err != nil {
		return err
	}
	defer dir.remove()
	p, err := assemble(ctx, c, dir.path, functions, out)
	if err != nil {
		return err
	}
	return p.run(ctx)
}

// prepare builds and asks every function.
func prepare(ctx context.Context, c Config, out *console) (functions []function, err error) {
	names, offers := map[string]string{}, map[string]string{}
	for i, path := range c.Paths {
		begin := time.Now()
		out.tell("building %s (%d of %d)", path, i+1, len(c.Paths))
		binary, err := Build(ctx, path, filepath.Join(c.Cache, fmt.Sprintf("%x", pathID(path))))
		if err != nil {
			return nil, err
		}
		name := filepath.Base(binary)
		if other, taken := names[name]; taken {
			return nil, fmt.Errorf("functions %s and %s have the same name, %s: name one of the folders otherwise", other, path, name)
		}
		names[name] = path
		m, err := Describe(ctx, binary, append(bare(c.Environment), "K_SERVICE="+name))
		if err != nil {
			return nil, err
		}
		if err := claim(offers, path, m); err != nil {
			return nil, err
		}
		out.tell("built %s in %.1f s", name, time.Since(begin).Seconds())
		functions = append(functions, function{name: name, binary: binary, path: path, built: begin, manifest: m})
	}
	return functions, nil
}

// claim notes what a function offers; an error says that another one does. offers is by service.
func claim(offers map[string]string, path string, m Manifest) error {
	for _, s := range m.Services {
		key := s.key()
		if other, taken := offers[key]; taken {
			return fmt.Errorf("functions %s and %s both offer %s, and a call could not say which it means: give one of them another interface, or a group or a version of its own (fn.Group, fn.Version), or run only one", other, path, key)
		}
		offers[key] = path
	}
	return nil
}

// bare is an environment without certificates: it is the activator's port that speaks TLS, and a function that had one would tell of a port
// of its own that does.
func bare(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(v string) bool { return strings.HasPrefix(v, "DUBBOFN_TLS_") })
}

// pathID keeps programs of one name and several places apart.
func pathID(path string) uint64 {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	h := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(path) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// parts are what runs beside each other.
type parts struct {
	c          Config
	out        *console
	functions  []function
	front      *daemon.Front
	store      *daemon.Store // nil: no keeper
	supervisor *supervise.Supervisor
	site       Site
	dir, url   string // of the functions' files, and in them
}

// assemble opens every port; run must follow.
func assemble(ctx context.Context, c Config, dir string, functions []function, out *console) (*parts, error) {
	p := &parts{c: c, out: out, functions: functions}
	platform, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	token := rand.Text()
	p.dir, p.url = filepath.Join(dir, "functions"), "http://"+platform.Addr().String()
	if err := p.write(); err != nil {
		return nil, errors.Join(err, platform.Close())
	}
	a := c.Activator
	a.Functions, a.Registry, a.Token = p.dir+string(filepath.Separator), strings.Split(c.Registry, ","), token
	a.Fresh = min(a.Fresh, c.Idle/2) // never longer than the shortest time to zero
	a.Private()
	a.Bind, a.Host = place(c.Registry, a.Bind, a.Host)
	a.Console, a.ConsoleToken = cmp.Or(a.Console, "read"), cmp.Or(a.ConsoleToken, rand.Text())
	a.LanePort, a.LaneTLS = 0, false // functions are told the port, and it never leaves this machine
	for _, port := range []*int{&a.Port, &a.AdminPort} {
		if *port != 0 && !free(a.Bind, *port) {
			out.tell("port %d is taken: another one it is", *port)
			*port = 0
		}
	}
	if p.front, err = a.Listen(c.Log, c.Adapters...); err != nil {
		return nil, errors.Join(err, platform.Close())
	}
	p.site = Site{Dubbo: reachable(p.front.Dubbo), Admin: reachable(p.front.Admin), HTTP: platform.Addr().String(), Registry: c.Registry}
	p.site.Console = a.ConsoleURL(p.site.Admin)
	environment := slices.Concat(c.Environment, []string{"DUBBOFN_TOKEN=" + token, "DUBBOFN_ACTIVATOR=" + reachable(p.front.Lane)})
	socket := filepath.Join(dir, "keeper")
	if err := p.keep(ctx, socket, token); err != nil {
		return nil, err
	}
	if p.store != nil {
		environment = append(environment, "DUBBOFN_KEEPER=unix://"+socket)
		p.site.Keeper = reachable(p.store.Admin)
	}
	var run []supervise.Function
	for _, f := range functions {
		out.know(f.name, f.manifest.App)
		run = append(run, supervise.Function{Name: f.name, Path: f.binary})
	}
	p.supervisor, err = supervise.New(supervise.Config{
		Listener: platform, Environment: environment, Idle: c.Idle, Start: c.Start, Grace: c.Grace,
		Output: out, Colour: c.Colour, Changed: out.changed, Log: c.Log,
	}, run...)
	if err != nil {
		return nil, err // of functions that were checked before
	}
	return p, nil
}

const maxSocketPath = 100 // of DUBBOFN_KEEPER_SOCKET

// keep opens the keeper.
func (p *parts) keep(ctx context.Context, socket, token string) error {
	if p.c.NoKeeper {
		return nil
	}
	if len(socket) > maxSocketPath {
		return fmt.Errorf("keeper: the path of its socket, %q, has more than %d bytes: set TMPDIR to a shorter one, or run without a keeper (--no-keeper)", socket, maxSocketPath)
	}
	k, err := daemon.LocalKeeper(socket, token)
	if err != nil {
		return err
	}
	k.Registry = strings.Split(p.c.Registry, ",")
	p.store, err = k.Listen(ctx, p.c.Log, p.c.Adapters...)
	return err
}

// free tells whether a port can be listened on.
func free(host string, port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// reachable is a listener's address for processes of this machine.
func reachable(a net.Addr) string {
	at, ok := a.(*net.TCPAddr)
	if ok && at.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port))
	}
	return a.String()
}

// write lets the activator know the functions.
func (p *parts) write() error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	for _, f := range p.functions {
		if err := p.tell(f); err != nil {
			return err
		}
	}
	return nil
}

// tell lets the activator know one function, as it is now.
func (p *parts) tell(f function) error {
	b, err := json.Marshal(activator.Function{
		App: f.manifest.App, URL: p.url, Host: f.name + ".local", KnativeRevision: supervise.Revision(f.name, f.renewed), Manifest: activator.Manifest(f.manifest.Text),
	})
	if err != nil {
		return err
	}
	half := filepath.Join(p.dir, "."+f.name+".json")
	if err := os.WriteFile(half, b, 0o600); err != nil {
		return err
	}
	return os.Rename(half, filepath.Join(p.dir, f.name+".json"))
}

// run has everything going until ctx ends or a part fails, then ends the parts in their order: the activator finishes its calls first.
func (p *parts) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	processes, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	keeping, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	front, below, beside := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	if p.store == nil {
		beside <- nil
	} else {
		go func() { beside <- p.store.Run(keeping); stop() }()
	}
	go func() { below <- p.supervisor.Run(processes); stop() }()
	go func() { front <- p.front.Run(ctx); stop() }()
	if p.ready(ctx) {
		p.out.introduce(p.site, p.functions)
		p.c.Ready(p.site)
		defer p.accompany(ctx)() // ctx has ended by then
	}
	err := <-front
	end()
	err = errors.Join(err, <-below)
	release() // no process has anything of the keeper's any more
	return errors.Join(err, <-beside)
}

// ready waits until the stand-ins are written; false: it ends before.
func (p *parts) ready(ctx context.Context) bool {
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.site.Admin+"/health/ready", nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close() // the status says all
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-every.C:
		}
	}
}
