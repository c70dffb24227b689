// The character sheet: every section of the contract that has something to say.

import { api, segment } from "./api.js";
import { shortValue } from "./cards.js";
import { h, icon, signed, words } from "./dom.js";

const ATTRIBUTES = [
  "body",
  "quickness",
  "strength",
  "charisma",
  "intelligence",
  "willpower",
  "essence",
  "magic",
  "reaction",
];
export const CONDITION_BOXES = 10;
const CONDITION_STEPS = { 1: "Light", 3: "Moderate", 6: "Serious", 10: "Deadly" };

let shown = null;

/// Opens the sheet of a character over the page.
export async function openSheet(name) {
  const dialog = document.getElementById("sheet");
  shown = name;
  dialog.replaceChildren(head(name, "", dialog), h("p", { class: "empty", role: "status" }, "Fetching the sheet …"));
  if (!dialog.open) dialog.showModal();
  await fetchSheet(name, dialog);
}

/// Reads the sheet that is open again, if one is.
export async function refreshSheet() {
  const dialog = document.getElementById("sheet");
  if (!dialog.open) return;
  const top = dialog.querySelector(".sheet-body")?.scrollTop ?? 0;
  const folded = Array.from(dialog.querySelectorAll(".sheet-section:not([open])"), ({ dataset }) => dataset.name);
  await fetchSheet(shown, dialog);
  for (const element of dialog.querySelectorAll(".sheet-section")) {
    if (folded.includes(element.dataset.name)) element.open = false;
  }
  dialog.querySelector(".sheet-body")?.scrollTo(0, top);
}

async function fetchSheet(name, dialog) {
  try {
    const [body, sustained] = await Promise.all([
      api(`/api/character/${segment(name)}`),
      api(`/api/sustained_spells/${segment(name)}`).catch(() => null), // A sheet without this is still a sheet.
    ]);
    if (shown === name) show(dialog, sheetContent(body, sustained, dialog));
  } catch (error) {
    if (shown !== name) return;
    const others = error.details?.available_characters;
    show(dialog, [
      head(name, "", dialog),
      h(
        "div",
        { class: "sheet-body", role: "alert" },
        h("p", { class: "notice notice-bad" }, error.message),
        others && h("p", {}, `There are: ${others.join(", ")}.`),
        h("p", { class: "dim" }, `Trace ${error.traceId}`),
      ),
    ]);
  }
}

/// Fills the dialog and keeps the focus in it.
function show(dialog, content) {
  dialog.replaceChildren(...content);
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

function sheetContent(body, sustained, dialog) {
  const sheet = { ...body, ...body.data };
  const nested = body;
  const sections = [
    basics(sheet),
    description(sheet),
    attributes(sheet, nested),
    condition(sheet),
    resources(sheet),
    pools(sheet),
    edgesAndFlaws(sheet, nested),
    forms(sheet),
    skills(sheet, nested),
    ware("Cyberware", "Essence", "essence_cost", sheet.cyberware),
    ware("Bioware", "Body index", "body_index_cost", sheet.bioware),
    weapons(sheet, nested),
    armor(sheet, nested),
    equipment(sheet, nested),
    vehicles(sheet, nested),
    cyberdecks(sheet),
    magic(sheet, sustained, nested),
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
        ["Effect", "On", "Modifier", "Lasts"],
        list(sheet.active_effects),
        ({ effect_name, target_name, modifier_value, duration_type, notes }) => [
          effect_name,
          target_name,
          modifier_value && signed(modifier_value),
          duration_type ?? notes,
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
    modifiers(sheet),
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
      sections.map((element) =>
        h("button", { type: "button", on: { click: () => jump(element) } }, element.dataset.name),
      ),
    ),
    h(
      "div",
      { class: "sheet-body", tabindex: "0", role: "group", "aria-label": `Sheet of ${title}` },
      body.summary && h("p", { class: "sheet-summary" }, body.summary),
      sections,
    ),
  ];
}

function jump(element) {
  element.open = true;
  element.scrollIntoView({ block: "start" });
  element.querySelector("summary").focus({ preventScroll: true });
}

// The sections, in the order a player looks for them.

function basics({ name, street_name, metatype, archetype, sex, age, character_type, totem, tradition }) {
  return section(
    "Basic information",
    pairs({ name, street_name, character_type, metatype, archetype, sex, age, totem, tradition }),
  );
}

const description = ({ height, weight, hair, eyes, skin }) =>
  section("Physical description", pairs({ height, weight, hair, eyes, skin }));

function attributes(sheet, { attributes: nested = {}, initiatives }) {
  const tiles = ATTRIBUTES.map((name) => ({
    name,
    current: sheet[`current_${name}`] ?? nested[name],
    base: sheet[`base_${name}`] ?? nested[`${name}_base`],
    why: reasons(sheet.modifiers, name),
  })).filter(
    ({ name, current, base }) => current !== undefined && current !== null && !(name === "magic" && !current && !base),
  );
  const lines = Array.isArray(initiatives) ? initiatives : (sheet.initiatives ?? []);
  return section("Attributes", [
    h(
      "ul",
      { class: "attributes" },
      tiles.map(({ name, current, base, why }) =>
        h(
          "li",
          { class: current > base ? "raised" : current < base ? "lowered" : "", title: why },
          h("span", { class: "label" }, words(name)),
          h("strong", {}, current),
          h("span", { class: "dim" }, base !== undefined && base !== null ? `base ${base}` : ""),
        ),
      ),
    ),
    pairs({
      initiative: sheet.initiative,
      ...Object.fromEntries(
        list(lines).map((line, index) => [
          line.name ?? line.kind ?? line.form ?? `initiative_${index + 1}`,
          line.initiative ?? line.notation ?? shortValue(line),
        ]),
      ),
      essence_hole: sheet.essence_hole || null,
      body_index: sheet.body_index_max ? `${sheet.body_index_current ?? 0} of ${sheet.body_index_max}` : null,
    }),
  ]);
}

/// Why a current value is not the base: the modifiers on it, in words.
function reasons(modifiers, name) {
  const lines = list(modifiers)
    .filter(({ target_name: target }) => String(target).toLowerCase() === name)
    .map(({ source, modifier_value: value }) => `${source} ${signed(value)}`);
  return lines.length > 0 ? lines.join(", ") : null;
}

function condition(sheet) {
  const monitor = conditionOf(sheet);
  if (!monitor) return null;
  return section("Condition monitor", [
    h(
      "div",
      { class: "monitors" },
      Object.entries(monitor.tracks).map(([name, boxes]) => monitorTrack(name, boxes)),
    ),
    pairs({ overflow: monitor.overflow || null, wound_modifier: monitor.modifier ? signed(monitor.modifier) : null }),
  ]);
}

/// The boxes that are filled on each track, or null if the sheet does not tell.
export function conditionOf(sheet) {
  const monitor = sheet.condition_monitor ?? sheet.condition;
  if (!monitor || typeof monitor !== "object") return null;
  const tracks = Object.fromEntries(
    ["physical", "stun"].map((name) => [name, filledBoxes(monitor, name)]).filter(([, boxes]) => boxes !== null),
  );
  if (Object.keys(tracks).length === 0) return null;
  return { tracks, overflow: monitor.overflow, modifier: monitor.wound_modifier ?? monitor.target_number_modifier };
}

function filledBoxes(monitor, name) {
  const value = monitor[name] ?? monitor[`${name}_damage`];
  const boxes = typeof value === "object" && value !== null ? (value.damage ?? value.filled ?? value.boxes) : value;
  return Number.isFinite(boxes) ? boxes : null;
}

function monitorTrack(name, filled) {
  const boxes = Array.from({ length: CONDITION_BOXES }, (_, index) => index + 1);
  return h(
    "div",
    {
      class: `monitor monitor-${name}`,
      role: "img",
      "aria-label": `${words(name)}: ${filled} of ${CONDITION_BOXES} boxes`,
    },
    h("p", {}, words(name), h("b", {}, `${filled} / ${CONDITION_BOXES}`)),
    h(
      "div",
      { class: "boxes" },
      boxes.map((box) =>
        h(
          "span",
          { class: box <= filled ? "box box-filled" : "box", title: CONDITION_STEPS[box] },
          CONDITION_STEPS[box]?.[0] ?? "",
        ),
      ),
    ),
  );
}

function resources({
  nuyen,
  karma_pool,
  karma_total,
  karma_available,
  lifestyle,
  lifestyle_cost: cost,
  lifestyle_months_prepaid: months,
}) {
  return section(
    "Resources and status",
    pairs({
      nuyen: nuyen === undefined || nuyen === null ? null : `${Number(nuyen).toLocaleString()} ¥`,
      karma_pool,
      karma_total,
      karma_available,
      lifestyle,
      lifestyle_cost: cost ? `${Number(cost).toLocaleString()} ¥ a month` : null,
      months_prepaid: months,
    }),
  );
}

function pools({ combat_pool, magic_pool, spell_pool, task_pool, hacking_pool, control_pool, ...sheet }) {
  const values = {
    combat_pool,
    magic_pool,
    spell_pool,
    task_pool,
    hacking_pool,
    control_pool,
    power_points: sheet.power_points_total
      ? `${sheet.power_points_used ?? 0} of ${sheet.power_points_total} used`
      : null,
  };
  return section("Dice pools", pairs(Object.fromEntries(Object.entries(values).filter(([, value]) => value))));
}

/// Other shapes of a shape-changer.
function forms({ forms: shapes }) {
  return section(
    "Forms",
    list(shapes).map(({ name, attributes: values, ...rest }) => [
      h("h4", {}, words(name ?? "Form")),
      pairs({ ...values, ...rest }),
    ]),
  );
}

function edgesAndFlaws(sheet, nested) {
  const all = list(sheet.edges_flaws);
  const kind = (wanted, separate) => (all.length > 0 ? all.filter(({ type }) => type === wanted) : list(separate));
  const items = (title, entries) =>
    entries.length > 0 &&
    h(
      "div",
      {},
      h("h4", {}, title),
      h(
        "ul",
        { class: "plain" },
        entries.map(({ name, description: about, cost }) =>
          h(
            "li",
            {},
            h("strong", {}, name),
            cost ? ` (${cost})` : "",
            about && h("span", { class: "dim" }, ` ${about}`),
          ),
        ),
      ),
    );
  const parts = [
    items("Edges", kind("edge", sheet.edges ?? nested.edges)),
    items("Flaws", kind("flaw", sheet.flaws ?? nested.flaws)),
  ].filter(Boolean);
  return section("Edges and flaws", parts.length > 0 && h("div", { class: "columns" }, parts));
}

function skills(sheet, nested) {
  const flat = Array.isArray(sheet.skills)
    ? sheet.skills
    : Object.entries(nested.skills ?? {}).flatMap(([kind, entries]) =>
        list(entries).map((entry) => ({ skill_type: kind, ...entry })),
      );
  const groups = ["active", "knowledge", "language"]
    .map((kind) => [kind, flat.filter(({ skill_type: type }) => (type ?? "active") === kind)])
    .filter(([, entries]) => entries.length > 0);
  return section(
    "Skills",
    groups.length > 0 &&
      groups.map(([kind, entries]) => [
        h("h4", {}, words(kind)),
        h(
          "ul",
          { class: "skills" },
          entries.map(({ skill_name: name, current_rating: current, base_rating: base, rating, specialization }) =>
            h(
              "li",
              {},
              h("span", {}, name, specialization && h("span", { class: "dim" }, ` (${specialization})`)),
              h(
                "b",
                {},
                current ?? rating,
                base !== undefined &&
                  base !== null &&
                  base !== (current ?? rating) &&
                  h("span", { class: "dim" }, ` (${base})`),
              ),
            ),
          ),
        ),
      ]),
  );
}

function ware(title, costName, costKey, entries) {
  return section(
    title,
    table([title, costName, "Effects"], list(entries), (item) => [
      item.name,
      item[costKey],
      list(item.effects).map(effect).join("; ") || (filled(item.details) ? shortValue(item.details) : ""),
    ]),
  );
}

function effect(item) {
  if (typeof item !== "object") return String(item);
  const { target_name: target, modifier_value: value, modifier_type: type } = item;
  return target ? `${words(target)}${value ? ` ${signed(value)}` : ""}` : (type ?? shortValue(item));
}

function weapons(sheet, nested) {
  const headings = ["Weapon", "Class", "Damage", "Modes", "Conceal", "Ammunition", "Modifications and notes"];
  const rows = gear(sheet, "weapon", nested.weapons);
  return section(
    "Weapons",
    table(headings, rows, (item) => {
      const stats = item.weapon_stats ?? item.stats ?? {};
      return [
        named(item),
        stats.class,
        item.damage ?? stats.damage,
        list(stats.modes).join(", "),
        item.conceal ?? stats.conceal,
        item.ammo_capacity ?? stats.ammo_capacity,
        remarks(item),
      ];
    }),
  );
}

/// The name, and how many there are if more than one.
const named = ({ gear_name: gearName, name, quantity }) => `${gearName ?? name}${quantity > 1 ? ` ×${quantity}` : ""}`;

function armor(sheet, nested) {
  return section(
    "Armour",
    table(["Armour", "Ballistic", "Impact", "Modifications and notes"], gear(sheet, "armor", nested.armor), (item) => [
      named(item),
      item.ballistic_rating ?? item.ballistic,
      item.impact_rating ?? item.impact,
      remarks(item),
    ]),
  );
}

function equipment(sheet, nested) {
  const flat = list(sheet.gear).filter(({ gear_type: type }) => !["weapon", "armor"].includes(type));
  return section(
    "Equipment",
    table(["Item", "Quantity", "Notes"], flat.length > 0 ? flat : list(nested.equipment), (item) => [
      item.gear_name ?? item.name,
      item.quantity,
      remarks(item),
    ]),
  );
}

const gear = (sheet, type, nested) => {
  const flat = list(sheet.gear).filter(({ gear_type: kind }) => kind === type);
  return flat.length > 0 ? flat : list(nested);
};

const remarks = ({ modifications, notes }) =>
  [filled(modifications) ? shortValue(modifications) : "", notes].filter(Boolean).join("; ");

function vehicles(sheet, nested) {
  const rows = list(sheet.vehicles ?? nested.vehicles);
  return section(
    "Vehicles and drones",
    table(["Vehicle", "Type", "Handling", "Speed", "Body", "Armour", "Signature", "Pilot", "Notes"], rows, (item) => [
      item.vehicle_name ?? item.name,
      item.vehicle_type,
      item.handling,
      item.speed,
      item.body,
      item.armor,
      item.signature,
      item.pilot,
      remarks(item),
    ]),
  );
}

function cyberdecks({ cyberdecks: decks }) {
  return section(
    "Cyberdecks",
    list(decks).length > 0 &&
      list(decks).map((deck) => [
        h("h4", {}, deck.deck_name),
        pairs({
          mpcp: deck.mpcp,
          hardening: deck.hardening,
          memory: deck.memory,
          storage: deck.storage,
          io_speed: deck.io_speed,
          response_increase: deck.response_increase,
          persona: filled(deck.persona_programs) ? shortValue(deck.persona_programs) : null,
          utilities: filled(deck.utilities) ? shortValue(deck.utilities) : null,
          companions: filled(deck.ai_companions) ? shortValue(deck.ai_companions) : null,
          notes: deck.notes,
        }),
      ]),
  );
}

function magic(sheet, sustained, nested) {
  const spells = list(sheet.spells ?? nested.spells);
  const foci = list(sheet.foci);
  const held = list(sustained?.sustained_spells);
  if (spells.length + foci.length + held.length === 0 && !sheet.totem) return null;
  const categories = [...new Set(spells.map(({ spell_category: category }) => category))];
  return section("Magic and spellcasting", [
    pairs({
      magic: sheet.current_magic,
      tradition: sheet.tradition,
      totem: sheet.totem,
      initiate_level: sheet.initiate_level || null,
      sustaining_penalty: sustained?.sustaining_penalty ? signed(sustained.sustaining_penalty) : null,
    }),
    held.length > 0 && [
      h("h4", {}, "Sustained now"),
      h(
        "ul",
        { class: "plain" },
        held.map((spell) => sustainedItem(sheet, spell)),
      ),
    ],
    categories.map((category) => [
      h("h4", {}, words(category ?? "Spells")),
      table(
        ["Spell", "Force", "Type", "Duration", "Drain", "Notes"],
        spells.filter(({ spell_category: own }) => own === category),
        (spell) => [
          spell.spell_name,
          spell.learned_force ?? spell.force,
          spell.spell_type,
          spell.duration,
          spell.drain_code ?? spell.drain_modifier,
          spell.description ?? spell.notes,
        ],
      ),
    ]),
    foci.length > 0 && [
      h("h4", {}, "Foci"),
      table(["Focus", "Type", "Force", "For", "Notes"], foci, (focus) => [
        focus.focus_name,
        focus.focus_type,
        focus.force,
        focus.specific_spell ?? focus.spell_category,
        [focus.bonus_dice && `${signed(focus.bonus_dice)} dice`, focus.bonded === false && "not bonded", focus.notes]
          .filter(Boolean)
          .join("; "),
      ]),
    ],
  ]);
}

function sustainedItem(sheet, { spell_name: spell, force }) {
  const name = sheet.street_name || sheet.name;
  const drop = async () => {
    await api("/api/drop_spell", { method: "POST", body: { character_name: name, spell_name: spell } });
    await refreshSheet();
  };
  return h(
    "li",
    {},
    h("strong", {}, spell),
    ` Force ${force} `,
    h(
      "button",
      {
        class: "button button-small",
        type: "button",
        "aria-label": `Drop ${spell}`,
        on: {
          click: (event) =>
            drop().catch((error) =>
              event.target.after(h("span", { class: "notice-bad", role: "alert" }, ` ${error.message}`)),
            ),
        },
      },
      "Drop",
    ),
  );
}

function modifiers({ modifiers: entries }) {
  const known = list(entries).filter(({ modifier_value: value }) => value);
  return section(
    "Modifiers",
    table(
      ["On", "Modifier", "From", "Notes"],
      known,
      ({ target_name, modifier_value, source, source_type, condition: when, notes }) => [
        words(target_name ?? ""),
        signed(modifier_value),
        [source, source_type && `(${source_type})`].filter(Boolean).join(" "),
        [when, notes].filter((part) => typeof part === "string").join("; "),
      ],
    ),
    false,
  );
}

// What sections are made of.

/// A section that can be folded, or nothing if it would be empty.
function section(name, content, isOpen = true) {
  if (!filled(content)) return null;
  return h(
    "details",
    { class: "sheet-section", open: isOpen, data: { name } },
    h("summary", {}, h("h3", {}, name)),
    content,
  );
}

function pairs(values) {
  const known = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    known.length > 0 &&
    h(
      "dl",
      { class: "facts" },
      known.map(([name, value]) => h("div", {}, h("dt", {}, words(name)), h("dd", {}, shortValue(value)))),
    )
  );
}

/// A table without the columns in which no row has anything.
function table(headings, items, cells) {
  if (items.length === 0) return null;
  const rows = items.map((item) =>
    cells(item).map((cell) => (cell === null || cell === undefined || cell === false ? "" : String(cell))),
  );
  const kept = headings.map((_, column) => rows.some((row) => row[column] !== ""));
  const keep = (row) => row.filter((_, column) => kept[column]);
  return h(
    "div",
    { class: "table-wrap" },
    h(
      "table",
      { class: "grid" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          keep(headings).map((heading) => h("th", { scope: "col" }, heading)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            keep(row).map((cell, column) => (column === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell))),
          ),
        ),
      ),
    ),
  );
}

const text = (value) => value && h("p", { class: "free-text" }, value);

const list = (value) => (Array.isArray(value) ? value : []);

function filled(value) {
  if (value === null || value === undefined || value === false || value === "") return false;
  if (value instanceof Node) return true;
  if (Array.isArray(value)) return value.some(filled);
  return typeof value !== "object" || Object.keys(value).length > 0;
}
