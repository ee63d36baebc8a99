import { el, svg, show, say, clock, milliseconds } from "./dom.js";

const meaning = {
  parked: "the first call waited in the activator until the function could take it",
  knock: "from the request that wakes the function until the platform answered",
  process: "the kernel made the process",
  runtime: "Go's runtime started",
  init: "settings and services",
  listen: "ports were opened",
  snapshot: "what the process before it left was fetched",
  keeper: "connections that were kept were taken over",
  registry: "the registry was asked",
  ready: "waiting for what the first call needs",
  lane: "the activator was dialled",
  frame: "the first call came",
  reply: "the first call, until its reply",
};

/** entries puts what the activator saw around what the process wrote down: [{name, at, took}], in microseconds since the process began. */
export function entries(start) {
  const ledger = start.ledger && Array.isArray(start.ledger.phases) ? start.ledger : { started: start.started, phases: [] };
  const began = (Date.parse(start.started) - Date.parse(ledger.started)) * 1000 || 0;
  const all = [{ name: "parked", at: began, took: start.parked_us || 0, here: true }];
  if (start.knock_us) all.push({ name: "knock", at: began, took: start.knock_us, here: true });
  for (const p of ledger.phases.slice(0, 64)) all.push({ name: String(p.name), at: Number(p.at_us) || 0, took: Number(p.took_us) || 0 });
  if (!all.some((p) => p.name === "reply")) all.push({ name: "reply", at: began + (start.parked_us || 0), took: Math.max(start.first_reply_us - (start.parked_us || 0), 1), here: true });
  return all;
}

function waterfall(start) {
  const all = entries(start);
  const first = Math.min(...all.map((p) => p.at)), last = Math.max(...all.map((p) => p.at + p.took), first + 1);
  const w = 600;
  const bar = (p) => {
    const x = ((p.at - first) / (last - first)) * w, wide = Math.max((p.took / (last - first)) * w, 2.5);
    const kind = p.here && p.name !== "reply" ? "here" : p.name === "reply" ? "reply" : "own";
    return svg("svg", { viewBox: `0 0 ${w} 14`, preserveAspectRatio: "none", class: "fall", "aria-hidden": "true" },
      svg("rect", { class: "track", x: 0, y: 6, width: w, height: 2 }), svg("rect", { class: kind, x: Math.min(x, w - wide).toFixed(1), y: 1, width: wide.toFixed(1), height: 12, rx: 2 }));
  };
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `The cold start of ${start.app}, phase by phase` },
    el("table", { class: "waterfall" },
      el("thead", {}, el("tr", {}, ["phase", "", "began", "took"].map((t) => el("th", { scope: "col", text: t || " " })))),
      el("tbody", {}, all.map((p) => el("tr", {}, el("th", { scope: "row", title: meaning[p.name], text: p.name }), el("td", { class: "bars" }, bar(p)),
        el("td", { text: (p.at / 1000).toFixed(2) + " ms" }), el("td", { text: p.took ? (p.took / 1000).toFixed(2) + " ms" : "a moment" }))))));
}

const lanes = { early: "over the connection that the function dialled", http: "over HTTP" };

/** Starts lists the last cold starts, each as a waterfall. */
export class Starts {
  constructor() {
    this.filter = el("select", { id: "app", change: () => this.draw() }, el("option", { value: "", text: "all functions" }));
    this.summary = el("p", { class: "facts" });
    this.list = el("div", { class: "starts" });
    this.node = el("div", {}, el("div", { class: "bar" }, el("h2", { text: "Cold starts" }), el("label", { class: "inline" }, "of ", this.filter)), this.summary,
      el("ul", { class: "legend keys" }, el("li", { class: "here", text: "seen by the activator" }), el("li", { class: "own", text: "written down by the process" }), el("li", { class: "reply", text: "the first call" })), this.list);
    this.shown = new Map();
    this.starts = [];
  }

  update(starts) {
    this.starts = starts;
    const apps = [...new Set(starts.map((s) => s.app))].sort();
    const there = [...this.filter.options].slice(1).map((o) => o.value);
    if (apps.join("\n") !== there.join("\n")) {
      const kept = this.filter.value;
      show(this.filter, el("option", { value: "", text: "all functions" }), apps.map((a) => el("option", { value: a, text: a, selected: a === kept })));
    }
    this.draw();
  }

  draw() {
    const all = this.starts.filter((s) => !this.filter.value || s.app === this.filter.value).slice(0, 40);
    const times = all.map((s) => s.first_reply_us).sort((a, b) => a - b);
    say(this.summary, all.length === 0 ? "No cold start yet: call a function that sleeps." :
      `${all.length} remembered here; until the first reply: ${milliseconds(times[Math.floor((times.length - 1) / 2)])} in the middle, ${milliseconds(times[0])} at best, ${milliseconds(times[times.length - 1])} at worst.`);
    const nodes = all.map((s, i) => {
      const key = `${s.app} ${s.started}`;
      if (!this.shown.has(key)) this.shown.set(key, this.start(s, i < 2));
      return this.shown.get(key);
    });
    if (nodes.length !== this.list.children.length || nodes.some((n, i) => n !== this.list.children[i])) show(this.list, nodes);
    if (this.shown.size > 300) this.shown.clear();
  }

  start(s, open) {
    return el("details", { class: "panel start", open },
      el("summary", {}, el("strong", { text: s.app }), el("span", { class: "took", text: milliseconds(s.first_reply_us) }),
        el("span", { class: "faint", text: `${clock(s.started)} · ${lanes[s.lane] || s.lane}${s.instance ? " · " + s.instance : ""}` })),
      waterfall(s));
  }
}
