// What a game asks of its sides, and who decides for each.

import { api } from "./api.js";
import { h, moment, words } from "./dom.js";

const KINDS = [
  ["person", "a person"],
  ["policy easy", "the built-in opponent, easy"],
  ["policy middle", "the built-in opponent, middle"],
  ["policy hard", "the built-in opponent, hard"],
  ["model", "a language model"],
  ["autopilot", "an autopilot"],
];
/// Whoever of them is waited for, and no longer than a day.
const WAITED_FOR = ["model", "autopilot"];
const MAX_SECONDS = 86_400;
/// More choices of a kind than these are too many to read at once.
const MANY = 8;

/// Who decides what is asked, and until when nobody else does; `null` for a person.
function whoDecides({ kind, timeout_seconds: seconds }, due) {
  if (kind === "policy") return "The built-in opponent decides.";
  if (kind === "model") return `A language model decides, until ${moment(due)}.`;
  if (kind === "autopilot") return `What is done on the board is the answer, and ${seconds} quiet seconds are consent.`;
  return null;
}

/// Choices by what their ids begin with: where there are many of a kind beside others, they stand behind one heading.
function byKind(choices) {
  const kinds = new Map();
  for (const choice of choices) {
    const kind = choice.choice_id.split("-")[0];
    kinds.set(kind, [...(kinds.get(kind) ?? []), choice]);
  }
  const isLong = (kind) => MANY < kind.length && kinds.size > 1;
  return [...kinds.values()].flatMap((kind) => (isLong(kind) ? [kind] : kind.map((choice) => [choice])));
}

/// The words with which all of the texts begin.
function beginning([first, ...others]) {
  let length = first.length;
  for (const text of others) while (!text.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, Math.max(0, first.lastIndexOf(" ", length)));
}

/// A panel of the open decisions with their choices as buttons, and one of who decides.
export class Deciding {
  #loading = null;
  #isStale = false;

  /// `onChange` is called after an answer, `onError` with what went wrong.
  constructor(gameId, { onChange, onError }) {
    this.gameId = gameId;
    this.onChange = onChange;
    this.onError = onError;
    this.questions = h("section", { class: "panel game-questions", "aria-label": "Decisions", hidden: true });
    this.sides = h("section", { class: "panel game-sides", "aria-label": "Who decides", hidden: true });
  }

  /// Shows how things are now, one request after the other.
  refresh() {
    if (this.#loading) {
      this.#isStale = true;
      return;
    }
    this.#loading = this.#load()
      .catch(this.onError)
      .finally(() => {
        this.#loading = null;
        if (this.#isStale) {
          this.#isStale = false;
          this.refresh();
        }
      });
  }

  async #load() {
    const of = { game_id: this.gameId };
    const [{ decisions = [] }, { game }] = await Promise.all([
      api("/api/tools/list_decisions", { method: "POST", body: of }),
      api("/api/tools/get_game", { method: "POST", body: of }),
    ]);
    this.#showQuestions(decisions);
    this.#showSides(game?.deciders ?? []);
  }

  #showQuestions(decisions) {
    const focused = this.questions.contains(document.activeElement);
    this.questions.hidden = decisions.length === 0;
    this.questions.replaceChildren(
      h("h2", { tabindex: "-1" }, "What is asked"),
      ...decisions.map((decision) => this.#question(decision)),
    );
    if (focused) this.questions.querySelector("button, h2").focus();
  }

  #question({ decision_id: id, kind, question, decider, choices = [], due_at: due }) {
    return h(
      "fieldset",
      { class: "question", data: { kind, decision: id } },
      h("legend", {}, h("span", { class: "pill" }, words(decider.side)), " ", question),
      decider.kind !== "person" && h("p", { class: "dim" }, whoDecides(decider, due)),
      h(
        "div",
        { class: "choices" },
        byKind(choices).map((kind) => (kind.length === 1 ? this.#choice(id, kind[0]) : this.#choices(id, kind))),
      ),
    );
  }

  #choices(id, kind) {
    const heading = beginning(kind.map(({ text }) => text)) || words(kind[0].choice_id.split("-")[0]);
    return h(
      "details",
      { class: "more choice-group" },
      h("summary", {}, `${heading} … (${kind.length})`),
      h(
        "div",
        { class: "choices" },
        kind.map((choice) => this.#choice(id, choice)),
      ),
    );
  }

  #choice(id, { choice_id: choice, text }) {
    return h(
      "button",
      { class: "button", type: "button", data: { choice }, on: { click: () => this.#answer(id, choice) } },
      text,
    );
  }

  async #answer(decision_id, choice_id) {
    try {
      const body = { game_id: this.gameId, decision_id, choice_id, cause: "page" };
      await api("/api/tools/answer_decision", { method: "POST", body });
      this.onChange();
    } catch (error) {
      this.onError(error);
      this.refresh();
    }
  }

  #showSides(deciders) {
    const focused = document.activeElement?.dataset?.side;
    this.sides.hidden = deciders.length === 0;
    this.sides.replaceChildren(
      h("h2", {}, "Who decides"),
      h(
        "div",
        { class: "sides" },
        deciders.map(({ side, kind, strength, timeout_seconds: seconds }) => {
          const value = kind === "policy" ? `policy ${strength ?? "middle"}` : kind;
          return h(
            "div",
            { class: "side-decides" },
            h(
              "label",
              {},
              h("span", {}, words(side)),
              h(
                "select",
                { class: "input", data: { side }, on: { change: ({ target }) => this.#setDecider(side, target.value) } },
                KINDS.map(([name, text]) => h("option", { value: name, selected: name === value }, text)),
              ),
            ),
            WAITED_FOR.includes(kind) &&
              h("input", {
                class: "input",
                type: "number",
                min: "1",
                max: String(MAX_SECONDS),
                value: String(seconds),
                data: { side: `${side}-seconds` },
                "aria-label": `Seconds that ${words(side)} is waited for`,
                on: {
                  change: ({ target }) => target.reportValidity() && this.#setDecider(side, kind, Number(target.value)),
                },
              }),
          );
        }),
      ),
    );
    if (focused) this.sides.querySelector(`[data-side="${focused}"]`)?.focus();
  }

  async #setDecider(side, value, seconds) {
    const [kind, strength] = value.split(" ");
    try {
      const decider = { side, kind, ...(strength && { strength }), ...(seconds && { timeout_seconds: seconds }) };
      const body = { game_id: this.gameId, decider };
      await api("/api/tools/set_decider", { method: "POST", body });
      this.onChange();
    } catch (error) {
      this.onError(error);
    }
    this.refresh();
  }
}
