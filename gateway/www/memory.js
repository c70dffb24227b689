// What the game master remembers beyond the last messages: facts, pinned by people or made of what was told before.

import { tool } from "./api.js";
import { ask } from "./dialogs.js";
import { count, h, icon } from "./dom.js";

/// Facts that the panel shows; the dialog has all.
const SHOWN = 4;

/// The panel of a table's facts. `name` tells who pins one, if he has a seat; `onFailure` what went wrong.
export class Remembered {
  #memory = { facts: [] };

  constructor({ sessionId, name, onFailure }) {
    this.id = { session_id: sessionId };
    this.name = name;
    this.onFailure = onFailure;
    this.list = h("ul", { class: "known" });
    this.measure = h("p", { class: "dim agreed-line", role: "status" });
    this.element = h(
      "section",
      { class: "panel", "aria-labelledby": "facts-title", hidden: true },
      h("h2", { id: "facts-title" }, "To be remembered"),
      this.list,
      this.measure,
      h(
        "button",
        { class: "button", type: "button", id: "pin-fact", on: { click: () => this.#askPin() } },
        icon("plus"),
        "Pin a fact",
      ),
      h(
        "button",
        { class: "button", type: "button", id: "all-facts", on: { click: () => this.#showAll() } },
        icon("book"),
        "All facts",
      ),
    );
  }

  /// Reads what is remembered.
  async load() {
    try {
      this.#show(await tool("get_memory", this.id));
    } catch (error) {
      if (error.status !== 404) this.onFailure(error); // A server without it has no such panel.
    }
  }

  #show(memory) {
    this.#memory = memory;
    this.element.hidden = false;
    const { facts = [], tokens = 0, token_budget: budget = 0 } = memory;
    this.list.replaceChildren(...facts.slice(0, SHOWN).map(({ text }) => h("li", {}, text)));
    this.measure.textContent =
      facts.length === 0
        ? "Nothing yet: what leaves the conversation's window becomes a fact by itself."
        : `${count(facts.length, "fact")}, ${count(tokens, "token")} of the ${budget} that a turn may take.`;
  }

  async #askPin() {
    const answer = await ask({
      title: "Pin a fact",
      text: "The game master is told of it in every turn.",
      submit: "Pin",
      fields: [{ name: "text", label: "The fact, in a sentence", type: "textarea", required: true, maxlength: 500 }],
    });
    if (!answer?.text) return;
    const by = this.name();
    await this.#change("pin_fact", { text: answer.text, ...(by ? { by } : {}) });
  }

  /// Every fact, with where it comes from, and a button to forget it.
  async #showAll() {
    const list = h("ul", { class: "known known-all" });
    const fill = () => {
      const { facts = [] } = this.#memory;
      list.replaceChildren(...facts.map((fact) => this.#fact(fact, fill)));
      if (facts.length === 0) list.append(h("li", { class: "dim" }, "Nothing is remembered yet."));
    };
    fill();
    const { window = 0 } = this.#memory;
    await ask({
      title: "What the game master remembers",
      text: `The last ${window} messages he is told as they are; these facts beside them.`,
      submit: "Done",
      extra: [list],
    });
  }

  #fact({ fact_id: id, text, pinned, by, seqs = [] }, onGone) {
    const about = [pinned && "pinned", by && `by ${by}`, seqs.length > 0 && `from ${seqs.map((seq) => `#${seq}`).join(", ")}`];
    const forget = async () => {
      await this.#change("forget_fact", { fact_id: id });
      onGone();
    };
    return h(
      "li",
      { class: "known-item" },
      h("span", { class: "known-text" }, text, h("span", { class: "dim" }, about.filter(Boolean).join(", "))),
      h(
        "button",
        { class: "icon-button", type: "button", "aria-label": `Forget: ${text}`, title: "Forget", on: { click: forget } },
        icon("cross"),
      ),
    );
  }

  async #change(name, body) {
    try {
      this.#show(await tool(name, { ...this.id, ...body }));
    } catch (error) {
      this.onFailure(error);
    }
  }
}
