package registry

import "context"

// RuleWatcher follows governance rules in a config centre. Every registry in dubbofn is one too; found by type assertion.
// A watch is as those of [Watcher] are.
type RuleWatcher interface {
	// WatchRule follows the document under a key of a group, such as "shop.tag-router" of "dubbo"; it is "" where there is none. A
	// document over 1 MiB is refused and logged; the last one stands. The embedded registry knows no groups.
	WatchRule(ctx context.Context, group, key string, each func(content string)) error
}
