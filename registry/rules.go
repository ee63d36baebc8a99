package registry

import (
	"context"
	"strings"
)

// RuleWatcher follows governance rules in a config centre. Every registry in dubbofn is one too; found by type assertion.
// A watch is as those of [Watcher] are.
type RuleWatcher interface {
	// WatchRule follows the document under a key, such as "shop.tag-router", in the group of [RuleGroup]; it is "" where there is
	// none. A document over 1 MiB is refused and logged; the last one stands.
	WatchRule(ctx context.Context, key string, each func(content string)) error
}

// RuleGroup is the config centre's group that Dubbo keeps a rule in (Java: DynamicConfiguration.DEFAULT_GROUP, and
// MigrationRuleListener for "….migration", 3.3.6).
func RuleGroup(key string) string {
	if strings.HasSuffix(key, ".migration") {
		return "DUBBO_SERVICEDISCOVERY_MIGRATION"
	}
	return "dubbo"
}
