// The dice tray: type a roll or click it together, see its odds, throw it at the table.

import { api, segment } from "./api.js";
import { h, icon } from "./dom.js";
import { oddsFigure, oddsOf } from "./odds.js";
import { commitmentOf, fairness } from "./proof.js";

const DICE = ["d4", "d6", "d8", "d10", "d12", "d20", "d100", "dF"];
const DIALECTS = ["standard", "roll20", "foundry", "avrae", "shadowrun"];
/// How long typing rests before odds are asked for.
const REST_MS = 250;

export class Tray {
  #session;
  #rest = 0;
  #asked = 0;

  constructor(session) {
    this.#session = session;
    this.notation = h("input", {
      class: "input tray-notation",
      id: "tray-notation",
      "aria-label": "Dice notation",
      "aria-describedby": "tray-problem",
      placeholder: "2d6+3, 4d6kh3, 8d6 tn5 …",
      maxlength: "400",
      autocomplete: "off",
      spellcheck: "false",
      on: { input: () => this.#changed() },
    });
    this.dialect = h(
      "select",
      { class: "input", "aria-label": "Dialect", title: "How spellings are read on which others differ", on: { change: () => this.#changed() } },
      DIALECTS.map((name) => h("option", { value: name }, name)),
    );
    this.pool = number("Dice of the test", 6, 1, 100);
    this.target = number("Target number", 5, 2, 1000);
    this.preview = h("div", { class: "odds tray-odds" });
    this.problem = h("p", { class: "proof-bad", id: "tray-problem", role: "alert" });
    this.element = h("section", { class: "tray", id: "tray", "aria-label": "Dice tray", hidden: true }, this.#parts());
  }

  /// Shows or hides it. The commitment is read when it is opened: before the first roll that it makes.
  toggle(isOpen) {
    this.element.hidden = !isOpen;
    if (!isOpen) return;
    commitmentOf(this.#session).catch(() => {}); // Rolling says what is wrong.
    this.notation.focus();
  }

  #parts() {
    const press = (text, add, label) =>
      h("button", { class: "button tray-die", type: "button", "aria-label": label, on: { click: () => this.#press(add) } }, text);
    return [
      h(
        "div",
        { class: "tray-dice", role: "group", "aria-label": "Add to the roll" },
        DICE.map((die) => press(die, (text) => withDie(text, die), `Add a ${die}`)),
        press("+1", (text) => withModifier(text, 1), "Add 1"),
        press("−1", (text) => withModifier(text, -1), "Take 1 off"),
        press("Clear", () => "", "Clear the roll"),
      ),
      h(
        "form",
        { class: "tray-form", on: { submit: (event) => this.#throwNotation(event) } },
        this.notation,
        this.dialect,
        h("button", { class: "button button-primary", type: "submit" }, icon("dice"), "Roll"),
      ),
      h(
        "form",
        { class: "tray-form", on: { submit: (event) => this.#throwTest(event) } },
        h("label", {}, "Success test:", this.pool, "dice"),
        h("label", {}, "against", this.target),
        h("button", { class: "button", type: "submit" }, "Roll the test"),
      ),
      this.problem,
      this.preview,
      fairness(this.#session),
    ];
  }

  #press(add) {
    this.notation.value = add(this.notation.value.trim());
    this.#changed();
  }

  #throwNotation(event) {
    event.preventDefault();
    const notation = this.notation.value.trim();
    if (notation === "") this.notation.focus();
    else this.#throw({ notation, dialect: this.dialect.value });
  }

  #throwTest(event) {
    event.preventDefault();
    this.#throw({ pool: this.pool.valueAsNumber, target_number: this.target.valueAsNumber });
  }

  /// Rolls at the table: the card comes to everybody through the session's log.
  async #throw(body) {
    this.problem.textContent = "";
    try {
      await api(`/api/tools/roll_dice?session_id=${segment(this.#session)}`, { method: "POST", body });
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }

  #changed() {
    this.problem.textContent = "";
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#showOdds(), REST_MS);
  }

  async #showOdds() {
    const notation = this.notation.value.trim();
    const asked = ++this.#asked;
    const odds = notation === "" ? null : await oddsOf(notation, this.dialect.value);
    if (asked !== this.#asked) return; // More was typed meanwhile.
    this.preview.replaceChildren(...(odds?.outcomes?.length > 0 ? oddsFigure(odds) : []));
    const readings = odds?.reading ?? [];
    if (readings.length > 0) this.preview.append(h("p", { class: "dim odds-reading" }, `${readings.join("; ")}.`));
    if (odds?.error) this.problem.textContent = odds.error.message;
  }
}

function number(label, value, min, max) {
  return h("input", { type: "number", class: "input", "aria-label": label, value, min, max, required: true, inputmode: "numeric" });
}

/// The roll with one more die of a kind: 2d6 and a d6 are 3d6.
export function withDie(text, die) {
  const same = new RegExp(`(^|[+ ])(\\d*)${die}(?![\\w!%])`);
  if (same.test(text)) return text.replace(same, (_, before, number) => `${before}${Number(number || 1) + 1}${die}`);
  if (text === "") return `1${die}`;
  const [, dice, modifier] = /^(.*?)([+-]\d+)?$/.exec(text);
  return dice === "" ? `1${die}${modifier ?? ""}` : `${dice}+1${die}${modifier ?? ""}`;
}

/// The roll with its last number changed by so much: 2d6+1 and 1 are 2d6+2.
export function withModifier(text, by) {
  const [, dice, modifier] = /^(.*?)([+-]\d+)?$/.exec(text);
  const value = Number(modifier ?? 0) + by;
  if (dice === "") return text;
  return value === 0 ? dice : `${dice}${value < 0 ? "-" : "+"}${Math.abs(value)}`;
}
