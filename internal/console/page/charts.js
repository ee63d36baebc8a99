import { el, svg, show } from "./dom.js";

const width = 460, height = 132, left = 58, right = 8, upper = 10, lower = 20;

/** nice gives a round number that is no less. */
function nice(n) {
  if (n <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 2, 5, 10]) if (step * power >= n) return step * power;
  return 10 * power;
}

/**
 * Chart is a figure of lines over the last seconds, with the same as a table.
 * lines: [{name, class, of: sample => number, area, steps}]; format writes a value.
 */
export class Chart {
  constructor(title, lines, format) {
    this.title = title;
    this.lines = lines;
    this.format = format;
    this.now = el("span", { class: "now" });
    this.drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "chart" });
    this.body = el("tbody");
    this.table = el("details", { class: "table", toggle: () => this.tabulate() },
      el("summary", {}, "As a table", el("span", { class: "unseen", text: ": " + title })),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title + ", as a table" },
        el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "seconds ago" }), lines.map((l) => el("th", { scope: "col", text: l.name })))), this.body)));
    this.figure = el("figure", { class: "panel plot" },
      el("figcaption", {}, el("h3", { text: title }), el("ul", { class: "legend" }, lines.map((l) => el("li", { class: l.class }, l.name))), this.now),
      this.drawing, this.table);
  }

  /** draw shows samples, one a second, the newest last. */
  draw(samples) {
    this.samples = samples;
    const values = this.lines.map((l) => samples.map(l.of));
    const top = nice(Math.max(...values.flat(), 0));
    const x = (i) => left + (i / Math.max(samples.length - 1, 1)) * (width - left - right);
    const y = (v) => upper + (1 - v / top) * (height - upper - lower);
    const marks = [];
    for (const share of [0, 0.5, 1]) {
      marks.push(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(top * share), y2: y(top * share) }),
        svg("text", { class: "axis", x: left - 6, y: y(top * share) + 4, "text-anchor": "end" }, this.format(top * share)));
    }
    const seconds = samples.length;
    for (const share of [0, 0.5]) {
      marks.push(svg("text", { class: "axis", x: x((seconds - 1) * share), y: height - 5, "text-anchor": share === 0 ? "start" : "middle" }, `−${Math.round(seconds * (1 - share))} s`));
    }
    marks.push(svg("text", { class: "axis", x: width - right, y: height - 5, "text-anchor": "end" }, "now"));
    samples.forEach((s, i) => {
      if (s.wakes > 0) marks.push(svg("line", { class: "wake", x1: x(i), x2: x(i), y1: upper, y2: height - lower }, svg("title", {}, "a wake")));
    });
    this.lines.forEach((l, n) => {
      const points = values[n].map((v, i) => [x(i), y(v)]);
      const path = points.map(([px, py], i) => (i === 0 ? `M${px.toFixed(1)} ${py.toFixed(1)}` : l.steps ? `H${px.toFixed(1)}V${py.toFixed(1)}` : `L${px.toFixed(1)} ${py.toFixed(1)}`)).join("");
      if (l.area && points.length > 0) marks.push(svg("path", { class: "area " + l.class, d: `${path}L${x(seconds - 1).toFixed(1)} ${y(0)}L${left} ${y(0)}Z` }));
      marks.push(svg("path", { class: "line " + l.class, d: path }));
    });
    const last = samples[samples.length - 1];
    const words = last ? this.lines.map((l) => `${l.name} ${this.format(l.of(last))}`).join(", ") : "nothing yet";
    this.drawing.setAttribute("aria-label", `${this.title}, the last ${seconds} seconds; now ${words}`);
    this.now.textContent = last ? this.lines.map((l) => this.format(l.of(last))).join(" · ") : "";
    show(this.drawing, marks);
    this.tabulate();
  }

  tabulate() {
    if (!this.table.open || !this.samples) return;
    const rows = [];
    for (let i = this.samples.length - 1, ago = 0; i >= 0 && ago < 30; i--, ago++) {
      rows.push(el("tr", {}, el("th", { scope: "row", text: String(ago) }), this.lines.map((l) => el("td", { text: this.format(l.of(this.samples[i])) }))));
    }
    show(this.body, rows);
  }
}

/** spark is a small picture of one line, for beside numbers that say the same. */
export function spark(values, wakes) {
  const w = 160, h = 34, top = Math.max(...values, 1);
  const x = (i) => (i / Math.max(values.length - 1, 1)) * w, y = (v) => h - 2 - (v / top) * (h - 6);
  const path = values.map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  return svg("svg", { viewBox: `0 0 ${w} ${h}`, class: "spark", "aria-hidden": "true", preserveAspectRatio: "none" },
    wakes.map((n, i) => (n > 0 ? svg("line", { class: "wake", x1: x(i), x2: x(i), y1: 0, y2: h }) : null)),
    values.length ? svg("path", { class: "area calls", d: `${path}L${w} ${h}L0 ${h}Z` }) : null,
    svg("path", { class: "line calls", d: path }));
}
