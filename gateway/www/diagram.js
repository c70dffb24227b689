// The machine of a game as a picture, with the state it rests in marked.

import { api } from "./api.js";
import { h } from "./dom.js";

/// A panel that is drawn when it is opened, and kept up to date while it is open.
export class Diagram {
  #state = null;
  #drawn = null;

  constructor(gameId, { onError }) {
    this.gameId = gameId;
    this.onError = onError;
    this.picture = h("div", { class: "diagram", role: "region", "aria-label": "Diagram", tabindex: "0" });
    this.details = h("details", { class: "more" }, h("summary", {}, "The machine, drawn"), this.picture);
    this.details.addEventListener("toggle", () => this.#draw());
    this.element = h("section", { class: "panel game-diagram", "aria-label": "The machine" }, this.details);
  }

  /// The game rests in a state.
  show(state) {
    this.#state = state;
    this.#draw();
  }

  async #draw() {
    if (!this.details.open || this.#state === this.#drawn) return;
    this.#drawn = this.#state;
    try {
      const body = { game_id: this.gameId, format: "svg" };
      const { drawing } = await api("/api/tools/draw_game", { method: "POST", body });
      const svg = new DOMParser().parseFromString(drawing, "image/svg+xml").documentElement;
      this.picture.replaceChildren(document.importNode(svg, true));
      this.#bringIntoSight();
    } catch (error) {
      this.#drawn = null;
      this.onError(error);
    }
  }

  #bringIntoSight() {
    const current = this.picture.querySelector(".current");
    if (!current) return;
    const [box, state] = [this.picture.getBoundingClientRect(), current.getBoundingClientRect()];
    this.picture.scrollBy(state.x - box.x - (box.width - state.width) / 2, state.y - box.y - box.height / 3);
  }
}
