import { el, svg, show, say, count, milliseconds, number } from "./dom.js";
import { Chart, spark } from "./charts.js";

const nothing = { calls: 0, errors: 0, p50_us: 0, p99_us: 0, parked: 0, with: 0, lanes: 0, instances: 0, wakes: 0 };

/** History keeps each function's samples of the last minutes, by the second. */
export class History {
  constructor() {
    this.functions = new Map();
    this.now = 0;
  }

  add(answer) {
    this.now = answer.now;
    for (const [app, samples] of Object.entries(answer.functions)) {
      if (!this.functions.has(app)) this.functions.set(app, new Map());
      const kept = this.functions.get(app);
      for (const s of samples) kept.set(Math.floor(s.t / 1000), s);
      for (const second of kept.keys()) if (second < answer.now / 1000 - 310) kept.delete(second);
    }
    for (const app of [...this.functions.keys()]) if (!(app in answer.functions)) this.functions.delete(app);
  }

  /** last gives a sample for each of the last seconds; where nothing was, one of nothing. */
  last(app, seconds) {
    const kept = this.functions.get(app) || new Map();
    const end = Math.floor(this.now / 1000) - 1; // the second before this one is complete
    return Array.from({ length: seconds }, (_, i) => kept.get(end - seconds + 1 + i) || nothing);
  }

  total(seconds) {
    const all = Array.from({ length: seconds }, () => ({ ...nothing }));
    for (const app of this.functions.keys()) {
      this.last(app, seconds).forEach((s, i) => {
        for (const key of ["calls", "errors", "parked", "with", "lanes", "instances", "wakes"]) all[i][key] += s[key];
        for (const key of ["p50_us", "p99_us"]) all[i][key] = Math.max(all[i][key], s[key]);
      });
    }
    return all;
  }
}

/** recent sums up the last seconds: calls a second, the slowest p99, what is parked. */
export function recent(samples) {
  const tail = samples.slice(-5);
  return {
    rate: tail.reduce((n, s) => n + s.calls, 0) / Math.max(tail.length, 1),
    errors: tail.reduce((n, s) => n + s.errors, 0),
    p99: Math.max(...samples.slice(-30).map((s) => s.p99_us), 0),
    parked: Math.max(...tail.slice(-2).map((s) => s.parked), 0),
  };
}

const words = { asleep: "asleep", waking: "waking", awake: "awake", refused: "refused" };

/** glyph draws a state: a ring for sleep, a half for waking, a disc for awake, a cross for refused. */
export function glyph(state) {
  const shape = {
    asleep: [svg("circle", { cx: 8, cy: 8, r: 5.5, class: "hollow" })],
    waking: [svg("circle", { cx: 8, cy: 8, r: 5.5, class: "hollow" }), svg("path", { d: "M8 2.5a5.5 5.5 0 0 1 0 11z", class: "full" })],
    awake: [svg("circle", { cx: 8, cy: 8, r: 6, class: "full" })],
    refused: [svg("path", { d: "M3.5 3.5l9 9m0-9l-9 9", class: "cross" })],
  }[state] || [];
  return svg("svg", { viewBox: "0 0 16 16", class: "glyph", "aria-hidden": "true" }, shape);
}

/** state is a function's, as a glyph and a word. */
export function state(name) {
  return el("span", { class: "state " + (words[name] ? name : "") }, glyph(name), words[name] || String(name));
}

export class Functions {
  constructor(history) {
    this.history = history;
    this.cards = new Map();
    this.tiles = {};
    this.seconds = 120;
    const tile = (key, label) => {
      this.tiles[key] = el("dd", { text: "–" });
      return el("div", { class: "tile" }, el("dt", { text: label }), this.tiles[key]);
    };
    this.list = el("ul", { class: "cards", "aria-label": "Functions" });
    this.heading = el("h2", { text: "All functions" });
    this.facts = el("p", { class: "facts" });
    this.trouble = el("p", { class: "fault", hidden: true });
    this.range = el("select", { id: "range", change: () => { this.seconds = Number(this.range.value); this.draw(); } },
      [[60, "1 minute"], [120, "2 minutes"], [300, "5 minutes"]].map(([s, text]) => el("option", { value: String(s), selected: s === 120, text })));
    this.all = el("button", { type: "button", class: "quiet", "aria-pressed": "true", click: () => this.pick("") }, "All functions");
    this.charts = [
      new Chart("Calls a second", [{ name: "calls", class: "calls", of: (s) => s.calls, area: true }, { name: "errors", class: "errors", of: (s) => s.errors }], number),
      new Chart("Latency", [{ name: "p99", class: "p99", of: (s) => s.p99_us }, { name: "p50", class: "p50", of: (s) => s.p50_us }], (us) => (us ? milliseconds(us) : "0")),
      new Chart("Parked calls", [{ name: "parked, at most", class: "parked", of: (s) => s.parked, area: true }], number),
      new Chart("Instances", [{ name: "processes", class: "instances", of: (s) => s.instances, area: true, steps: true }], number),
    ];
    this.node = el("div", {},
      el("dl", { class: "tiles" }, tile("awake", "awake"), tile("rate", "calls/s"), tile("p99", "slowest p99"), tile("parked", "parked"), tile("wakes", "wakes / 5 min")),
      el("div", { class: "split" },
        el("section", { "aria-label": "The functions" }, el("div", { class: "bar" }, el("h2", { text: "Functions" }), this.all), this.list),
        el("section", { class: "detail", "aria-labelledby": "picked" },
          el("div", { class: "bar" }, this.heading, el("label", { class: "inline" }, "the last ", this.range)), this.facts, this.trouble,
          el("div", { class: "plots" }, this.charts.map((c) => c.figure)))));
    this.heading.id = "picked";
    this.picked = "";
    this.functions = [];
  }

  pick(app) {
    this.picked = app;
    this.draw();
  }

  /** update takes what /api/functions says. */
  update(functions) {
    this.functions = functions;
    this.draw();
  }

  draw() {
    if (!this.node.isConnected) return;
    const served = this.functions.filter((f) => f.app);
    if (this.picked && !served.some((f) => f.app === this.picked)) this.picked = "";
    const total = this.history.total(300), sum = recent(total);
    say(this.tiles.awake, `${served.filter((f) => f.state === "awake").length} of ${served.length}`);
    say(this.tiles.rate, number(Math.round(sum.rate * 10) / 10));
    say(this.tiles.p99, milliseconds(sum.p99));
    say(this.tiles.parked, number(served.reduce((n, f) => n + f.parked, 0)));
    say(this.tiles.wakes, String(total.reduce((n, s) => n + s.wakes, 0)));
    this.drawCards();
    this.drawPicked();
    const samples = this.picked ? this.history.last(this.picked, this.seconds) : total.slice(-this.seconds);
    for (const c of this.charts) c.draw(samples);
  }

  drawCards() {
    const there = new Set();
    for (const f of this.functions) {
      const key = f.app || f.function;
      there.add(key);
      if (!this.cards.has(key)) this.cards.set(key, new Card(key, () => this.pick(this.picked === key ? "" : key)));
      this.cards.get(key).draw(f, this.history.last(key, 60), key === this.picked);
    }
    for (const key of this.cards.keys()) if (!there.has(key)) this.cards.delete(key);
    const nodes = this.functions.map((f) => this.cards.get(f.app || f.function).node);
    if (nodes.length !== this.list.children.length || nodes.some((n, i) => n !== this.list.children[i])) show(this.list, nodes);
    if (nodes.length === 0) show(this.list, el("li", { class: "card empty", text: "No function yet: what is deployed, or run, shows here." }));
    this.all.setAttribute("aria-pressed", String(this.picked === ""));
  }

  drawPicked() {
    say(this.heading, this.picked || "All functions");
    const f = this.functions.find((x) => x.app === this.picked);
    const facts = f ? [f.visible ? "consumers find it" : "consumers do not find it yet", `port ${f.port}`, f.knative_revision && `Knative revision ${f.knative_revision}`, count(f.instances, "process", "processes"), count(f.lanes, "early lane"), count(f.knocks, "knock")]
      : ["sums of all; latency is the slowest function's", "amber lines are wakes"];
    say(this.facts, facts.filter(Boolean).join(" · "));
    const why = f ? f.fault || f.trouble || "" : "";
    this.trouble.hidden = why === "";
    say(this.trouble, why);
  }
}

/** Card is one function in the list. */
class Card {
  constructor(key, pick) {
    this.state = el("span");
    this.spark = el("div", { class: "sparks" });
    this.numbers = {};
    const entry = (name, label) => {
      this.numbers[name] = el("dd");
      return el("div", {}, el("dt", { text: label }), this.numbers[name]);
    };
    this.button = el("button", { type: "button", class: "pick", "aria-pressed": "false", click: pick }, key);
    this.fault = el("p", { class: "fault", hidden: true });
    this.node = el("li", { class: "card" }, el("div", { class: "bar" }, el("h3", {}, this.button), this.state), this.spark,
      el("dl", { class: "numbers" }, entry("rate", "calls/s"), entry("p99", "p99"), entry("parked", "parked"), entry("instances", "processes")), this.fault);
  }

  draw(f, samples, picked) {
    const sum = recent(samples);
    this.node.classList.toggle("picked", picked);
    this.node.dataset.state = f.state;
    this.button.setAttribute("aria-pressed", String(picked));
    if (this.shown !== f.state) show(this.state, state(f.state));
    this.shown = f.state;
    show(this.spark, spark(samples.map((s) => s.calls), samples.map((s) => s.wakes)));
    say(this.numbers.rate, number(Math.round(sum.rate * 10) / 10));
    say(this.numbers.p99, milliseconds(sum.p99));
    say(this.numbers.parked, String(f.parked));
    say(this.numbers.instances, String(f.instances));
    this.fault.hidden = !f.fault;
    say(this.fault, f.fault || "");
  }
}
