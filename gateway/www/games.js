// Board games: the list, and one game with its menu, the events it accepts, what it asks, its machine and its history.

import { api, segment } from "./api.js";
import { shortValue } from "./cards.js";
import { Deciding } from "./deciding.js";
import { Diagram } from "./diagram.js";
import { clock, count, h, hidden, icon, moment, traceLink, words } from "./dom.js";
import { Watch } from "./watch.js";

/// Events that move the game on as it is meant to are offered first, those that pass something over last.
const FIRST_EVENTS = /CONFIRM|READY|DONE|START/;
const LAST_EVENTS = /SKIP|PHASE_COMPLETE/;
const RULER = /^[\s═]*═[\s═]*$/;

const SIDES = { FP: "Free Peoples", SP: "Shadow", SA: "Shadow" };

/// The name of a state, event or figure in words.
const gameWords = (name) =>
  words(
    String(name)
      .split("_")
      .map((part) => SIDES[part] ?? part.toLowerCase())
      .join(" "),
  );

/// The list of games.
export function gamesView() {
  const games = h("ul", { class: "game-cards", id: "games" });
  const problem = h("div", { role: "alert" });
  const showProblem = (error) => problem.replaceChildren(errorNotice(error));
  const name = h("input", {
    class: "input",
    id: "new-game",
    "aria-label": "Name of the new game (optional)",
    placeholder: "Name (optional)",
    pattern: "[A-Za-z0-9_\\-]{1,64}",
    title: "1 to 64 letters, digits, _ or -",
    autocomplete: "off",
  });
  const create = async (event) => {
    event.preventDefault();
    const wanted = name.value.trim();
    const { game_id: id } = await api("/api/games", { method: "POST", body: wanted ? { game_id: wanted } : {} });
    location.hash = `#/games/${segment(id)}`;
  };

  api("/api/games")
    .then(({ games: list }) =>
      games.append(
        ...(list.length > 0
          ? list.map(gameCard)
          : [h("li", { class: "empty" }, "No game yet. Start one here, or connect the game's own client.")]),
      ),
    )
    .catch(showProblem);

  const element = h(
    "div",
    { class: "games page" },
    h(
      "header",
      { class: "page-head" },
      h(
        "div",
        {},
        h("h1", { tabindex: "-1" }, "Games"),
        h("p", { class: "dim" }, "Each is a state machine; the page is a second controller for any of them."),
      ),
      h(
        "form",
        { class: "new-game", on: { submit: (event) => create(event).catch(showProblem) } },
        name,
        h("button", { class: "button button-primary", type: "submit" }, icon("plus"), "New game"),
      ),
    ),
    problem,
    games,
  );
  return { element, title: "Games · Dicetower", focus: () => element.querySelector("h1").focus(), close: () => {} };
}

function gameCard({ game_id: id, machine, state, label, turn, phase, watchers, updated_at: at }) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/games/${segment(id)}` },
      h("strong", {}, id),
      h("span", {}, label || gameWords(state)),
      h(
        "span",
        { class: "dim" },
        [
          machine,
          turn > 0 && `turn ${turn}`,
          phase && gameWords(phase),
          watchers > 0 && count(watchers, "watcher"),
          moment(at),
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
  );
}

/// One game, kept up to date by the server.
export class GameView {
  #lastSeq = 0;
  #source = null;
  #loading = null;
  #isClosed = false;

  constructor(gameId, connection) {
    this.gameId = gameId;
    this.path = `/api/games/${segment(gameId)}`;
    const onError = (error) => this.problem.replaceChildren(errorNotice(error));
    this.deciding = new Deciding(gameId, { onChange: () => this.problem.replaceChildren(), onError });
    this.diagram = new Diagram(gameId, { onError });
    this.title = `${gameId} · Games · Dicetower`;
    this.connection = connection;
    this.heading = h("h1", { tabindex: "-1" }, gameId);
    this.about = h("p", { class: "dim" });
    this.problem = h("div", { role: "alert" });
    this.state = h("section", { class: "panel game-state", "aria-label": "State", "aria-live": "polite" });
    this.menu = h("section", { class: "panel game-menu", "aria-label": "Menu", hidden: true });
    this.events = h("div", { class: "game-events", role: "group", "aria-label": "Valid events" });
    this.payload = h("textarea", {
      class: "input",
      id: "payload",
      rows: "3",
      spellcheck: "false",
      "aria-label": "Data of the event as JSON (optional)",
      placeholder: '{"piece_id": 210}',
    });
    this.variables = h("section", { class: "panel", "aria-label": "Figures", hidden: true });
    this.undone = h("div", { role: "status" });
    this.history = h("ol", {
      class: "history",
      id: "history",
      "aria-label": "History, the latest first",
      tabindex: "0",
    });

    this.element = h(
      "div",
      { class: "game page" },
      h("a", { class: "back", href: "#/games" }, icon("back"), "All games"),
      h("header", { class: "page-head" }, h("div", {}, this.heading, this.about)),
      this.problem,
      h(
        "div",
        { class: "game-columns" },
        h(
          "div",
          { class: "game-main" },
          this.state,
          this.deciding.questions,
          h(
            "section",
            { class: "panel", "aria-labelledby": "events-title" },
            h("h2", { id: "events-title" }, "What can happen now"),
            this.events,
            h("details", { class: "more" }, h("summary", {}, "With data"), this.payload),
          ),
          this.menu,
          this.diagram.element,
        ),
        h(
          "div",
          { class: "game-side" },
          h(
            "section",
            { class: "panel", "aria-labelledby": "history-title" },
            h(
              "div",
              { class: "panel-head" },
              h("h2", { id: "history-title" }, "History"),
              h(
                "button",
                { class: "button", type: "button", id: "undo", on: { click: () => this.#undo() } },
                "Take back the last event",
              ),
            ),
            this.undone,
            this.history,
          ),
          this.deciding.sides,
          this.variables,
        ),
      ),
    );
    this.#start();
  }

  focus() {
    this.heading.focus();
  }

  close() {
    this.#isClosed = true;
    this.#source?.close();
    this.connection.hide();
  }

  async #start() {
    try {
      this.#show(await api(this.path));
    } catch (error) {
      this.problem.replaceChildren(errorNotice(error));
      return;
    }
    if (this.#isClosed) return;
    this.connection.show("connecting");
    this.#source = new Watch(`${this.path}/watch`, {
      onOpen: () => this.connection.show("open"),
      onLost: () => this.connection.show("lost"),
      onData: (data) => this.#show(JSON.parse(data)),
    });
  }

  #show(game) {
    if (this.#isClosed) return;
    const {
      machine,
      state,
      label,
      description,
      final,
      turn,
      phase,
      prompt,
      menu = [],
      valid_events: events = [],
      variables = {},
    } = game;
    this.about.textContent = [machine, turn > 0 && `turn ${turn}`, phase && gameWords(phase)]
      .filter(Boolean)
      .join(" · ");
    this.state.replaceChildren(
      h(
        "div",
        { class: "state-head" },
        h("span", { class: "label" }, "State"),
        final && h("span", { class: "pill" }, "over"),
      ),
      h("p", { class: "state-name", data: { state } }, label || gameWords(state)),
      h("p", { class: "state-code" }, state),
      description && h("p", {}, description),
      prompt && h("p", { class: "state-prompt" }, prompt),
    );
    this.deciding.refresh();
    this.diagram.show(state);
    this.#showMenu(menu);
    this.#showEvents(events);
    this.#showVariables(variables, game.figures_from);
    this.#loadHistory();
  }

  #showMenu(lines) {
    this.menu.hidden = lines.length === 0;
    this.menu.replaceChildren(
      h(
        "div",
        { class: "menu-lines" },
        lines.map((line) => (RULER.test(line) ? h("hr", {}) : h("p", {}, line === "" ? "\u00a0" : line))),
      ),
    );
  }

  #showEvents(events) {
    const rank = (event) => (LAST_EVENTS.test(event) ? 2 : FIRST_EVENTS.test(event) ? 0 : 1);
    const ordered = [...events].sort((one, other) => rank(one) - rank(other));
    const focused = this.events.contains(document.activeElement) ? document.activeElement.dataset.event : null;
    const buttons = ordered.map((event, index) =>
      h(
        "button",
        {
          class: index === 0 ? "button button-primary event" : "button event",
          type: "button",
          data: { event },
          on: { click: () => this.#send(event) },
        },
        h("span", {}, gameWords(event)),
        h("code", {}, event),
      ),
    );
    this.events.replaceChildren(
      ...(buttons.length > 0 ? buttons : [h("p", { class: "empty" }, "Nothing: the game waits, or is over.")]),
    );
    if (focused) (buttons.find(({ dataset }) => dataset.event === focused) ?? buttons[0] ?? this.heading).focus();
  }

  #showVariables(variables, from) {
    const all = Object.entries(variables).filter(([, value]) => shortValue(value ?? "") !== "");
    const telling = all.filter(([, value]) => ![0, -1, false].includes(value) && !isIdList(value));
    const wasOpen = this.variables.querySelector("details")?.open ?? false;
    this.variables.hidden = all.length === 0;
    this.variables.replaceChildren(
      h("h2", {}, "Figures"),
      from ? h("p", { class: "dim figures-from" }, `From the ${from}`) : "",
      figures(telling),
      telling.length < all.length
        ? h("details", { class: "more", open: wasOpen }, h("summary", {}, `All ${all.length}`), figures(all))
        : "",
    );
  }

  async #send(event) {
    this.problem.replaceChildren();
    try {
      const text = this.payload.value.trim();
      const data = text === "" ? undefined : JSON.parse(text);
      this.#show(await api(`${this.path}/events`, { method: "POST", body: { event, data } }));
      this.payload.value = "";
    } catch (error) {
      this.problem.replaceChildren(
        error instanceof SyntaxError
          ? h("p", { class: "notice notice-bad" }, `The data is not JSON: ${error.message}`)
          : errorNotice(error),
      );
    }
  }

  /// Takes the game back to where an entry left it, or by the last event.
  async #undo(to) {
    this.problem.replaceChildren();
    try {
      const body = { game_id: this.gameId, ...(to !== undefined && { to_sequence: to }) };
      const { events = [], misfits = [] } = await api("/api/tools/undo_game", { method: "POST", body });
      this.undone.replaceChildren(
        h("p", {}, `Taken back: ${events.map(gameWords).join(", ")}.`),
        misfits.length > 0 && h("p", {}, "The board no longer fits; put the pieces back:"),
        h(
          "ul",
          { class: "misfits" },
          misfits.map((misfit) => h("li", {}, misfit)),
        ),
      );
    } catch (error) {
      this.problem.replaceChildren(errorNotice(error));
    }
  }

  /// Fetches what is new, one request after the other, so that no entry comes twice.
  #loadHistory() {
    this.#loading = Promise.resolve(this.#loading)
      .then(() => api(`${this.path}/history?after_seq=${this.#lastSeq}`))
      .then(({ history, last_seq: last }) => {
        const fresh = history.filter(({ seq }) => seq > this.#lastSeq);
        const items = fresh.map((entry) => historyItem(entry, () => this.#undo(entry.seq)));
        this.history.prepend(...items.reverse());
        this.#lastSeq = Math.max(this.#lastSeq, ...fresh.map(({ seq }) => seq));
        if (fresh.length > 0 && this.#lastSeq < last && !this.#isClosed) this.#loadHistory();
      })
      .catch((error) => this.problem.replaceChildren(errorNotice(error)));
  }
}

const isIdList = (value) => Array.isArray(value) && value.every(Number.isInteger);

function figures(entries) {
  return h(
    "dl",
    { class: "facts" },
    entries.map(([name, value]) => {
      const text = shortValue(value);
      return h("div", { class: text.length > 18 && "wide" }, h("dt", {}, gameWords(name)), h("dd", {}, text));
    }),
  );
}

function historyItem({ seq, at, event, cause, from, to, trace_id: traceId, lines = [] }, undo) {
  const told = lines.filter((line) => line.trim() !== "" && !RULER.test(line));
  return h(
    "li",
    { data: { seq } },
    h(
      "div",
      { class: "history-head" },
      h("span", { class: "history-seq" }, hidden("Entry "), seq),
      h("strong", {}, gameWords(event)),
      cause && h("span", { class: "pill" }, cause),
      h("time", { datetime: at }, clock(at)),
      traceLink(traceId, gameWords(event)),
      h(
        "button",
        { class: "button button-small", type: "button", on: { click: undo } },
        "Back to here",
        hidden(`, entry ${seq}`),
      ),
    ),
    (from || to) &&
      h(
        "p",
        { class: "history-step" },
        from === to
          ? gameWords(to)
          : [gameWords(from ?? ""), h("span", { "aria-hidden": "true" }, " → "), hidden(" to "), gameWords(to ?? "")],
      ),
    told.length > 0 &&
      h(
        "details",
        { class: "more" },
        h("summary", {}, count(told.length, "line")),
        h(
          "div",
          { class: "menu-lines" },
          told.map((line) => h("p", {}, line)),
        ),
      ),
  );
}

function errorNotice(error) {
  return h(
    "div",
    { class: "notice notice-bad" },
    h("p", {}, error.message),
    h(
      "p",
      { class: "dim" },
      [error.code && `Error ${error.code}`, error.traceId && `trace ${error.traceId}`].filter(Boolean).join(" · "),
    ),
    traceLink(error.traceId, "the error"),
  );
}
