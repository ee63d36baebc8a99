// What the console asks the activator.

/** Refused is an answer that is none; status 401 means: log in first. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  if (!response.ok) throw new Refused(response.status, (body && body.error) || text.trim() || response.statusText);
  return body;
}

export const get = (path) => ask("api/" + path);

/** post sends JSON text as it is: numbers that JavaScript can't hold stay what they are. */
export const post = (path, text = "{}") => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: text });
