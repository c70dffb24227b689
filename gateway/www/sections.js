// The sections of a character sheet that are read, in the order a player looks for them, and what they are made of.

import { shortValue } from "./cards.js";
import { h, signed, words } from "./dom.js";

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

export function basics({ name, street_name, metatype, archetype, sex, age, character_type, totem, tradition }) {
  return section(
    "Basic information",
    pairs({ name, street_name, character_type, metatype, archetype, sex, age, totem, tradition }),
  );
}

export const description = ({ height, weight, hair, eyes, skin }) =>
  section("Physical description", pairs({ height, weight, hair, eyes, skin }));

export function attributes(sheet, { attributes: nested = {}, initiatives }) {
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

export function resources({
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

/// Other shapes of a shape-changer.
export function forms({ forms: shapes }) {
  return section(
    "Forms",
    list(shapes).map(({ name, attributes: values, ...rest }) => [
      h("h4", {}, words(name ?? "Form")),
      pairs({ ...values, ...rest }),
    ]),
  );
}

export function edgesAndFlaws(sheet, nested) {
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

export function skills(sheet, nested, act) {
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
              kind === "active" && actButton(act, "test", name, "Test"),
            ),
          ),
        ),
      ]),
  );
}

export function ware(title, costName, costKey, entries) {
  return section(
    title,
    table([title, costName, "Effects"], list(entries), (item) => [
      item.name,
      item[costKey] || null,
      list(item.effects).map(effect).join("; ") || (filled(item.details) ? shortValue(item.details) : ""),
    ]),
  );
}

function effect(item) {
  if (typeof item !== "object") return String(item);
  const { target_name: target, modifier_value: value, modifier_type: type } = item;
  return target ? `${words(target)}${value ? ` ${signed(value)}` : ""}` : (type ?? shortValue(item));
}

export function weapons(sheet, nested, act) {
  const headings = ["Weapon", "Class", "Damage", "Modes", "Conceal", "Ammunition", "Modifications and notes", "Attack"];
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
        rounds(item, item.ammo_capacity ?? stats.ammo_capacity),
        remarks(item),
        actButton(act, "attack", item.gear_name ?? item.name, "Attack"),
      ];
    }),
  );
}

/// What a weapon holds, and how many rounds are in it if it is not full.
function rounds({ rounds: left }, capacity) {
  return capacity && Number.isInteger(left) ? `${left} of ${capacity}` : capacity;
}

/// The name, and how many there are if more than one.
const named = ({ gear_name: gearName, name, quantity }) => `${gearName ?? name}${quantity > 1 ? ` ×${quantity}` : ""}`;

export function armor(sheet, nested, act) {
  const headings = ["Armour", "Ballistic", "Impact", "Modifications and notes", "Worn"];
  return section(
    "Armour",
    table(headings, gear(sheet, "armor", nested.armor), (item) => [
      named(item),
      item.ballistic_rating ?? item.ballistic,
      item.impact_rating ?? item.impact,
      remarks(item),
      wearButton(act, item.gear_name ?? item.name, item.worn === true),
    ]),
  );
}

function wearButton(act, name, worn) {
  return h(
    "button",
    {
      class: "button button-small",
      type: "button",
      "aria-label": worn ? `Take off ${name}` : `Put on ${name}`,
      data: { key: `wear-${name}` },
      on: { click: () => act.call("wear_armor", { armor_name: name, worn: !worn }, { isShown: false }) },
    },
    worn ? "Take off" : "Put on",
  );
}

export function equipment(sheet, nested) {
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

export function vehicles(sheet, nested) {
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

export function cyberdecks({ cyberdecks: decks }) {
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

export function magic(sheet, sustained, nested, act) {
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
        held.map((spell) => sustainedItem(spell, act)),
      ),
    ],
    categories.map((category) => [
      h("h4", {}, words(category ?? "Spells")),
      table(
        ["Spell", "Force", "Type", "Duration", "Drain", "Notes", "Cast"],
        spells.filter(({ spell_category: own }) => own === category),
        (spell) => [
          spell.spell_name,
          spell.learned_force ?? spell.force,
          spell.spell_type,
          spell.duration,
          spell.drain_code ?? spell.drain_modifier,
          spell.description ?? spell.notes,
          actButton(act, "cast", spell.spell_name, "Cast"),
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

function sustainedItem({ spell_name: spell, force }, act) {
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
        data: { key: `drop-${spell}` },
        on: { click: () => act.call("drop_spell", { spell_name: spell }) },
      },
      "Drop",
    ),
  );
}

/// A button that puts something of the sheet into the form that acts.
function actButton(act, kind, name, verb) {
  return h(
    "button",
    {
      class: "button button-small",
      type: "button",
      "aria-label": `${verb} ${name}`,
      data: { key: `${kind}-${name}` },
      on: { click: () => act.pick(kind, name) },
    },
    verb,
  );
}

export function modifiers({ modifiers: entries }) {
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
export function section(name, content, isOpen = true) {
  if (!filled(content)) return null;
  return h(
    "details",
    { class: "sheet-section", open: isOpen, data: { name } },
    h("summary", {}, h("h3", {}, name)),
    content,
  );
}

export function pairs(values) {
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
export function table(headings, items, cells) {
  if (items.length === 0) return null;
  const rows = items.map((item) =>
    cells(item).map((cell) =>
      cell instanceof Node ? cell : cell === null || cell === undefined || cell === false ? "" : String(cell),
    ),
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

export const text = (value) => value && h("p", { class: "free-text" }, value);

export const list = (value) => (Array.isArray(value) ? value : []);

export function filled(value) {
  if (value === null || value === undefined || value === false || value === "") return false;
  if (value instanceof Node) return true;
  if (Array.isArray(value)) return value.some(filled);
  return typeof value !== "object" || Object.keys(value).length > 0;
}
