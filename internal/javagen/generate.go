package javagen

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dubbofn/dubbofn/fn"
	"github.com/dubbofn/dubbofn/internal/javatype"
)

// Config says what beside the manifest goes into a project. The zero value is a useful one.
type Config struct {
	// GroupID is Maven's. Default: the package of the first service's interface.
	GroupID string
	// Version is that of the project. Default: "1.0.0-SNAPSHOT".
	Version string
	// Dubbo is the version that the example depends on: 2.7.x or 3.x. Default: [Dubbo3].
	Dubbo string
	// Comments are what the sources say of the services and types. Default: none.
	Comments Comments
}

// The versions of Dubbo that projects are compiled and called with in the tests.
const (
	Dubbo3  = "3.3.6"
	Dubbo27 = "2.7.23"
)

// File is one of a project.
type File struct {
	Path string // from the project's folder, with slashes
	Text string
}

// Marker is near the beginning of every file that may be overwritten.
const Marker = "Made by dubbofn java"

var (
	dubboVersion = regexp.MustCompile(`^(2\.7|3\.[0-9]{1,3})\.[0-9]{1,3}$`)
	coordinate   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$`)
)

// Generate gives the files of a Maven project. The same manifest, configuration and comments give the same files. Its errors are of the manifest, all of
// them at once: what Java has no way to say, with the mend.
func Generate(m fn.Manifest, c Config) ([]File, error) {
	if err := c.complete(m); err != nil {
		return nil, err
	}
	p, err := newProject(m, c)
	if err != nil {
		return nil, err
	}
	return p.files()
}

// complete fills the defaults in.
func (c *Config) complete(m fn.Manifest) error {
	if len(m.Services) == 0 {
		return fmt.Errorf("java: the manifest of %q has no services; a function offers them by fn.NewService, events alone need no Java", m.App)
	}
	if c.Dubbo == "" {
		c.Dubbo = Dubbo3
	}
	if c.Version == "" {
		c.Version = "1.0.0-SNAPSHOT"
	}
	if c.GroupID == "" {
		if c.GroupID = javatype.PackageOf(m.Services[0].Interface); !coordinate.MatchString(c.GroupID) { // which is a fault of the interface
			c.GroupID = "dubbofn"
		}
	}
	var faults []error
	if !dubboVersion.MatchString(c.Dubbo) {
		faults = append(faults, fmt.Errorf("java: Dubbo version %q: want %s, %s or another one of 2.7.x or 3.x", c.Dubbo, Dubbo3, Dubbo27))
	}
	if !coordinate.MatchString(c.GroupID) {
		faults = append(faults, fmt.Errorf("java: group id %q: want one like org.example", c.GroupID))
	}
	if !coordinate.MatchString(c.Version) {
		faults = append(faults, fmt.Errorf("java: version %q: want one like 1.0.0", c.Version))
	}
	return errors.Join(faults...)
}

// artifact is the name of the application as Maven takes it.
func artifact(app string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && coordinate.MatchString("a"+string(r)) {
			return r
		}
		return '-'
	}, app)
	if name = strings.Trim(name, "-."); name == "" {
		return "function"
	}
	return name
}
