// Package peer builds, starts, pins and ends the providers and the consumers that are measured.
package peer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Peer is one provider or consumer: how it is built and how it is started.
type Peer struct {
	Name   string        // "dubbo-go"
	About  string        // versions, for people
	WarmUp time.Duration // load before its first counted round of each case, at least
	build  []string      // command, run in dir
	dir    string        // below the module's root
	run    func(root, address, pprof string) []string
	Go     bool // obeys GOGC, and serves pprof where it is told to
}

const (
	aboutDubboGo = "dubbo.apache.org/dubbo-go/v3 v3.3.1, hessian2 v1.12.5, getty v1.4.10, defaults"
	aboutJava    = "org.apache.dubbo:dubbo 3.3.6, hessian-lite 4.0.4, -Xms64m -Xmx512m, defaults"
)

// Names are all providers, in the order of tables. The first is the bar, the second the subject.
func Names() []string { return []string{"limit-goroutine", "dubbofn", "dubbo-go", "java"} }

// Choose gives the providers of those names, in the order of Names. goWarmUp and javaWarmUp are the least warm-up of a case.
func Choose(names []string, goWarmUp, javaWarmUp time.Duration) ([]Peer, error) {
	return choose(names, []Peer{
		goPeer("limit-goroutine", "std only, a goroutine a request, a batching writer, nothing decoded", ".", "./peers/limit", goWarmUp),
		goPeer("dubbofn", "this repository: fn and fn/serve, defaults", ".", "./peers/dubbofn", goWarmUp),
		goPeer("dubbo-go", aboutDubboGo, "peers/dubbogo", ".", goWarmUp),
		javaPeer("org.bench.Provider", javaWarmUp),
	})
}

// ConsumerNames are all consumers that have a process of their own, in the order of tables. The first is the subject.
func ConsumerNames() []string { return []string{"dubbofn", "dubbo-go", "java"} }

// ChooseConsumers gives the consumers of those names, in the order of ConsumerNames.
func ChooseConsumers(names []string, goWarmUp, javaWarmUp time.Duration) ([]Peer, error) {
	return choose(names, []Peer{
		goPeer("dubbofn", "this repository: client.Reference and Bind, defaults", ".", "./peers/dubbofn/consumer", goWarmUp),
		goPeer("dubbo-go", aboutDubboGo, "peers/dubbogo", "./consumer", goWarmUp),
		javaPeer("org.bench.Consumer", javaWarmUp),
	})
}

func choose(names []string, all []Peer) ([]Peer, error) {
	var known []string
	for _, p := range all {
		known = append(known, p.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("choose peers: %q is none of %s", n, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(p Peer) bool { return !slices.Contains(names, p.Name) }), nil
}

func goPeer(name, about, dir, target string, warmUp time.Duration) Peer {
	program := name
	if filepath.Base(target) == "consumer" {
		program += "-consumer"
	}
	return Peer{Name: name, About: about, WarmUp: warmUp, Go: true, dir: dir,
		build: []string{"go", "build", "-o", "{bin}/" + program, target},
		run: func(root, address, pprof string) []string {
			args := []string{filepath.Join(root, "out", "bin", program), "-address", address}
			if pprof != "" {
				args = append(args, "-pprof", pprof)
			}
			return args
		}}
}

func javaPeer(class string, warmUp time.Duration) Peer {
	return Peer{Name: "java", About: aboutJava, WarmUp: warmUp, build: MavenBuild(), dir: "java",
		run: func(root, address, _ string) []string { return append(Java(root), class, address) }}
}

// With gives p, started with more arguments.
func (p Peer) With(args ...string) Peer {
	run := p.run
	p.run = func(root, address, pprof string) []string { return append(run(root, address, pprof), args...) }
	return p
}

// MavenBuild is the command that builds java/.
func MavenBuild() []string { return []string{"mvn", "-q", "-B", "package"} }

// Java is the command line of a JVM with the classes of java/, up to the name of the main class. Dubbo takes loopback for the machine's
// address where it is to ignore every interface.
func Java(root string) []string {
	target := filepath.Join(root, "java", "target")
	return []string{"java", "-Xms64m", "-Xmx512m", "-Djava.net.preferIPv4Stack=true", "-Ddubbo.network.interface.ignored=.*",
		"-Duser.home=" + filepath.Join(root, "out", "home"), "-cp", filepath.Join(target, "classes") + ":" + filepath.Join(target, "lib", "*")}
}
