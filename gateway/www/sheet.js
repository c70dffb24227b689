// The character sheet: opens it over the page, keeps it as the server has it, and lets it act.
//
// sections: what is read. actions: the condition monitor, the pools, and what a character does.

import { Act, conditionSection, poolsSection } from "./actions.js";
import { api, segment } from "./api.js";
import { h, icon, signed, words } from "./dom.js";
import { shortValue } from "./cards.js";
import * as sections from "./sections.js";
import { filled, list, section, table, text } from "./sections.js";
import { Watch } from "./watch.js";

/// The sheet that is open: whose, the form that acts for him, and the stream that tells of changes.
let shown = null;

/// Opens the sheet of a character over the page. At a table (`sessionId`) everybody there sees what is done with it.
export async function openSheet(name, { sessionId = null } = {}) {
  const dialog = document.getElementById("sheet");
  closed();
  const act = new Act({ name, sessionId, onDone: () => refreshSheet() });
  const quiet = () => {}; // A sheet whose stream is lost shows what the table is told.
  const changes = new Watch(`/api/character/${segment(name)}/watch`, {
    onOpen: quiet,
    onLost: quiet,
    onData: () => refreshSheet(),
  });
  shown = { name, act, changes, isFetching: false, isStale: false };
  dialog.addEventListener("close", closed, { once: true });
  dialog.replaceChildren(head(name, "", dialog), h("p", { class: "empty", role: "status" }, "Fetching the sheet …"));
  if (!dialog.open) dialog.showModal();
  await fetchSheet(shown, dialog);
}

function closed() {
  shown?.changes.close();
  shown = null;
}

/// Reads the sheet that is open again, if one is. While it is being read, one further reading is enough for all.
export async function refreshSheet() {
  const dialog = document.getElementById("sheet");
  const current = shown;
  if (!dialog.open || !current) return;
  if (current.isFetching) {
    current.isStale = true;
    return;
  }
  await fetchSheet(current, dialog);
}

async function fetchSheet(current, dialog) {
  const { name } = current;
  current.isFetching = true;
  do {
    current.isStale = false;
    try {
      const [body, sustained, pools] = await Promise.all([
        api(`/api/character/${segment(name)}`),
        api(`/api/sustained_spells/${segment(name)}`).catch(() => null), // A sheet without this is still a sheet.
        api("/api/tools/get_combat_pool", { method: "POST", body: { character_name: name } }).catch(() => null),
      ]);
      if (shown === current) show(dialog, sheetContent(body, sustained, pools, current.act, dialog));
    } catch (error) {
      if (shown === current) show(dialog, failure(name, error, dialog));
    }
  } while (current.isStale && shown === current);
  current.isFetching = false;
}

function failure(name, error, dialog) {
  const others = error.details?.available_characters;
  return [
    head(name, "", dialog),
    h(
      "div",
      { class: "sheet-body", role: "alert" },
      h("p", { class: "notice notice-bad" }, error.message),
      others && h("p", {}, `There are: ${others.join(", ")}.`),
      h("p", { class: "dim" }, `Trace ${error.traceId}`),
    ),
  ];
}

/// Fills the dialog; the focus, what is folded and how far it is scrolled stay as they were.
function show(dialog, content) {
  const focused = dialog.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset.key;
  const top = dialog.querySelector(".sheet-body")?.scrollTop ?? 0;
  const folded = Array.from(dialog.querySelectorAll(".sheet-section:not([open])"), ({ dataset }) => dataset.name);
  const wasOpen = dialog.querySelector(".sheet-section") !== null;
  dialog.replaceChildren(...content.filter(Boolean));
  if (wasOpen) {
    for (const element of dialog.querySelectorAll(".sheet-section")) {
      if (folded.includes(element.dataset.name)) element.open = false;
      else if (element.dataset.name !== "Modifiers") element.open = true;
    }
    dialog.querySelector(".sheet-body")?.scrollTo(0, top);
  }
  // The form that acts is the same as before, and so is what had the focus in it.
  if (focused && dialog.contains(focused)) focused.focus({ preventScroll: true });
  else if (key) dialog.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  if (!dialog.contains(document.activeElement)) dialog.querySelector("button").focus();
}

function head(title, subtitle, dialog) {
  return h(
    "header",
    { class: "sheet-head" },
    h("div", {}, h("h2", { id: "sheet-title" }, title), subtitle && h("p", { class: "dim" }, subtitle)),
    h(
      "button",
      { class: "icon-button", type: "button", "aria-label": "Close the sheet", on: { click: () => dialog.close() } },
      icon("cross"),
    ),
  );
}

function sheetContent(body, sustained, pools, act, dialog) {
  const sheet = { ...body, ...body.data };
  const nested = body;
  act.update(sheet);
  const shownSections = [
    section("Act", act.element),
    conditionSection(sheet, act),
    poolsSection(sheet, pools, act),
    sections.basics(sheet),
    sections.description(sheet),
    sections.attributes(sheet, nested),
    sections.resources(sheet),
    sections.edgesAndFlaws(sheet, nested),
    sections.forms(sheet),
    sections.skills(sheet, nested, act),
    sections.ware("Cyberware", "Essence", "essence_cost", sheet.cyberware),
    sections.ware("Bioware", "Body index", "body_index_cost", sheet.bioware),
    sections.weapons(sheet, nested, act),
    sections.armor(sheet, nested, act),
    sections.equipment(sheet, nested),
    sections.vehicles(sheet, nested),
    sections.cyberdecks(sheet),
    sections.magic(sheet, sustained, nested, act),
    section(
      "Adept powers",
      table(["Power", "Level", "Cost"], list(sheet.powers), ({ power_name, name, level, cost }) => [
        power_name ?? name,
        level,
        cost,
      ]),
    ),
    section(
      "Bound spirits",
      table(
        ["Spirit", "Type", "Force", "Services", "Notes"],
        list(sheet.spirits),
        ({ spirit_name, spirit_type, force, services, special_abilities: abilities, notes }) => [
          spirit_name,
          spirit_type,
          force,
          services === -1 ? "unlimited" : services,
          [list(abilities).join(", "), notes].filter(Boolean).join("; "),
        ],
      ),
    ),
    section(
      "Active effects",
      table(
        ["Effect", "On", "Modifier", "Lasts", "Description"],
        list(sheet.active_effects),
        ({ effect_name, target_attribute, modifier_value, duration, description }) => [
          effect_name,
          target_attribute && words(target_attribute),
          modifier_value && signed(modifier_value),
          duration,
          description,
        ],
      ),
    ),
    section(
      "Contacts",
      table(
        ["Name", "Archetype", "Connection", "Loyalty", "Notes"],
        list(sheet.contacts),
        ({ name, archetype, connection, loyalty, notes }) => [name, archetype, connection, loyalty, notes],
      ),
    ),
    section(
      "Relationships",
      table(
        ["Kind", "Name", "Notes"],
        list(sheet.relationships),
        ({ relationship_type, relationship_name, notes, data }) => [
          words(relationship_type ?? ""),
          relationship_name,
          notes ?? (filled(data) ? shortValue(data) : ""),
        ],
      ),
    ),
    sections.modifiers(sheet),
    section("Background", text(sheet.background)),
    section("Notes", text(sheet.notes)),
  ].filter(Boolean);

  const title = sheet.street_name || sheet.name;
  const subtitle = [
    sheet.full_name ?? (sheet.name !== title ? sheet.name : ""),
    [sheet.metatype, sheet.archetype].filter(Boolean).join(" "),
  ]
    .filter((part) => part && part !== title)
    .join(" · ");
  return [
    head(title, subtitle, dialog),
    h(
      "nav",
      { class: "sheet-nav", "aria-label": "Sections of the sheet" },
      shownSections.map((element) =>
        h(
          "button",
          { type: "button", data: { key: `to-${element.dataset.name}` }, on: { click: () => jump(dialog, element.dataset.name) } },
          element.dataset.name,
        ),
      ),
    ),
    h(
      "div",
      { class: "sheet-body", tabindex: "0", role: "group", "aria-label": `Sheet of ${title}`, data: { key: "body" } },
      body.summary && h("p", { class: "sheet-summary" }, body.summary),
      shownSections,
    ),
  ];
}

function jump(dialog, name) {
  const element = dialog.querySelector(`.sheet-section[data-name="${CSS.escape(name)}"]`);
  element.open = true;
  element.scrollIntoView({ block: "start" });
  element.querySelector("summary").focus({ preventScroll: true });
}
