package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// contrast lists the texts whose colour has less than 4.5:1 (3:1 where they are large) to what is behind them, by computed styles.
const contrast = `(() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
  const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c.a > 0) return c.rgb; }
    return [255, 255, 255];
  };
  const low = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), node = walk.currentNode.parentElement;
    if (!text || !node.checkVisibility() || node.closest(".unseen, .skip, noscript, title") || node.matches(":disabled")) continue;
    const style = getComputedStyle(node), drawn = node.namespaceURI.endsWith("svg");
    let back = behind(node);
    const box = drawn && node.closest("g.node");
    if (box) back = parse(getComputedStyle(box.querySelector("rect")).fill).rgb;
    const [a, b] = [light(parse(drawn ? style.fill : style.color).rgb), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) low.add(ratio.toFixed(2) + ":1 " + node.tagName + "." + node.getAttribute("class") + " " + text.slice(0, 40));
  }
  return [...low];
})()`

// tabbable counts what the keyboard should reach.
const tabbable = `[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((n) => n.checkVisibility() && !n.disabled).length`

// focused says what has the focus, and whether that is to be seen.
const focused = `(() => {
  const n = document.activeElement;
  if (!n || n === document.body) return "";
  if (!window.seen) window.seen = new Map();
  if (!window.seen.has(n)) window.seen.set(n, window.seen.size + 1);
  const s = getComputedStyle(n), around = n.closest(".card") ? getComputedStyle(n.closest(".card")) : s;
  const shown = [s, around].some((x) => x.outlineStyle !== "none" && parseFloat(x.outlineWidth) >= 2);
  return window.seen.get(n) + "|" + (shown ? "shown" : "hidden") + "|" + n.tagName + " " + (n.getAttribute("aria-label") || n.textContent || n.id).trim().slice(0, 40);
})()`

// keyboard goes through every view with Tab alone, and calls a method.
func (v *visit) keyboard() error {
	if err := v.run(theme("light"), v.size(1440, 940)); err != nil {
		return err
	}
	for _, view := range views {
		if err := v.tabs(view.name); err != nil {
			return fmt.Errorf("keyboard, %s: %w", view.name, err)
		}
	}
	return v.calls()
}

// tabs presses Tab until it comes round.
func (v *visit) tabs(view string) error {
	var want int
	if err := v.run(chromedp.Evaluate(`location.hash = "#`+view+`"`, nil), chromedp.Sleep(1500*time.Millisecond),
		chromedp.Evaluate(`window.seen = new Map(); document.activeElement.blur(); scrollTo(0, 0)`, nil), chromedp.Evaluate(tabbable, &want)); err != nil {
		return err
	}
	seen := map[string]bool{}
	for range want + 20 {
		var at string
		if err := v.run(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(focused, &at)); err != nil {
			return err
		}
		if at == "" {
			continue
		}
		number, rest, _ := strings.Cut(at, "|")
		shown, what, _ := strings.Cut(rest, "|")
		if shown != "shown" {
			v.faults.add("keyboard, %s: the focus can't be seen at %s", view, what)
		}
		seen[number] = true
	}
	fmt.Printf("keyboard, %-10s Tab reaches %d of %d controls\n", view, len(seen), want)
	if len(seen) < want {
		return errors.New("not every control is reached by Tab")
	}
	return nil
}

// calls goes to the form, chooses, types and calls, without a mouse.
func (v *visit) calls() error {
	reach := func(what string) error { // Tab until it has the focus
		for range 80 {
			var there bool
			if err := v.run(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.matches(`+"`"+what+"`"+`)`, &there)); err != nil {
				return err
			}
			if there {
				return nil
			}
		}
		return fmt.Errorf("%s is not reached by Tab", what)
	}
	press := func(keys string) func() error {
		return func() error { return v.run(chromedp.KeyEvent(keys), chromedp.Sleep(150*time.Millisecond)) }
	}
	to := func(what string) func() error { return func() error { return reach(what) } }
	var result string
	for _, step := range []func() error{
		func() error {
			return v.run(chromedp.Evaluate(`location.hash = "#functions"`, nil), chromedp.Sleep(300*time.Millisecond))
		},
		to("nav a[href='#call']"), press(kb.Enter), func() error {
			return v.run(chromedp.Poll(`document.querySelector("#call-method option") !== null`, nil), chromedp.Sleep(300*time.Millisecond))
		},
		to("#call-app"), press("greet"), to("#call-method"), press("greet"),
		to(".arguments .structure .field input[type=text]"), press("Ada"), to("button.main"), press(kb.Enter),
		func() error {
			return v.run(chromedp.Poll(`(document.querySelector(".result pre") || {}).textContent || ""`, &result, chromedp.WithPollingTimeout(20*time.Second)))
		},
	} {
		if err := step(); err != nil {
			return fmt.Errorf("a call by keyboard: %w", err)
		}
	}
	if !strings.Contains(result, "Ada") {
		return fmt.Errorf("a call by keyboard: the result is %q", result)
	}
	fmt.Println("keyboard: greet was called with Ada:", strings.Join(strings.Fields(result), " "))
	return nil
}
