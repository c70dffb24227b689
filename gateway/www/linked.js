// The board game that a table is linked to, and the side that its game master plays there.

import { api, segment, tool } from "./api.js";
import { ask } from "./dialogs.js";
import { h, icon, words } from "./dom.js";

/// The panel of a table's link. `onTable` is told a table that has changed, `onFailure` what went wrong.
export class Linked {
  #game = {};

  constructor({ sessionId, onTable, onFailure }) {
    this.id = { session_id: sessionId };
    this.onTable = onTable;
    this.onFailure = onFailure;
    this.line = h("p", { class: "dim agreed-line" });
    this.element = h(
      "section",
      { class: "panel", "aria-labelledby": "linked-title", hidden: true },
      h("h2", { id: "linked-title" }, "Board game"),
      this.line,
      h(
        "button",
        { class: "button", type: "button", id: "link-game", on: { click: () => this.#askGame() } },
        icon("target"),
        "Link a game",
      ),
    );
  }

  /// Shows the link of a table.
  show({ game }) {
    this.#game = game ?? {};
    this.element.hidden = false;
    const { game_id: id, side } = this.#game;
    this.line.replaceChildren(
      ...(id
        ? [h("a", { href: `#/games/${segment(id)}` }, id), side ? `: the game master plays ${words(side)}.` : ": the game master looks on."]
        : ["None. What happens in a linked game is told here."]),
    );
  }

  async #askGame() {
    try {
      const { games = [] } = await api("/api/games");
      const answer = await ask({
        title: "Link a board game",
        text: "What happens there is told at this table.",
        submit: "Link",
        fields: [
          {
            name: "game",
            label: "Game",
            type: "select",
            value: this.#game.game_id ?? "",
            options: [{ value: "", label: "None" }, ...games.map(({ game_id: value }) => ({ value, label: value }))],
          },
        ],
      });
      if (!answer) return;
      const side = answer.game ? await this.#askSide(answer.game) : "";
      if (side === null) return;
      const game = answer.game ? { game_id: answer.game } : {};
      this.onTable(await tool("link_game", { ...this.id, ...game, ...(side ? { side } : {}) }));
    } catch (error) {
      this.onFailure(error);
    }
  }

  /// Which side the game master plays; null if nobody says.
  async #askSide(game) {
    const { game: read } = await tool("get_game", { game_id: game });
    const sides = (read?.deciders ?? []).map(({ side }) => side);
    if (sides.length === 0) return "";
    const answer = await ask({
      title: "Which side does the game master play?",
      text: "A language model takes the decisions that the game leaves to one.",
      submit: "Link",
      fields: [
        {
          name: "side",
          label: "Side",
          type: "select",
          value: this.#game.side ?? "",
          options: [{ value: "", label: "None, he looks on" }, ...sides.map((value) => ({ value, label: words(value) }))],
        },
      ],
    });
    return answer ? answer.side : null;
  }
}
