package invoker_test

import (
	"testing"

	"github.com/dubbofn/dubbofn/invoker"
)

func TestSharedAttachmentsAreCopiedBeforeTheyChange(t *testing.T) {
	t.Parallel()
	change := map[string]func(*invoker.Attachments){
		"replaced": func(a *invoker.Attachments) { a.Set("a", "2") },
		"added":    func(a *invoker.Attachments) { a.Set("c", "3") },
		"deleted":  func(a *invoker.Attachments) { a.Delete("a") },
		"emptied":  func(a *invoker.Attachments) { a.Reset(); a.Set("a", "2") },
		"room":     func(a *invoker.Attachments) { a.Grow(5); a.Set("a", "2") },
	}
	for what, f := range change {
		for _, changed := range []string{"copy", "original"} {
			var a invoker.Attachments
			a.Set("a", "1")
			a.Set("b", "1")
			b := a.Share()
			c := b.Share()
			one, other := &a, &b
			if changed == "copy" {
				one, other = other, one
			}
			f(one)
			for _, left := range []*invoker.Attachments{other, &c} {
				if left.Len() != 2 || left.Get("a") != "1" || left.Get("b") != "1" {
					t.Errorf("%s in the %s: the others have %q, %q of %d", what, changed, left.Get("a"), left.Get("b"), left.Len())
				}
			}
			if one.Len() == 2 && one.Get("a") == "1" && one.Get("b") == "1" {
				t.Errorf("%s in the %s: not changed", what, changed)
			}
		}
	}
}
