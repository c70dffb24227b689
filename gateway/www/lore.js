// The campaign of a table and its lore book: what the game master is told when the story comes to it. It may hold what
// players are not to know, so that it stands behind a button.

import { tool } from "./api.js";
import { ask } from "./dialogs.js";
import { count, h, icon } from "./dom.js";

/// The panel of a table's campaign. `onTable` is told a table that has changed, `onFailure` what went wrong.
export class Lore {
  #campaign = "";

  constructor({ sessionId, onTable, onFailure }) {
    this.id = { session_id: sessionId };
    this.onTable = onTable;
    this.onFailure = onFailure;
    this.title = h("p", { class: "dim agreed-line" });
    this.bookButton = h(
      "button",
      { class: "button", type: "button", id: "lore-book", hidden: true, on: { click: () => this.#openBook() } },
      icon("book"),
      "Lore book",
    );
    this.element = h(
      "section",
      { class: "panel", "aria-labelledby": "lore-title", hidden: true },
      h("h2", { id: "lore-title" }, "Campaign"),
      this.title,
      h(
        "button",
        { class: "button", type: "button", id: "campaign", on: { click: () => this.#askCampaign() } },
        icon("branch"),
        "Choose the campaign",
      ),
      this.bookButton,
    );
  }

  /// Shows the campaign of a table.
  async show({ campaign_id: id = "" }) {
    this.element.hidden = false;
    this.bookButton.hidden = !id;
    if (id === this.#campaign && this.title.textContent) return;
    this.#campaign = id;
    this.title.textContent = id ? "…" : "None: the table has no lore book.";
    if (!id) return;
    const campaigns = await this.#campaigns();
    const found = campaigns?.find(({ campaign_id: other }) => other === id);
    this.title.textContent = found?.title ?? id;
  }

  async #campaigns() {
    try {
      return (await tool("list_campaigns", {})).campaigns ?? [];
    } catch (error) {
      this.onFailure(error);
      return null;
    }
  }

  async #askCampaign() {
    const campaigns = await this.#campaigns();
    if (!campaigns) return;
    const answer = await ask({
      title: "Campaign",
      text: "Its state and its lore book are told to the game master.",
      submit: "Choose",
      fields: [
        {
          name: "campaign",
          label: "Campaign",
          type: "select",
          value: this.#campaign,
          options: [
            { value: "", label: "None" },
            ...campaigns.map(({ campaign_id: value, title }) => ({ value, label: title })),
          ],
        },
        { name: "made", label: "Or begin one", maxlength: 100, hint: "Its title." },
      ],
    });
    if (!answer) return;
    try {
      let { campaign } = answer;
      if (answer.made) ({ campaign_id: campaign } = await tool("create_campaign", { title: answer.made }));
      this.onTable(await tool("set_table", { ...this.id, campaign_id: campaign }));
    } catch (error) {
      this.onFailure(error);
    }
  }

  /// The lore book: its entries, each to be changed or taken out.
  async #openBook() {
    const of = { campaign_id: this.#campaign };
    let book;
    try {
      book = await tool("list_lore", of);
    } catch (error) {
      this.onFailure(error);
      return;
    }
    const { entries = [], token_budget: budget = 0 } = book;
    let chosen = null;
    const list = h("ul", { class: "known known-all" });
    list.append(...entries.map((entry) => this.#entry(entry, (change) => {
      chosen = change;
      list.closest("dialog").close();
    })));
    if (entries.length === 0) list.append(h("li", { class: "dim" }, "No entries yet."));
    const answer = await ask({
      title: "Lore book",
      text: `An entry is told when the story uses one of its words, in at most ${count(budget, "token")} a turn.`,
      submit: "New entry",
      extra: [list],
    });
    if (answer) chosen = () => this.#askEntry({});
    if (!chosen) return;
    try {
      await chosen();
    } catch (error) {
      this.onFailure(error);
      return;
    }
    await this.#openBook();
  }

  #entry(entry, choose) {
    const { title, keywords = [], text, always, tokens = 0 } = entry;
    const about = [always && "always told", keywords.length > 0 && `also by: ${keywords.join(", ")}`, count(tokens, "token")];
    const remove = () => tool("delete_lore", { campaign_id: this.#campaign, title });
    const button = (label, sign, act) =>
      h(
        "button",
        { class: "icon-button", type: "button", "aria-label": `${label} ${title}`, title: label, on: { click: () => choose(act) } },
        icon(sign),
      );
    return h(
      "li",
      { class: "known-item" },
      h(
        "span",
        { class: "known-text" },
        h("strong", {}, title),
        h("span", {}, text),
        h("span", { class: "dim" }, about.filter(Boolean).join(" · ")),
      ),
      button("Change", "sheet", () => this.#askEntry(entry)),
      button("Take out", "cross", remove),
    );
  }

  async #askEntry({ title = "", text = "", keywords = [], always = false }) {
    const answer = await ask({
      title: title ? `Lore: ${title}` : "New lore",
      text: title && "Under another title it becomes another entry.",
      submit: "Keep",
      fields: [
        { name: "title", label: "Title", value: title, required: true, maxlength: 100 },
        { name: "text", label: "What the game master is told", type: "textarea", value: text, required: true, maxlength: 4000 },
        { name: "keywords", label: "Words that bring it up", value: keywords.join(", "), maxlength: 1000, hint: "Separated by commas; those of the title do so anyway." },
        { name: "always", label: "Told in every turn", type: "checkbox", value: always },
      ],
    });
    if (!answer) return;
    const words = answer.keywords.split(",").map((word) => word.trim()).filter(Boolean);
    await tool("set_lore", {
      campaign_id: this.#campaign,
      title: answer.title,
      text: answer.text,
      keywords: words,
      always: answer.always,
    });
  }
}
