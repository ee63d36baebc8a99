package rule

import (
	"fmt"
	"slices"
)

// Migration says which of Dubbo's two ways of registration counts for the services that an application consumes (Java:
// MigrationRule, 3.3.6). Its threshold, proportion, delay and force count for nothing here: a step holds at once, and an empty list
// is not believed before the grace is over.
type Migration struct {
	Step         string `yaml:"step"`
	Interfaces   []step `yaml:"interfaces"`
	Applications []step `yaml:"applications"`
}

// step is another step for a service ("interface:version") or for what an application offers.
type step struct {
	ServiceKey string `yaml:"serviceKey"`
	Step       string `yaml:"step"`
}

// ParseMigration reads a document "<consumer's application>.migration". Its error joins the first faults.
func ParseMigration(doc string) (Migration, error) {
	var m Migration
	if err := read(doc, &m); err != nil {
		return m, err
	}
	var faults []error
	check := func(where, s string) {
		if s != "" && s != "APPLICATION_FIRST" && s != "FORCE_APPLICATION" && s != "FORCE_INTERFACE" {
			faults = append(faults, fmt.Errorf("%sstep %q: want APPLICATION_FIRST, FORCE_APPLICATION or FORCE_INTERFACE", where, s))
		}
	}
	check("", m.Step)
	for _, list := range []struct {
		name  string
		steps []step
	}{{"interfaces", m.Interfaces}, {"applications", m.Applications}} {
		for i, s := range list.steps {
			where := fmt.Sprintf("%s %d: ", list.name, i+1)
			if s.ServiceKey == "" {
				faults = append(faults, fmt.Errorf("%sno serviceKey: want interface:version, or an application", where))
			}
			check(where, s.Step)
		}
	}
	return m, join(faults)
}

// of gives the step for a consumer of a service that some applications offer; "" where the rule says none.
func (m Migration) of(consumer Consumer, apps []string) string {
	key := consumer.Service.Interface
	if v := consumer.Service.Version; v != "" {
		key += ":" + v
	}
	for _, s := range slices.Backward(m.Interfaces) { // of several the last counts
		if s.ServiceKey == key && s.Step != "" {
			return s.Step
		}
	}
	for _, app := range apps {
		for _, s := range slices.Backward(m.Applications) {
			if s.ServiceKey == app && s.Step != "" {
				return s.Step
			}
		}
	}
	return m.Step
}
