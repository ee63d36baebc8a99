import { el, show, say } from "./dom.js";
import { post } from "./api.js";

const order = ["bad", "warn", "ok", "skipped"];
const names = { bad: "wrong", warn: "look at it", ok: "fine", skipped: "not looked at" };

/** Doctor has doctor look, and shows what it finds. */
export class Doctor {
  constructor(there) {
    this.button = el("button", { type: "button", class: "main", click: () => this.look() }, "Look now");
    this.status = el("p", { class: "facts", role: "status" }, there ? "It goes the way that a consumer goes: registry, mapping, instances, metadata, addresses, timeouts. It writes nothing." :
      "There is no doctor here; 'dubbofn doctor' is one.");
    this.list = el("ul", { class: "findings" });
    this.button.disabled = !there;
    this.node = el("div", {}, el("div", { class: "bar" }, el("h2", { text: "Doctor" }), this.button), this.status, this.list);
  }

  async look() {
    this.button.setAttribute("aria-disabled", "true");
    say(this.status, "It looks …");
    try {
      const { findings } = await post("api/doctor");
      this.show(Array.isArray(findings) ? findings : []);
    } catch (e) {
      say(this.status, "It could not look: " + e.message);
      show(this.list);
    }
    this.button.removeAttribute("aria-disabled");
  }

  show(findings) {
    findings.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
    const n = (s) => findings.filter((f) => f.state === s).length;
    say(this.status, `${findings.length} checks: ${n("bad")} wrong, ${n("warn")} to look at, ${n("ok")} fine, ${n("skipped")} not looked at.`);
    show(this.list, findings.map((f) => el("li", { class: "panel finding " + (names[f.state] ? f.state : "") },
      el("span", { class: "badge", text: names[f.state] || f.state }), el("p", { class: "title", text: f.title }),
      el("span", { class: "faint where", text: [f.check, f.service].filter(Boolean).join(" · ") }),
      f.why ? el("p", { class: "faint why", text: f.why }) : null, f.mend ? this.mend(f) : null)));
  }

  mend(f) {
    const copy = el("button", { type: "button", class: "quiet", click: async () => {
      try {
        await navigator.clipboard.writeText(f.mend);
        copy.textContent = "Copied";
      } catch {
        copy.textContent = "Select it";
      }
    } }, "Copy", el("span", { class: "unseen", text: " the command" }));
    return el("div", { class: "mend" }, el("code", { text: f.mend }), copy, f.restart ? el("p", { class: "faint", text: `then start the ${f.restart} again with it` }) : null);
  }
}
