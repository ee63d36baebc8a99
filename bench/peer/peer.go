// Package peer builds, starts, pins and ends the providers that are measured.
package peer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Peer is one provider: how it is built and how it is started.
type Peer struct {
	Name   string        // "dubbo-go"
	About  string        // versions, for people
	WarmUp time.Duration // load before its first counted round of each case, at least
	build  []string      // command, run in dir
	dir    string        // below the module's root
	run    func(root string, port int, pprof string) []string
	Go     bool // obeys GOGC, and serves pprof where it is told to
}

// Names are all peers, in the order of tables. The first is the bar, the second the subject.
func Names() []string { return []string{"limit-goroutine", "dubbofn", "dubbo-go", "java"} }

// Choose gives the peers of those names, in the order of Names. goWarmUp and javaWarmUp are the least warm-up of a case.
func Choose(names []string, goWarmUp, javaWarmUp time.Duration) ([]Peer, error) {
	all := []Peer{
		goPeer("limit-goroutine", "std only, a goroutine a request, a batching writer, nothing decoded", ".", "./peers/limit", goWarmUp),
		goPeer("dubbofn", "this repository: fn and fn/serve, defaults", ".", "./peers/dubbofn", goWarmUp),
		goPeer("dubbo-go", "dubbo.apache.org/dubbo-go/v3 v3.3.1, hessian2 v1.12.5, getty v1.4.10, defaults", "peers/dubbogo", ".", goWarmUp),
		{Name: "java", About: "org.apache.dubbo:dubbo 3.3.6, hessian-lite 4.0.4, -Xms64m -Xmx512m, defaults", WarmUp: javaWarmUp,
			build: MavenBuild(), dir: "java", run: func(root string, port int, _ string) []string {
				return append(Java(root), "org.bench.Provider", strconv.Itoa(port))
			}},
	}
	for _, n := range names {
		if !slices.ContainsFunc(all, func(p Peer) bool { return p.Name == n }) {
			return nil, fmt.Errorf("choose peers: %q is none of %s", n, strings.Join(Names(), ", "))
		}
	}
	return slices.DeleteFunc(all, func(p Peer) bool { return !slices.Contains(names, p.Name) }), nil
}

func goPeer(name, about, dir, target string, warmUp time.Duration) Peer {
	return Peer{Name: name, About: about, WarmUp: warmUp, Go: true, dir: dir,
		build: []string{"go", "build", "-o", "{bin}/" + name, target},
		run: func(root string, port int, pprof string) []string {
			args := []string{filepath.Join(root, "out", "bin", name), "-port", strconv.Itoa(port)}
			if pprof != "" {
				args = append(args, "-pprof", pprof)
			}
			return args
		}}
}

// MavenBuild is the command that builds java/.
func MavenBuild() []string { return []string{"mvn", "-q", "-B", "package"} }

// Java is the command line of a JVM with the classes of java/, up to the name of the main class.
func Java(root string) []string {
	target := filepath.Join(root, "java", "target")
	return []string{"java", "-Xms64m", "-Xmx512m", "-Djava.net.preferIPv4Stack=true", "-Duser.home=" + filepath.Join(root, "out", "home"),
		"-cp", filepath.Join(target, "classes") + ":" + filepath.Join(target, "lib", "*")}
}
