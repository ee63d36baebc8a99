import { el, show, say } from "./dom.js";
import { get, post, Refused } from "./api.js";
import { Functions, History } from "./functions.js";
import { Starts } from "./starts.js";
import { Topology } from "./topology.js";
import { Caller } from "./caller.js";
import { Doctor } from "./doctor.js";

const main = document.getElementById("main"), nav = document.getElementById("views"), pulse = document.getElementById("pulse");
const theme = document.getElementById("theme"), leave = document.getElementById("leave");
let views = null, timer = 0, since = 0, round = 0;
const history = new History();

// The theme: the system's until somebody chooses.
const system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
const nameTheme = () => show(theme, dark() ? "Light" : "Dark", el("span", { class: "unseen", text: " theme" }));
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  try {
    localStorage.setItem("dubbofn-theme", document.documentElement.dataset.theme);
  } catch { /* it lasts as long as the page */ }
  nameTheme();
});
system.addEventListener("change", nameTheme);
nameTheme();

leave.addEventListener("click", async () => {
  try {
    await post("logout");
  } finally {
    location.assign(location.pathname);
  }
});

/** login asks for the token. */
function login(why) {
  clearTimeout(timer);
  views = null;
  nav.hidden = leave.hidden = pulse.hidden = true;
  const field = el("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const fault = el("p", { class: "fault", role: "alert" });
  fault.textContent = why;
  show(main, el("form", { class: "panel login", submit: async (e) => {
    e.preventDefault();
    try {
      begin(await post("login", JSON.stringify({ token: field.value })));
    } catch (error) {
      fault.textContent = error.message;
      field.focus();
    }
  } }, el("h2", { text: "Who is there?" }), el("p", { class: "faint", text: "The console is behind a token: DUBBOFN_CONSOLE_TOKEN, or the one in the address that dubbofn run prints." }),
  el("div", { class: "field" }, el("label", { for: "token", text: "Token" }), field), fault, el("button", { type: "submit", class: "main" }, "Open")));
  field.focus();
}

/** begin shows the console to who may see it. */
function begin(session) {
  nav.hidden = leave.hidden = pulse.hidden = false;
  views = { functions: new Functions(history), starts: new Starts(), topology: new Topology(), call: new Caller(session.mode), doctor: new Doctor(session.doctor) };
  route(false);
  round = 0;
  tick();
}

/** route shows the view that the address names. */
function route(moved = true) {
  if (!views) return;
  const name = location.hash.slice(1) in views ? location.hash.slice(1) : "functions";
  for (const a of nav.querySelectorAll("a")) {
    if (a.hash === "#" + name) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.title = `${nav.querySelector("[aria-current]").textContent} · dubbofn`;
  show(main, views[name].node);
  if (moved) main.focus({ preventScroll: true });
  scrollTo(0, 0);
  clearTimeout(timer);
  round = 0;
  tick();
}
addEventListener("hashchange", () => (views ? route() : enter()));

/** tick asks for what the view shows, once a second while somebody looks. */
async function tick() {
  clearTimeout(timer);
  if (!views) return;
  const current = views;
  if (document.hidden) {
    timer = setTimeout(tick, 1000);
    return;
  }
  try {
    await refresh(current, round++);
    say(pulse, "live");
    pulse.classList.remove("lost");
  } catch (e) {
    if (e instanceof Refused && e.status === 401) {
      login("The session is over: log in again.");
      return;
    }
    say(pulse, "no answer");
    pulse.classList.add("lost");
  }
  if (views === current) {
    clearTimeout(timer);
    timer = setTimeout(tick, 1000);
  }
}

async function refresh(v, n) {
  const on = (name) => v[name].node.isConnected;
  if (on("functions")) {
    const [samples, functions] = await Promise.all([get("samples?since=" + since), get("functions")]);
    since = samples.now - 2000; // one that was being taken is asked for again
    history.add(samples);
    v.functions.update(functions);
  } else if (on("starts")) {
    v.starts.update(await get("ledger"));
  } else if (on("topology")) {
    v.topology.update(await get("topology"));
  } else if (on("call") && n % 5 === 0) {
    v.call.update(await get("functions"));
  } else if (n % 5 === 0) {
    await get("session");
  }
}

/** enter logs in by the token in the address, which browsers send to nobody, and takes it out of there. */
async function enter() {
  const token = location.hash.slice(1);
  const names = ["", "main", "functions", "starts", "topology", "call", "doctor"];
  try {
    if (!names.includes(token)) {
      window.history.replaceState(null, "", location.pathname);
      begin(await post("login", JSON.stringify({ token: decodeURIComponent(token) })));
      return;
    }
    begin(await get("session"));
  } catch (e) {
    login(e instanceof Refused && e.status === 401 && names.includes(token) ? "" : e.message);
  }
}
enter();
