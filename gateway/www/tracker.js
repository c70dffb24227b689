// The initiative tracker: starts a fight, shows who acts when, goes on to whoever is next, ends it.

import { api, segment } from "./api.js";
import { h, icon } from "./dom.js";

/// The panel of a table. `call` calls a tool at the table; `party` tells who sits there.
export class Tracker {
  #party = [];
  #others = [];
  #combat = null;
  #told = []; // The order the table was told of, where no sheet says which fight it is.
  #onSheets = null; // The fight that the sheets of the party name; it may be another table's.

  constructor({ sessionId }) {
    this.sessionId = sessionId;
    this.body = h("div", {});
    this.problem = h("div", { role: "alert" });
    this.element = h(
      "section",
      { class: "panel tracker", "aria-labelledby": "tracker-title" },
      h("h2", { id: "tracker-title" }, "Initiative"),
      this.body,
      this.problem,
    );
    this.#draw();
  }

  /// Who sits at the table, and the fight their sheets say they are in.
  setParty(names, sheets) {
    this.#party = names;
    this.#onSheets = names.map((name) => sheets.get(name)?.combat_id).find(Boolean) ?? null;
    this.#look();
  }

  /// The table was told of an order: the fight has gone on.
  told(order) {
    this.#told = order;
    if (this.#combat) this.refresh(this.#combat.combat_id);
    else this.#look();
  }

  /// Shows the fight of the sheets if it is this table's, which is told of every order.
  #look() {
    const isOurs = this.#told.length > 0 && this.#onSheets !== null;
    if (isOurs && this.#onSheets !== this.#combat?.combat_id) this.refresh(this.#onSheets);
    else this.#draw();
  }

  async refresh(combatId) {
    await this.#do("get_combat", { combat_id: combatId }, { isTold: false });
  }

  async #do(tool, body, { isTold = true } = {}) {
    const place = isTold ? `?session_id=${segment(this.sessionId)}` : "";
    try {
      this.#combat = await api(`/api/tools/${tool}${place}`, { method: "POST", body });
      this.problem.replaceChildren();
    } catch (error) {
      this.problem.replaceChildren(h("p", { class: "notice notice-bad" }, error.message));
    }
    this.#draw();
  }

  #draw() {
    const key = this.body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    // What is being typed stays, whatever happens in the fight meanwhile.
    const typed = [...this.body.querySelectorAll("input")].map((input) => [input.dataset.key, input.value]);
    this.body.replaceChildren(...(this.#combat?.running ? this.#fight() : this.#start()).filter(Boolean));
    for (const [name, value] of typed) {
      const input = this.body.querySelector(`input[data-key="${name}"]`);
      if (input) input.value = value;
    }
    if (key) this.body.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }

  // A fight that runs.

  #fight() {
    const { combat_id: id, turn, phase, actor, order, upcoming, message } = this.#combat;
    const next = new Map();
    for (const { name, phase: at } of upcoming) if (!next.has(name)) next.set(name, at);
    return [
      h("p", { class: "tracker-now", role: "status" }, actor ? `Turn ${turn}, phase ${phase}: ${actor}` : message),
      h(
        "ol",
        { class: "order" },
        order.map((fighter) => this.#fighter(fighter, fighter.name === actor, next.get(fighter.name))),
      ),
      this.#newcomer((other) => this.#do("join_combat", { combat_id: id, participants: [other] })),
      h(
        "div",
        { class: "tracker-buttons" },
        this.#button("Next", "next", () => this.#do("next_actor", { combat_id: id }), "button-primary"),
        this.#button("End the fight", "end", () => this.#do("end_combat", { combat_id: id })),
      ),
    ];
  }

  #fighter({ name, initiative, phases, note }, isActing, next) {
    return h(
      "li",
      { "aria-current": isActing && "true" },
      h(
        "span",
        {},
        h("strong", {}, name),
        h(
          "span",
          { class: "dim" },
          note || ` phases ${phases.join(", ")}${next ? `; next at ${next}` : "; done this turn"}`,
        ),
      ),
      h("b", {}, initiative || "–"),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": `${name} leaves the fight`,
          data: { key: `leave-${name}` },
          on: { click: () => this.#do("leave_combat", { combat_id: this.#combat.combat_id, name }) },
        },
        icon("cross"),
      ),
    );
  }

  // A fight that may begin.

  #start() {
    const nobody = this.#party.length + this.#others.length === 0;
    return [
      this.#combat ? h("p", { class: "dim" }, this.#combat.message) : this.#toldOrder(),
      h(
        "ul",
        { class: "plain" },
        this.#party.map((who) => h("li", {}, who)),
        this.#others.map((other, index) => this.#other(other, index)),
      ),
      this.#newcomer((other) => {
        this.#others.push(other);
        this.#draw();
      }),
      h(
        "div",
        { class: "tracker-buttons" },
        this.#button("Start a fight", "start", () => this.#begin(), "button-primary", nobody),
      ),
    ];
  }

  /// A form for somebody else; `take` gets his name and Reaction.
  #newcomer(take) {
    const name = h("input", {
      class: "input",
      maxlength: "100",
      autocomplete: "off",
      "aria-label": "Name of somebody else in the fight",
      placeholder: "Ganger",
      data: { key: "other-name" },
    });
    const reaction = h("input", {
      class: "input",
      type: "number",
      min: "1",
      max: "100",
      value: "4",
      inputmode: "numeric",
      "aria-label": "Reaction",
      title: "Reaction",
      data: { key: "other-reaction" },
    });
    const add = (event) => {
      event.preventDefault();
      const who = name.value.trim();
      if (who === "") return;
      name.value = "";
      take({ name: who, reaction: reaction.valueAsNumber || 3 });
    };
    return h(
      "form",
      { class: "tracker-add", on: { submit: add } },
      name,
      reaction,
      h("button", { class: "button", type: "submit", "aria-label": "Add to the fight" }, icon("plus")),
    );
  }

  /// The order that was told last, of a fight in which nobody has a sheet here.
  #toldOrder() {
    if (this.#told.length === 0) return null;
    return h(
      "ol",
      { class: "order" },
      this.#told.map(({ name, character, initiative, total }) =>
        h("li", {}, h("span", {}, name ?? character ?? ""), h("b", {}, initiative ?? total ?? "")),
      ),
    );
  }

  #other({ name, reaction }, index) {
    const remove = () => {
      this.#others.splice(index, 1);
      this.#draw();
    };
    return h(
      "li",
      {},
      `${name} `,
      h("span", { class: "dim" }, `Reaction ${reaction} `),
      h(
        "button",
        { class: "icon-button", type: "button", "aria-label": `Leave ${name} out`, on: { click: remove } },
        icon("cross"),
      ),
    );
  }

  async #begin() {
    const participants = [...this.#party.map((name) => ({ name })), ...this.#others];
    await this.#do("start_combat", { participants });
    if (this.#combat?.running) this.#others = [];
  }

  #button(label, key, onClick, style = "", disabled = false) {
    return h(
      "button",
      { class: `button ${style}`, type: "button", disabled, data: { key }, on: { click: onClick } },
      label,
    );
  }
}
