import { el, show, say, milliseconds } from "./dom.js";
import { get, post } from "./api.js";
import { input, short } from "./inputs.js";

/** Caller is the form that calls a method, with inputs made from the function's manifest. */
export class Caller {
  constructor(mode) {
    this.may = mode === "call";
    this.manifests = new Map();
    this.app = el("select", { id: "call-app", change: () => this.choose() });
    this.method = el("select", { id: "call-method", change: () => this.fields() });
    this.inputs = el("div", { class: "arguments" });
    this.timeout = el("input", { id: "call-timeout", type: "number", min: "1", max: "60", value: "10" });
    this.send = el("button", { type: "submit", class: "main" }, "Call");
    this.send.disabled = !this.may;
    this.line = el("code", { class: "line" });
    this.result = el("div", { class: "result", role: "status", "aria-live": "polite" });
    this.form = el("form", { class: "panel", novalidate: true, submit: (e) => { e.preventDefault(); this.call(); }, input: () => this.command(), change: () => this.command(), click: () => this.command() },
      el("div", { class: "field" }, el("label", { for: "call-app", text: "Function" }), this.app),
      el("div", { class: "field" }, el("label", { for: "call-method", text: "Method" }), this.method), this.inputs,
      el("div", { class: "field" }, el("label", { for: "call-timeout", text: "Wait for, in seconds" }), this.timeout), el("div", { class: "bar" }, this.send));
    this.node = el("div", {}, el("h2", { text: "Call a method" }),
      this.may ? el("p", { class: "facts", text: "A call from here is a call: it wakes the function, and does what the method does." }) :
        el("p", { class: "notice" }, "This console shows, and calls nothing: ", el("code", { text: "DUBBOFN_CONSOLE=call" }), " lets it. The command below does the same from a terminal."),
      el("div", { class: "halves" }, this.form, el("div", {}, el("section", { class: "panel", "aria-label": "Result" }, el("h3", { text: "Result" }), this.result),
        el("section", { class: "panel", "aria-label": "The same from a terminal" }, el("h3", { text: "The same from a terminal" }), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The command" }, this.line)))));
    show(this.result, el("p", { class: "faint", text: "Nothing was called yet." }));
  }

  /** update takes what /api/functions says. */
  update(functions) {
    const apps = functions.filter((f) => f.app).map((f) => f.app);
    if (apps.join("\n") === [...this.app.options].map((o) => o.value).join("\n")) return;
    const kept = this.app.value;
    show(this.app, apps.map((a) => el("option", { value: a, text: a, selected: a === kept })));
    this.choose();
  }

  async choose() {
    const app = this.app.value;
    if (!app) return;
    try {
      if (!this.manifests.has(app)) this.manifests.set(app, await get(`functions/${encodeURIComponent(app)}/manifest`));
    } catch (e) {
      show(this.inputs, el("p", { class: "fault", text: "Its manifest can't be had: " + e.message }));
      return;
    }
    if (this.app.value !== app) return;
    const m = this.manifests.get(app);
    this.methods = [];
    show(this.method, (m.services || []).map((s) => el("optgroup", { label: key(s) }, (s.methods || []).map((method) => {
      this.methods.push({ service: s, method });
      return el("option", { value: String(this.methods.length - 1), text: `${method.name}(${method.parameters.map(short).join(", ")})` });
    }))));
    this.fields();
  }

  fields() {
    const chosen = this.methods[Number(this.method.value)];
    if (!chosen) return;
    const m = this.manifests.get(this.app.value), types = new Map((m.types || []).map((t) => [t.class, t]));
    this.arguments = chosen.method.parameters.map((type, i) => input(type, `argument ${i + 1}`, types));
    const { method } = chosen;
    show(this.inputs, this.arguments.map((a) => a.node), el("p", { class: "faint", text: [`gives ${short(method.result)}`, method.throws && method.throws.length ? `may throw ${method.throws.map(short).join(", ")}` : "", method.idempotent ? "may run twice" : "is not to run twice", `answers within ${method.timeout} ms`].filter(Boolean).join(" · ") }));
    this.command();
  }

  values() {
    return (this.arguments || []).map((a) => a.value());
  }

  /** command shows what a terminal would do the same with. */
  command() {
    const chosen = this.methods && this.methods[Number(this.method.value)];
    if (!chosen) return;
    try {
      const quoted = this.values().map((v) => `'${v.replaceAll("'", "'\\''")}'`);
      const overloaded = chosen.service.methods.filter((m) => m.name === chosen.method.name).length > 1;
      say(this.line, ["dubbofn call", key(chosen.service), chosen.method.name, ...quoted, overloaded ? `--types '${chosen.method.descriptor}'` : ""].filter(Boolean).join(" "));
    } catch (e) {
      say(this.line, "# " + e.message);
    }
  }

  async call() {
    if (!this.may || this.calling) return;
    const chosen = this.methods && this.methods[Number(this.method.value)];
    if (!chosen) return;
    let values;
    try {
      values = this.values();
    } catch (e) {
      show(this.result, el("p", { class: "fault", text: e.message }));
      if (e.control) e.control.focus();
      return;
    }
    const head = { app: this.app.value, service: key(chosen.service), method: chosen.method.name, types: chosen.method.parameters, timeout_ms: Math.min(Math.max(Number(this.timeout.value) || 10, 1), 60) * 1000 };
    const token = (chosen.service.parameters || {}).token;
    if (token) head.token = token;
    this.calling = true;
    this.send.setAttribute("aria-disabled", "true");
    show(this.result, el("p", { class: "faint", text: "Calling …" }));
    try {
      this.answered(await post("api/call", JSON.stringify(head).slice(0, -1) + `,"args":[${values.join(",")}]}`));
    } catch (e) {
      show(this.result, el("p", { class: "fault", text: e.message }));
    }
    this.calling = false;
    this.send.removeAttribute("aria-disabled");
  }

  answered(reply) {
    const took = el("p", { class: "faint", text: `${reply.error ? "It failed" : "Answered"} after ${milliseconds(reply.took_us)}` });
    if (reply.error) {
      const e = reply.error;
      show(this.result, took, el("p", { class: "fault" }, el("strong", { text: e.class || e.code || "failed" }), " ", e.message), e.code && e.may_have_run ? el("p", { class: "faint", text: "The method may have run all the same." }) : null);
      return;
    }
    const text = reply.void ? "null" : reply.text || "";
    show(this.result, took, el("pre", { tabindex: "0", role: "region", "aria-label": "The result" }, text));
  }
}

function key(s) {
  return `${s.group ? s.group + "/" : ""}${s.interface}${s.version ? ":" + s.version : ""}`;
}
