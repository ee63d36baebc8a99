package daemon

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/auth"
	"github.com/dubbofn/dubbofn/internal/console"
	"github.com/dubbofn/dubbofn/internal/doctor"
	"github.com/dubbofn/dubbofn/internal/environ"
	"github.com/dubbofn/dubbofn/registry"
)

// resolveConsole checks what is said of the console.
func (c *Activator) resolveConsole(bad func(field string, value any, why string)) {
	switch console.Mode(c.Console) {
	case "", console.Off:
	case console.Read, console.Call:
		if len(c.ConsoleToken) < console.MinTokenBytes {
			bad("ConsoleToken", c.ConsoleToken, "is too short for a console that can be reached")
		}
	default:
		bad("Console", c.Console, "is not offered")
	}
}

// withConsole puts the console beside what operators ask.
func (f *Front) withConsole(c *Activator, adapters []registry.Adapter) error {
	if c.Console == "" || c.Console == string(console.Off) {
		return nil
	}
	h, err := console.New(console.Config{
		Mode: console.Mode(c.Console), Token: c.ConsoleToken, API: f.activator.Handler(), Dial: f.activator.Dial, Doctor: f.doctor(c, adapters), Log: f.log,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", f.Handler)
	mux.Handle(console.Path, h)
	mux.Handle("GET /{$}", http.RedirectHandler(console.Path, http.StatusFound))
	f.Handler = mux
	return nil
}

// doctor looks at what consumers of this activator depend on, as one of them.
func (f *Front) doctor(c *Activator, adapters []registry.Adapter) func(context.Context) (any, error) {
	urls := environ.SplitURLs(c.Registry)
	if len(urls) == 0 {
		urls = []string{registry.Embedded.Name() + "://"}
	}
	cfg := doctor.Config{
		Registry: urls, MetadataCenter: c.MetadataCenter, Adapters: slices.Clone(adapters), Admin: here(f.Admin), Log: f.log,
	}
	if c.TLSCert != "" { // what the activator shows is trusted: doctor tells whether it fits and is in time
		cfg.TLS, cfg.Secret = auth.TLSConfig{CertFile: c.TLSCert, KeyFile: c.TLSKey, CAFile: c.TLSCert}, true
	}
	return func(ctx context.Context) (any, error) {
		found, err := doctor.Check(ctx, cfg)
		if found == nil && err == nil {
			found = []doctor.Finding{}
		}
		return found, err
	}
}

// here is a listener's address for this machine itself.
func here(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// ConsoleURL is where a person finds the console, and, behind the #, which browsers send to nobody, the token that opens it; empty where there is
// none.
func (c *Activator) ConsoleURL(admin string) string {
	if c.Console == "" || c.Console == string(console.Off) {
		return ""
	}
	return fmt.Sprintf("http://%s%s#%s", admin, console.Path, strings.TrimSpace(c.ConsoleToken))
}
