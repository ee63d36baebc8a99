package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Exit codes of the command dubbofn that are met here.
const (
	exitUsage       = 2
	exitMissing     = 3
	exitRefused     = 5
	exitUnavailable = 6
	exitOther       = 7
)

type deploys struct {
	*settings
	checks
	consumer *consumer
	config   string // a kubeconfig; empty: that of the environment
}

// measureDeploy puts the function onto the cluster with the command alone, has a Java consumer call it, and gives the command everything
// that it has to refuse, or to explain.
func measureDeploy(ctx context.Context, s *settings) error {
	d := &deploys{settings: s}
	var err error
	if d.consumer, err = startConsumer(ctx, s.names[0], s.logs, s.commands[0], func(string) {}); err != nil {
		return err
	}
	defer d.consumer.Kill()
	for _, part := range []func(context.Context) error{d.refusals, d.takeOver, d.first, d.looks, d.rollOuts, d.rights, d.away} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	_, total, err := d.consumer.stop() // what it called while nothing was deployed has failed
	d.check(err == nil, "%s: %s", d.consumer.name, total)
	return d.err()
}

// ran is a command that has ended.
type ran struct {
	line     string
	code     int
	out, err string
	took     time.Duration
}

// dubbofn runs the command.
func (d *deploys) dubbofn(ctx context.Context, args ...string) ran {
	if args[0] == "deploy" {
		args = append(args, "--cpu", "25m") // pods of revisions that fail stay for a while, on a node of two CPUs
	}
	if d.config != "" {
		args = append(args, "--kubeconfig", d.config)
	}
	return d.run(ctx, nil, d.command, args...)
}

func (d *deploys) run(ctx context.Context, in []byte, name string, args ...string) ran {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = 5 * time.Second
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &errs
	began := time.Now()
	err := c.Run()
	r := ran{line: filepath.Base(name) + " " + strings.Join(args, " "), out: out.String(), err: errs.String(), took: time.Since(began)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.code = exit.ExitCode()
	case err != nil:
		r.code, r.err = -1, err.Error()
	}
	fmt.Printf("\n$ %s\n%s%s(%s, exit code %d)\n", r.line, indent(r.out), indent(r.err), r.took.Round(100*time.Millisecond), r.code)
	return r
}

const shownOutput = 40 // lines

func indent(text string) string {
	lines := strings.SplitAfter(strings.TrimRight(text, "\n"), "\n")
	if text == "" {
		return ""
	}
	if n := len(lines) - shownOutput; n > 0 {
		lines = append(lines[:shownOutput], fmt.Sprintf("… %d lines more\n", n))
	}
	return "  " + strings.Join(lines, "  ") + "\n"
}

// expect runs the command, and wants an exit code, and texts in what it prints.
func (d *deploys) expect(ctx context.Context, what string, code int, texts []string, args ...string) ran {
	r := d.dubbofn(ctx, args...)
	for _, t := range texts {
		if !strings.Contains(r.out+r.err, t) {
			d.check(false, "%s: no %q in what it prints", what, t)
			return r
		}
	}
	d.check(r.code == code, "%s: exit code %d after %v (%d)", what, r.code, r.took.Round(100*time.Millisecond), code)
	return r
}

// kubectl does what an operator would; it must succeed.
func (d *deploys) kubectl(ctx context.Context, in string, args ...string) (string, error) {
	r := d.run(ctx, []byte(in), "kubectl", args...)
	if r.code != 0 {
		return "", fmt.Errorf("%s: %s", r.line, r.err)
	}
	return strings.TrimSpace(r.out), nil
}

// refusals need nothing deployed.
func (d *deploys) refusals(ctx context.Context) error {
	nowhere := filepath.Join(d.logs, "nowhere.kubeconfig")
	text := `{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],"contexts":[{"name":"a","context":{"cluster":"c"}}]}`
	if err := os.WriteFile(nowhere, []byte(text), 0o600); err != nil {
		return err
	}
	d.config = nowhere
	d.expect(ctx, "no cluster", exitUnavailable, []string{"127.0.0.1:1 does not answer", "--context"}, "deploy", d.folder, "--push", d.push)
	d.config = ""
	d.expect(ctx, "a name that Kubernetes forbids", exitUsage, []string{`as "my-greet"`}, "deploy", d.folder, "--push", d.push, "--name", "My_Greet")
	d.expect(ctx, "no such context", exitUnavailable, []string{`context "none" does not exist`}, "list", "--context", "none")
	d.expect(ctx, "no Eventing", exitUnavailable, []string{"no Knative Eventing"}, "deploy", d.folder, "--push", d.push, "--trigger", "orders")
	d.expect(ctx, "a registry that is not there", exitUnavailable, []string{"127.0.0.1:1"}, "deploy", d.folder, "--push", "127.0.0.1:1/greet", "--platform", "linux/amd64")
	return nil
}

// takeOver meets the function as kubectl has applied it.
func (d *deploys) takeOver(ctx context.Context) error {
	d.expect(ctx, "fields of kubectl's", exitRefused, []string{"somebody else set fields", "--force"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64")
	d.expect(ctx, "taken over", 0, []string{"is deployed as greet-0000"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "--force")
	d.expect(ctx, "taken away", 0, []string{`Knative Service "greet" of namespace default is deleted`}, "undeploy", d.service)
	d.expect(ctx, "taken away twice", exitMissing, []string{"no function of that name"}, "undeploy", d.service)
	return nil
}

// first deploys from the folder, with one command, and has Java call it.
func (d *deploys) first(ctx context.Context) error {
	d.expect(ctx, "a dry run", 0, []string{"created (dry run)"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "--dry-run")
	if _, err := d.kubectl(ctx, "", "get", "ksvc", d.service); err == nil {
		d.check(false, "the dry run has left something")
	}
	r := d.expect(ctx, "what would be applied", 0, nil, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "-o", "yaml")
	if _, err := d.kubectl(ctx, r.out, "apply", "--server-side", "--dry-run=server", "-f", "-"); err != nil {
		d.check(false, "the API server does not take it: %v", err)
	}
	d.expect(ctx, "from the folder to consumers", 0, []string{"consumers find it", "offers org.example.GreetService"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64")
	return d.called(ctx, "by Java, once it is deployed")
}

// called has the consumer call; it may take a second until Nacos has told it.
func (d *deploys) called(ctx context.Context, what string) error {
	began := time.Now()
	for {
		a, err := d.consumer.call("Ada")
		if err != nil {
			return err
		}
		if a.err == nil {
			d.check(true, "called %s: answered by %s, %v after it was asked first", what, a.by, time.Since(began).Round(time.Millisecond))
			return nil
		}
		if time.Since(began) > 20*time.Second {
			d.check(false, "called %s: %v", what, a.err)
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// rollOuts are of revisions that never get ready; the one before goes on.
func (d *deploys) rollOuts(ctx context.Context) error {
	again := d.expect(ctx, "nothing changed", 0, []string{"is deployed as greet-00001"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64")
	d.check(again.took < 60*time.Second, "the same again took %v", again.took.Round(100*time.Millisecond))
	d.expect(ctx, "an image that is missing, for Knative", exitOther, []string{"image can't be found", "404 Not Found", "to mend it"}, "deploy", d.folder, "--image", d.push+":nothing")
	d.expect(ctx, "an image that is missing, for the node", exitOther, []string{"can't be pulled", "to mend it"}, "deploy", d.folder, "--image", d.push+"@sha256:"+strings.Repeat("0a", 32))
	if err := d.called(ctx, "while a revision without an image is there"); err != nil {
		return err
	}
	d.expect(ctx, "the image is there again", 0, []string{"consumers find it"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "--env", "MORE=1")
	if err := d.called(ctx, "after the mend"); err != nil {
		return err
	}
	d.expect(ctx, "a program that crashes", exitOther, []string{"ends when it starts", "exit code", "its log ends with:", "dubbofn logs"}, "deploy", "--image", d.crashing, "--manifest", d.manifest, "--env", "BREAK=crash", "--env", "SLOW=20ms")
	d.expect(ctx, "what is wrong, later", 0, []string{"✗", "ends when it starts"}, "describe", "--deployed", "slow")
	d.expect(ctx, "a crash's log", 0, []string{"slow-00001"}, "logs", "slow", "--previous")
	d.expect(ctx, "an application that is there", exitRefused, []string{`application "greet" is deployed already, as default/greet`}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "--name", "greet2")
	d.expect(ctx, "an interface that is there", exitRefused, []string{"default/greet offers org.example.GreetService too"}, "deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "--name", "greet2", "--app", "greet2")
	d.expect(ctx, "it is taken away", 0, nil, "undeploy", "slow")
	return d.noSecret(ctx)
}

var mendLine = regexp.MustCompile(`(?m)to mend it: (kubectl .*)$`)

// noSecret deploys to a namespace that has no token, and runs what it is told to.
func (d *deploys) noSecret(ctx context.Context) error {
	d.expect(ctx, "no namespace", exitMissing, []string{"kubectl create namespace bare"}, "deploy", "-n", "bare", "--image", d.crashing, "--manifest", d.manifest, "--env", "SLOW=20ms")
	if _, err := d.kubectl(ctx, "", "create", "namespace", "bare"); err != nil {
		return err
	}
	r := d.expect(ctx, "no Secret", exitOther, []string{`namespace bare has no Secret "dubbofn-token"`}, "deploy", "-n", "bare", "--image", d.crashing, "--manifest", d.manifest, "--env", "SLOW=20ms")
	m := mendLine.FindStringSubmatch(r.err)
	if m == nil {
		d.check(false, "no command that mends it")
		return nil
	}
	mended := d.run(ctx, nil, "bash", "-c", m[1])
	d.check(mended.code == 0, "the command that mends it: exit code %d (0)", mended.code)
	d.expect(ctx, "the Secret is there", 0, []string{"consumers find it"}, "deploy", "-n", "bare", "--image", d.crashing, "--manifest", d.manifest, "--env", "SLOW=20ms")
	d.expect(ctx, "it is taken away", 0, nil, "undeploy", "-n", "bare", "slow")
	return nil
}

// looks are what shows it.
func (d *deploys) looks(ctx context.Context) error {
	d.expect(ctx, "the list", 0, []string{"NAME", "greet", "yes", "org.example.GreetService"}, "list")
	r := d.expect(ctx, "the list for machines", 0, nil, "list", "-A", "-o", "json")
	var all []struct {
		Name, Ready, State string
		Visible            bool
	}
	err := json.Unmarshal([]byte(r.out), &all)
	d.check(err == nil && len(all) == 1 && all[0].Name == "greet" && all[0].Ready == "True" && all[0].Visible && all[0].State != "", "it says %+v", all)
	d.expect(ctx, "everything about it", 0, []string{"find it", "POD", "greet-0000", "Knative Service greet: Ready is True"}, "describe", "--deployed", d.service)
	return d.follow(ctx)
}

// follow reads the log through a sleep: what a pod prints that wakes meanwhile must come.
func (d *deploys) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, d.command, "logs", d.service, "-f")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 5 * time.Second
	c.Stderr = os.Stdout
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	var mu sync.Mutex
	pods := map[string]int{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for in := bufio.NewScanner(out); in.Scan(); {
			pod, _, _ := strings.Cut(in.Text(), " ")
			mu.Lock()
			pods[pod]++
			mu.Unlock()
		}
	}()
	followed, err := followPods(ctx, d.api, d.keys, d.namespace, d.service)
	if err != nil {
		return err
	}
	for range 2 {
		if err := followed.toZero(ctx); err != nil {
			return err
		}
		if err := d.called(ctx, "while its log is followed, after its pods were told to end"); err != nil {
			return err
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	_ = c.Process.Signal(os.Interrupt)
	<-read
	_ = c.Wait() // it was interrupted
	mu.Lock()
	defer mu.Unlock()
	fmt.Printf("lines of each pod: %v\n", pods)
	d.check(len(pods) >= 2, "the log was followed through a sleep: %d pods (2)", len(pods))
	return nil
}

// rights are those of a service account: none but to look, then those that the help names.
func (d *deploys) rights(ctx context.Context) error {
	const look = `apiVersion: v1
kind: ServiceAccount
metadata: {name: dev, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: dev, namespace: default}
rules:
- {apiGroups: [serving.knative.dev], resources: [services], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dev, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: dev}
subjects: [{kind: ServiceAccount, name: dev, namespace: default}]
`
	if _, err := d.kubectl(ctx, look, "apply", "-f", "-"); err != nil {
		return err
	}
	token, err := d.kubectl(ctx, "", "create", "token", "dev")
	if err != nil {
		return err
	}
	d.config = filepath.Join(d.logs, "dev.kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"c","cluster":{"server":%q,"certificate-authority":%q}}],"users":[{"name":"u","user":{"token":%q}}],"contexts":[{"name":"a","context":{"cluster":"c","user":"u"}}]}`,
		d.api, filepath.Join(d.keys, "ca.crt"), token)
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		return err
	}
	deploy := []string{"deploy", d.folder, "--push", d.push, "--platform", "linux/amd64", "--env", "MORE=2"}
	d.expect(ctx, "no right to deploy", exitRefused, []string{"system:serviceaccount:default:dev", "may not patch services.serving.knative.dev in namespace default", "--verb=patch"}, deploy...)
	d.expect(ctx, "no right to undeploy", exitRefused, []string{"may not delete services.serving.knative.dev in namespace default"}, "undeploy", d.service)
	d.expect(ctx, "a right to look", 0, []string{"greet", "may not get services/proxy in namespace dubbofn"}, "list")
	rights, err := os.ReadFile(d.role)
	if err != nil {
		return err
	}
	admin := d.config
	d.config = ""
	if _, err := d.kubectl(ctx, string(rights), "apply", "-f", "-"); err != nil {
		return err
	}
	for _, binding := range [][]string{
		{"-n", "default", "create", "rolebinding", "dubbofn-deployer", "--clusterrole=dubbofn-deployer", "--serviceaccount=default:dev"},
		{"-n", "dubbofn", "create", "rolebinding", "dubbofn-asks", "--role=dubbofn-asks", "--serviceaccount=default:dev"},
	} {
		if _, err := d.kubectl(ctx, "", binding...); err != nil {
			return err
		}
	}
	d.config = admin
	d.expect(ctx, "the rights that are needed", 0, []string{"consumers find it"}, deploy...)
	d.config = ""
	return nil
}

// away takes it away, as who deployed it.
func (d *deploys) away(ctx context.Context) error {
	d.config = filepath.Join(d.logs, "dev.kubeconfig")
	d.expect(ctx, "its log", 0, []string{"greet-0000"}, "logs", d.service, "--tail", "3")
	d.expect(ctx, "it is taken away", 0, []string{"is deleted"}, "undeploy", d.service)
	d.config = ""
	d.expect(ctx, "nothing is left", 0, []string{"there is no function on the cluster"}, "list", "-A")
	return nil
}
