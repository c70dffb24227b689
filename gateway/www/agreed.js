// What a table agrees upon: lines and veils, the pause card, and who is its game master, with what that has cost.

import { tool } from "./api.js";
import { ask } from "./dialogs.js";
import { count, h, icon } from "./dom.js";

/// The panel of a table. `name` tells who asks for a pause, if he has a seat; `onTable` is told the table whenever it is
/// read, `onFailure` what went wrong.
export class Agreed {
  constructor({ sessionId, name, onTable, onFailure }) {
    this.id = { session_id: sessionId };
    this.name = name;
    this.onTable = onTable;
    this.onFailure = onFailure;
    this.table = null;
    this.limits = h("p", { class: "dim agreed-line" });
    this.master = h("p", { class: "dim agreed-line" });
    this.cost = h("p", { class: "dim agreed-line", role: "status" });
    this.pauseButton = h("button", { class: "button", type: "button", id: "pause", on: { click: () => this.#pause() } });
    this.element = h(
      "section",
      { class: "panel", "aria-labelledby": "agreed-title", hidden: true },
      h("h2", { id: "agreed-title" }, "What we agreed"),
      this.pauseButton,
      this.limits,
      h(
        "button",
        { class: "button", type: "button", id: "lines", on: { click: () => this.#askLines() } },
        icon("shield"),
        "Lines and veils",
      ),
      this.master,
      this.cost,
      h(
        "button",
        { class: "button", type: "button", id: "model", on: { click: () => this.#askModel() } },
        icon("tool"),
        "Game master",
      ),
    );
    this.card = h(
      "p",
      { class: "pause-card", role: "status", hidden: true },
      h("strong", {}, "Pause. "),
      "The pause card lies on the table: no story is told until somebody takes it away.",
    );
  }

  /// Reads what was agreed.
  async load() {
    try {
      this.show(await tool("get_table", this.id));
      await this.loadCost();
    } catch (error) {
      if (error.status !== 404) this.onFailure(error); // A server without it has no such panel.
    }
  }

  /// Reads what the models have cost.
  async loadCost() {
    if (this.element.hidden) return;
    try {
      const { total } = await tool("get_usage", this.id);
      const tokens = Number(total?.prompt_tokens ?? 0) + Number(total?.completion_tokens ?? 0);
      const dollars = Number(total?.cost ?? 0);
      this.cost.textContent =
        tokens === 0 ? "" : `${count(tokens, "token")} so far${dollars > 0 ? `, $${dollars.toFixed(4)}` : ""}`;
    } catch {
      this.cost.textContent = "";
    }
  }

  /// Shows a table as a tool has answered it.
  show(table) {
    this.table = table;
    this.onTable(table);
    this.element.hidden = false;
    const { lines = [], veils = [], paused, model = {} } = table;
    this.limits.textContent =
      lines.length + veils.length === 0
        ? "No lines or veils yet."
        : [lines.length > 0 && `Never: ${lines.join(", ")}.`, veils.length > 0 && `Off stage: ${veils.join(", ")}.`]
            .filter(Boolean)
            .join(" ");
    const house = model.provider === "house" || (model.provider === "server" && !model.model);
    this.master.textContent = `Game master: ${house ? "the house" : model.model || "the server's model"}`;
    this.pauseButton.replaceChildren(icon(paused ? "send" : "stop"), paused ? "Go on" : "Pause the story");
    this.pauseButton.setAttribute("aria-pressed", String(Boolean(paused)));
    this.card.hidden = !paused;
  }

  async #pause() {
    const name = this.name();
    await this.#change(() =>
      tool("pause_table", { ...this.id, on: !this.table?.paused, ...(name ? { name } : {}) }),
    );
  }

  async #askLines() {
    const { lines = [], veils = [] } = this.table ?? {};
    const answer = await ask({
      title: "Lines and veils",
      text: "One to a row. The game master keeps to them from the next turn on; nobody has to say why.",
      submit: "Agree",
      fields: [
        { name: "lines", label: "Lines: never in this story", type: "textarea", value: lines.join("\n"), maxlength: 4000 },
        { name: "veils", label: "Veils: only off stage", type: "textarea", value: veils.join("\n"), maxlength: 4000 },
      ],
    });
    if (!answer) return;
    const items = (text) => ({ items: text.split("\n").map((row) => row.trim()).filter(Boolean) });
    await this.#change(() =>
      tool("set_table", { ...this.id, lines: items(answer.lines), veils: items(answer.veils) }),
    );
  }

  async #askModel() {
    let known = [];
    try {
      ({ known = [] } = await tool("list_models", {}));
    } catch (error) {
      this.onFailure(error);
      return;
    }
    const { model: chosen = {} } = this.table ?? {};
    const status = h("p", { class: "dim", role: "status" });
    const answer = await ask({
      title: "Game master",
      text: known.length > 0 ? `Known addresses: ${known.map(({ name, url }) => `${name} ${url}`).join(", ")}.` : "",
      submit: "Use it",
      fields: [
        {
          name: "provider",
          label: "Who",
          type: "radio",
          value: chosen.provider || "server",
          options: [
            { value: "server", label: "The server's own", hint: "What it was started with." },
            { value: "house", label: "The house", hint: "A rule book with a voice; needs no model." },
            { value: "openai", label: "A model", hint: "Any server of the OpenAI kind." },
          ],
        },
        { name: "url", label: "Address", value: chosen.url ?? "", maxlength: 500, hint: "Such as https://api.openai.com/v1." },
        { name: "model", label: "Model", value: chosen.model ?? "", maxlength: 200 },
        {
          name: "key",
          label: "Key",
          type: "password",
          maxlength: 1000,
          hint: chosen.has_key ? "One is kept; leave it empty to keep it." : "Kept by the server, and never shown again.",
        },
        {
          name: "house",
          label: "The house steps in when the model fails",
          type: "checkbox",
          value: chosen.house_steps_in ?? true,
        },
      ],
      extra: [
        status,
        {
          label: "Test",
          act: async (values) => {
            status.textContent = "Asking …";
            try {
              const tested = await tool("test_model", { ...this.id, ...modelOf(values) });
              const { ok, reply, error, first_word_ms: took } = tested;
              const how = tested.takes_tools ? "" : " Its server takes no tools: calls are read from its words, which works, but worse.";
              status.textContent = ok ? `It answers “${reply}” after ${Math.round(took)} ms.${how}` : `It does not answer: ${error}`;
            } catch (error) {
              status.textContent = error.message;
            }
          },
        },
      ],
    });
    if (!answer) return;
    await this.#change(() =>
      tool("set_model", { ...this.id, ...modelOf(answer), house_steps_in: Boolean(answer.house) }),
    );
  }

  async #change(act) {
    try {
      this.show(await act());
    } catch (error) {
      this.onFailure(error);
    }
  }
}

/// The choice of a model as the tools take it; what is empty is left out.
function modelOf({ provider, url, model, key }) {
  const given = provider === "openai" ? { url, model, key } : {};
  return { provider: provider || "server", ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)) };
}
