// Inputs for Java types, from a manifest. Each has a node, and value(), which gives JSON text: so a long stays what was typed.
import { el, show } from "./dom.js";

const whole = { byte: [-128, 127], short: [-32768, 32767], int: [-2147483648, 2147483647], long: null };
const boxes = { "java.lang.Byte": "byte", "java.lang.Short": "short", "java.lang.Integer": "int", "java.lang.Long": "long", "java.lang.Float": "float", "java.lang.Double": "double", "java.lang.Boolean": "boolean", "java.lang.Character": "char" };
const lists = ["java.util.List", "java.util.Collection", "java.util.Set", "java.util.ArrayList", "java.lang.Iterable", "java.util.LinkedList", "java.util.HashSet"];
const maps = ["java.util.Map", "java.util.HashMap", "java.util.LinkedHashMap", "java.util.TreeMap"];
const deepest = 8;
let count = 0;

/** parse splits "java.util.Map<java.lang.String,int[]>" into its class, its arguments and its dimensions. */
export function parse(type) {
  let base = type.trim();
  if (base.endsWith("[]")) return { element: base.slice(0, -2) };
  const open = base.indexOf("<");
  if (open < 0) return { base, args: [] };
  const args = [];
  let depth = 0, from = open + 1;
  for (let i = open; i < base.length; i++) {
    if (base[i] === "<") depth++;
    else if (base[i] === ">") depth--;
    if ((base[i] === "," && depth === 1) || (base[i] === ">" && depth === 0)) {
      args.push(base.slice(from, i).trim());
      from = i + 1;
    }
  }
  return { base: base.slice(0, open), args };
}

/** short is a type as people say it: without packages. */
export function short(type) {
  return type.replace(/[\w.$]*\.(\w+)/g, "$1").replace(/,/g, ", ");
}

/** input makes the input of a type. */
export function input(type, label, types, depth = 0) {
  const t = parse(type);
  if (t.element !== undefined) return t.element === "byte" ? scalar(type, label, "text", JSON.stringify, "base64") : new List(t.element, label, type, types, depth);
  const primitive = boxes[t.base] || t.base, nullable = t.base !== primitive || t.base.includes(".");
  const known = types.get(t.base);
  if (primitive === "boolean") return choice(label, type, nullable ? [["null", "null"], ["true", "true"], ["false", "false"]] : [["false", "false"], ["true", "true"]]);
  if (primitive in whole) return numeric(label, type, nullable, /^-?\d+$/, whole[primitive]);
  if (primitive === "float" || primitive === "double") return numeric(label, type, nullable, /^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/);
  if (t.base === "java.math.BigInteger") return numeric(label, type, true, /^-?\d+$/);
  if (known && known.kind === "enum") return choice(label, type, [["null", "null"], ...(known.constants || []).map((c) => [JSON.stringify(c), c])], 1);
  if (t.base === "java.lang.String" || primitive === "char") return new Text(label, type, t.base === "java.lang.String");
  if (lists.includes(t.base)) return new List(t.args[0] || "java.lang.Object", label, type, types, depth);
  if (maps.includes(t.base)) return new Pairs(t.args, label, type, types, depth);
  if (known && known.kind !== "enum") return new Structure(known, label, type, types, depth);
  if (t.base === "java.lang.Object") return json(label, type);
  return scalar(type, label, "text", (s) => (s === "" ? "null" : JSON.stringify(s)), example(t.base));
}

function example(base) {
  return { "java.math.BigDecimal": "12.30", "java.util.Date": "2026-01-31T12:00:00Z", "java.time.LocalDate": "2026-01-31", "java.time.LocalDateTime": "2026-01-31T12:00:00", "java.time.Instant": "2026-01-31T12:00:00Z", "java.time.Duration": "PT1.5S" }[base] || "";
}

function labelled(label, type, control, ...more) {
  const id = "field" + ++count;
  control.id = id;
  return el("div", { class: "field" }, el("label", { for: id }, label, " ", el("span", { class: "type", text: short(type) })), el("div", { class: "controls" }, control, ...more));
}

function choice(label, type, options, chosen = 0) {
  const control = el("select", {}, options.map(([value, text], i) => el("option", { value, text, selected: i === Math.min(chosen, options.length - 1) })));
  return { node: labelled(label, type, control), value: () => control.value };
}

function scalar(type, label, kind, write, placeholder) {
  const control = el("input", { type: kind, placeholder, autocomplete: "off", spellcheck: "false" });
  return { node: labelled(label, type, control), value: () => write(control.value) };
}

function numeric(label, type, nullable, pattern, range) {
  const control = el("input", { type: "text", inputmode: "decimal", autocomplete: "off", placeholder: nullable ? "null" : "0" });
  return {
    node: labelled(label, type, control),
    value: () => {
      const text = control.value.trim();
      let why = "";
      if (text !== "" && !pattern.test(text)) why = `want a number for ${label} (${short(type)})`;
      else if (text !== "" && range && (Number(text) < range[0] || Number(text) > range[1])) why = `${label}: ${short(type)} goes from ${range[0]} to ${range[1]}`;
      control.setCustomValidity(why);
      if (why) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
      if (why) throw Object.assign(new Error(why), { control });
      if (text === "") return nullable ? "null" : "0";
      return text.replace(/^(-?)0+(?=\d)/, "$1").replace(/^(-?)\./, "$10.").replace(/\.(?=$|[eE])/, ".0");
    },
  };
}

function json(label, type) {
  const control = el("textarea", { rows: "2", placeholder: "JSON", spellcheck: "false" });
  return {
    node: labelled(label, type, control),
    value: () => {
      const text = control.value.trim() || "null";
      try {
        JSON.parse(text);
      } catch {
        throw Object.assign(new Error(`${label}: that is not JSON`), { control });
      }
      return text;
    },
  };
}

/** Text may be null, which is not the same as empty. */
class Text {
  constructor(label, type, nullable) {
    this.control = el("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    this.none = nullable ? el("input", { type: "checkbox", change: () => { this.control.disabled = this.none.checked; } }) : null;
    this.node = labelled(label, type, this.control, this.none ? el("label", { class: "none" }, this.none, " null", el("span", { class: "unseen", text: " instead of " + label })) : null);
  }

  value() {
    return this.none && this.none.checked ? "null" : JSON.stringify(this.control.value);
  }
}

/** Structure is the fields of a class, with those of the classes above it. */
class Structure {
  constructor(known, label, type, types, depth) {
    this.types = types;
    this.depth = depth;
    this.label = label;
    const concrete = [...types.values()].filter((t) => t.kind !== "interface" && t.kind !== "enum" && above(t, types).includes(known.class));
    this.classes = concrete.length ? concrete : [known];
    this.body = el("div");
    this.set = el("input", { type: "checkbox", change: () => this.draw() });
    this.set.checked = depth < 3;
    this.pick = this.classes.length > 1 ? el("select", { "aria-label": label + ": class", change: () => this.draw() }, this.classes.map((c) => el("option", { value: c.class, text: short(c.class), selected: c.class === known.class }))) : null;
    this.node = el("fieldset", { class: "structure" }, el("legend", {}, el("label", {}, this.set, " ", label, " ", el("span", { class: "type", text: short(type) })), this.pick), this.body);
    this.draw();
  }

  draw() {
    this.class = this.pick ? this.pick.value : this.classes[0].class;
    this.inputs = [];
    if (!this.set.checked || this.depth > deepest) {
      show(this.body, el("p", { class: "faint", text: "null" }));
      return;
    }
    for (const name of [...above(this.types.get(this.class), this.types)].reverse()) {
      for (const f of (this.types.get(name) || {}).fields || []) this.inputs.push([f.name, input(f.type, f.name, this.types, this.depth + 1)]);
    }
    show(this.body, this.inputs.map(([, i]) => i.node));
  }

  value() {
    if (!this.set.checked) return "null";
    const fields = this.inputs.map(([name, i]) => `${JSON.stringify(name)}:${i.value()}`);
    if (this.pick) fields.unshift(`"class":${JSON.stringify(this.class)}`);
    return `{${fields.join(",")}}`;
  }
}

/** above is a class, and what it extends and implements of the application's own. */
function above(t, types) {
  const all = [];
  for (let at = t; at && all.length < 32; at = types.get(at.super)) {
    if (all.includes(at.class)) break;
    all.push(at.class);
  }
  for (const name of [...all]) for (const i of (types.get(name) || {}).interfaces || []) if (!all.includes(i)) all.push(i);
  return all;
}

/** Items is what List and Pairs share: entries that are added and taken away. */
class Items {
  constructor(label, type, what) {
    this.items = [];
    this.label = label;
    this.body = el("div");
    this.more = el("button", { type: "button", class: "quiet", click: () => this.add(true) }, "Add ", what, el("span", { class: "unseen", text: " to " + label }));
    this.node = el("fieldset", { class: "structure" }, el("legend", {}, label, " ", el("span", { class: "type", text: short(type) })), this.body, this.more);
  }

  put(inputs, focus) {
    const remove = el("button", { type: "button", class: "quiet", click: () => {
      this.items = this.items.filter((i) => i !== item);
      item.node.remove();
      this.more.focus();
    } }, "Remove", el("span", { class: "unseen", text: ` from ${this.label}` }));
    const item = { inputs, node: el("div", { class: "item" }, inputs.map((i) => i.node), remove) };
    this.items.push(item);
    this.body.append(item.node);
    if (focus) item.node.querySelector("input, select, textarea, button").focus();
  }
}

class List extends Items {
  constructor(element, label, type, types, depth) {
    super(label, type, short(element));
    this.make = () => input(element, "item " + (this.items.length + 1), types, depth + 1);
    if (depth < 2) this.add();
  }

  add(focus) {
    this.put([this.make()], focus);
  }

  value() {
    return `[${this.items.map((i) => i.inputs[0].value()).join(",")}]`;
  }
}

class Pairs extends Items {
  constructor(args, label, type, types, depth) {
    super(label, type, "entry");
    this.make = () => [input(args[0] || "java.lang.String", "key", types, depth + 1), input(args[1] || "java.lang.Object", "value", types, depth + 1)];
  }

  add(focus) {
    this.put(this.make(), focus);
  }

  value() {
    return `{${this.items.map((i) => `${key(i.inputs[0].value())}:${i.inputs[1].value()}`).join(",")}}`;
  }
}

/** key is a value as JSON has keys: a string. */
function key(text) {
  return text.startsWith('"') ? text : JSON.stringify(text);
}
