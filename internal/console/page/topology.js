import { el, svg, show, say, clock, count, number } from "./dom.js";
import { state } from "./functions.js";

const nodeHeight = 46, gap = 18, top = 34;

/** Topology draws who called what in the last minutes, by way of the activator. */
export class Topology {
  constructor() {
    this.drawing = svg("svg", { role: "img", class: "topology" });
    this.body = el("tbody");
    this.note = el("p", { class: "facts", text: "What passed this activator in the last five minutes. What functions call elsewhere does not pass it: traces show that." });
    this.node = el("div", {}, el("h2", { text: "Topology" }), this.note,
      el("div", { class: "panel scroll", tabindex: "0", role: "region", "aria-label": "Who calls whom, drawn" }, this.drawing),
      el("details", { class: "table", open: true }, el("summary", { text: "As a table" }),
        el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Who calls whom, as a table" },
          el("table", {}, el("thead", {}, el("tr", {}, ["caller", "where", "calls", "function", "its state", "last call"].map((t) => el("th", { scope: "col", text: t })))), this.body))));
    this.text = "";
  }

  update(t) {
    const text = JSON.stringify(t);
    if (text === this.text || !this.node.isConnected) return;
    this.text = text;
    const served = t.functions.filter((f) => f.app);
    const outside = t.consumers.filter((c) => c.kind !== "function");
    const callers = new Map(t.consumers.map((c) => [c.id, c]));
    const wide = 900, w = 210, rows = Math.max(outside.length, served.length, 1);
    const high = top + rows * (nodeHeight + gap) + 6;
    const columns = { left: 8, middle: (wide - w) / 2 - 30, right: wide - w - 90 };
    const place = (list) => new Map(list.map((x, i) => [x, top + (i + (rows - list.length) / 2) * (nodeHeight + gap)]));
    const lefts = place(outside), rights = place(served);
    const middle = top + ((rows - 1) / 2) * (nodeHeight + gap);
    const most = Math.max(...t.edges.map((e) => e.calls), 1);
    const thick = (n) => 1.5 + 4 * (Math.log1p(n) / Math.log1p(most));
    const marks = [["Consumers", columns.left], ["Activator", columns.middle], ["Functions", columns.right]].map(([name, x]) => svg("text", { class: "axis", x, y: 18 }, name));
    const live = (last) => Date.now() - Date.parse(last) < 5000;
    const path = (x1, y1, x2, y2, n, last) => marks.push(svg("path", { class: "edge" + (live(last) ? " flow" : ""), "stroke-width": thick(n).toFixed(1), d: `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}` }));
    const half = nodeHeight / 2;
    for (const [c, y] of lefts) {
      const own = t.edges.filter((e) => e.from === c.id);
      path(columns.left + w, y + half, columns.middle, middle + half, own.reduce((n, e) => n + e.calls, 0), own.map((e) => e.last).sort().pop());
    }
    for (const [f, y] of rights) {
      const own = t.edges.filter((e) => e.to === f.app);
      if (own.length) path(columns.middle + w, middle + half, columns.right, y + half, own.reduce((n, e) => n + e.calls, 0), own.map((e) => e.last).sort().pop());
    }
    for (const e of t.edges) {
      const from = served.find((f) => f.app === (callers.get(e.from) || {}).app && callers.get(e.from).kind === "function"), to = served.find((f) => f.app === e.to);
      if (!from || !to) continue;
      const x = columns.right + w, y1 = rights.get(from) + half, y2 = rights.get(to) + half;
      marks.push(svg("path", { class: "edge between" + (live(e.last) ? " flow" : ""), "stroke-width": thick(e.calls).toFixed(1), d: `M${x} ${y1}C${x + 70} ${y1} ${x + 70} ${y2} ${x + 8} ${y2}` }),
        svg("path", { class: "head", d: `M${x} ${y2}l10 -5v10z` }), svg("text", { class: "axis", x: x + 58, y: (y1 + y2) / 2 + 4 }, number(e.calls)));
    }
    const box = (x, y, name, below, kind) => marks.push(svg("g", { class: "node " + kind }, svg("rect", { x, y, width: w, height: nodeHeight, rx: 8 }),
      svg("text", { class: "name", x: x + 12, y: y + 19 }, clip(name)), svg("text", { class: "below", x: x + 12, y: y + 36 }, clip(below, 30))));
    for (const [c, y] of lefts) box(columns.left, y, c.kind === "console" ? "this console" : c.app || c.host, c.kind === "console" ? "calls from the form" : `${c.app ? c.host + " · " : ""}${count(c.connections, "connection")}`, c.kind);
    box(columns.middle, middle, "activator", t.activator, "activator");
    for (const [f, y] of rights) box(columns.right, y, f.app, `${f.state} · ${count(f.instances, "process", "processes")}`, f.state);
    this.drawing.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    this.drawing.setAttribute("aria-label", `${outside.length} consumers call ${served.length} functions through the activator at ${t.activator}`);
    show(this.drawing, marks);
    const states = new Map(served.map((f) => [f.app, f.state]));
    show(this.body, t.edges.map((e) => {
      const c = callers.get(e.from) || {};
      return el("tr", {}, el("th", { scope: "row", text: c.kind === "console" ? "this console" : c.app || "(it does not say)" }), el("td", { text: c.kind === "function" ? "a function here" : c.host || "" }),
        el("td", { text: number(e.calls) }), el("td", { text: e.to }), el("td", {}, state(states.get(e.to))), el("td", { text: Date.parse(e.last) > 0 ? clock(e.last) : "" }));
    }), t.edges.length === 0 ? el("tr", {}, el("td", { colspan: "6", text: "No call yet." })) : null);
    say(this.note, this.note.textContent);
  }
}

function clip(text, most = 24) {
  text = String(text || "");
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
