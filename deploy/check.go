package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/dubbofn/dubbofn/templates"
)

// checks collects what is wrong with a request.
type checks struct{ faults []error }

// The forms that Kubernetes takes: DNS labels and names (RFC 1123), environment variables, quantities.
var (
	labelForm    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	serviceForm  = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	nameForm     = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	notOfLabel   = regexp.MustCompile(`[^a-z0-9]+`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	quantity     = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$`)
	imageForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./:@_-]*$`)
)

func (c *checks) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *checks) label(field, value string) {
	if !labelForm.MatchString(value) {
		c.fault("%s is %q: want up to 63 small letters, digits and '-'", field, value)
	}
}

// CheckName tells whether a Knative Service can have a name: it becomes a part of host names, and Kubernetes wants a letter at first of those
// (RFC 1035, 2.3.1).
func CheckName(name string) error {
	if fault := faultOfName(name); fault != "" {
		return errors.New(fault)
	}
	return nil
}

func faultOfName(name string) string {
	if serviceForm.MatchString(name) {
		return ""
	}
	hint := ""
	if like := strings.Trim(notOfLabel.ReplaceAllString(strings.ToLower(name), "-"), "-0123456789"); serviceForm.MatchString(like) {
		hint = fmt.Sprintf(", as %q", like)
	}
	return fmt.Sprintf("Name is %q: want up to 63 small letters, digits and '-', a letter first%s", name, hint)
}

func (c *checks) name(field, value string) {
	if !nameForm.MatchString(value) {
		c.fault("%s is %q: want small letters, digits, '-' and '.'", field, value)
	}
}

func (c *checks) count(field string, n int) {
	if n < 0 {
		c.fault("%s is %d: want 0 or more", field, n)
	}
}

// image wants what says which image it is: the kubelet asks the registry for "latest", or for no tag at all, at every start.
func (c *checks) image(image string) {
	last := image[strings.LastIndex(image, "/")+1:]
	_, tag, tagged := strings.Cut(last, ":")
	if !imageForm.MatchString(image) || !tagged || tag == "" || tag == "latest" {
		c.fault("Image is %q: want an image with a tag other than latest, or with a digest", image)
	}
}

func (c *checks) quantities(all ...string) {
	for _, q := range all {
		if !quantity.MatchString(q) {
			c.fault("%q is no quantity of Kubernetes: want a number with m, Ki, Mi, Gi or none", q)
		}
	}
}

// render fills in a template, unless something is wrong.
func (c *checks) render(kind string, values any) ([]byte, error) {
	if len(c.faults) > 0 {
		return nil, fmt.Errorf("render %s: %w", kind, errors.Join(c.faults...))
	}
	file := "knative/" + kind + ".yaml"
	t, err := template.New(kind+".yaml").Option("missingkey=error").Funcs(template.FuncMap{"quote": quote}).ParseFS(templates.Files(), file)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", kind, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return nil, fmt.Errorf("render %s: %w", kind, err)
	}
	return b.Bytes(), nil
}

// quote gives a YAML string in double quotes: JSON's strings are YAML's, but for the characters that YAML takes for line ends or not at all.
func quote(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(fmt.Sprint(v)); err != nil {
		return "", err
	}
	var q strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			fmt.Fprintf(&q, `\u%04x`, r)
			continue
		}
		q.WriteRune(r)
	}
	return q.String(), nil
}
