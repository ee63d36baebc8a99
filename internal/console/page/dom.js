// Elements by name. Text is always text: nothing that was received is ever read as HTML.

const svgNames = "http://www.w3.org/2000/svg";

/** el makes an element; of its attributes, functions are listeners, and class, text and value mean what they say. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** svg makes an element of a drawing. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNames, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(key, value);
    else if (key === "text") node.textContent = value;
    else if (key === "value") node.value = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** show has a node hold these children, and no others. */
export function show(node, ...children) {
  node.replaceChildren(...children.flat().filter(Boolean));
  return node;
}

/** say changes a text only where it is another, so that what reads pages aloud has nothing to repeat. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function milliseconds(us) {
  if (!us) return "–";
  const ms = us / 1000;
  if (ms >= 10000) return (ms / 1000).toFixed(1) + " s";
  if (ms >= 100) return ms.toFixed(0) + " ms";
  return (ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)) + " ms";
}

export function number(n) {
  if (n >= 1e6) return (n / 1e6).toFixed(1) + " M";
  if (n >= 1e4) return (n / 1e3).toFixed(1) + " k";
  return Number.isInteger(n) ? String(n) : n.toFixed(1);
}

/** count is a number of things: "1 process", "2 processes". */
export function count(n, one, many = one + "s") {
  return `${n} ${n === 1 ? one : many}`;
}

export function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour12: false });
}
