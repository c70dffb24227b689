// What one does with a sheet: boxes of the condition monitor, dice of the pools, tests, attacks and spells.

import { api, segment } from "./api.js";
import { toolCard } from "./cards.js";
import { count, h, signed, words } from "./dom.js";
import { CONDITION_BOXES, conditionOf, list, pairs, section } from "./sections.js";

const CONDITION_STEPS = { 1: "Light", 3: "Moderate", 6: "Serious", 10: "Deadly" };
const ATTRIBUTES = ["Body", "Quickness", "Strength", "Charisma", "Intelligence", "Willpower", "Reaction"];
const LIGHT = { "": "As described", NORMAL: "Normal", PARTIAL: "Partial light", DIM: "Minimal light", DARK: "Darkness" };
const MOVEMENT = { "": "Unknown", stationary: "Stands still", walking: "Walks", running: "Runs" };
const MODES = { "": "One round", BF: "Burst of three", FA: "Full automatic" };
const DIFFICULTIES = { trivial: 2, easy: 4, average: 5, difficult: 6, very_difficult: 8 };

/// The forms that act for a character, and where their results are shown. They stay while the sheet is read anew.
export class Act {
  #kinds = {};

  constructor({ name, sessionId, onDone }) {
    this.name = name;
    this.sessionId = sessionId;
    this.onDone = onDone;
    this.result = h("div", { class: "act-result", role: "status", "aria-live": "polite" });
    this.tabs = h("div", { class: "act-tabs", role: "group", "aria-label": "What to do" });
    this.forms = h("div", {});
    this.element = h("div", { class: "act" }, this.tabs, this.forms, this.result);
    this.#add("test", "Test", testForm(this));
    this.#add("attack", "Attack", attackForm(this));
    this.#add("cast", "Cast", castForm(this));
    this.#add("resist", "Resist damage", resistForm(this));
    this.#add("initiative", "Initiative", initiativeForm(this));
    this.#open("test");
  }

  #add(kind, title, form) {
    const tab = h(
      "button",
      { class: "button button-small", type: "button", "aria-pressed": "false", on: { click: () => this.#open(kind) } },
      title,
    );
    form.element.setAttribute("aria-label", title);
    this.#kinds[kind] = { tab, form };
    this.tabs.append(tab);
    this.forms.append(form.element);
  }

  #open(kind) {
    for (const [name, { tab, form }] of Object.entries(this.#kinds)) {
      tab.setAttribute("aria-pressed", String(name === kind));
      form.element.hidden = name !== kind;
    }
  }

  /// Puts a skill, weapon or spell of the sheet into its form.
  pick(kind, name) {
    this.#open(kind);
    const { form } = this.#kinds[kind];
    form.pick(name);
    this.element.closest("details").open = true;
    this.element.scrollIntoView({ block: "nearest" });
    form.element.querySelector("select, input").focus();
  }

  /// Offers what the sheet has now.
  update(sheet) {
    for (const { form } of Object.values(this.#kinds)) form.update(sheet);
    this.#kinds.cast.tab.hidden = list(sheet.spells).length === 0;
  }

  /// Calls a tool for the character, at the table if he is at one, and shows what comes of it.
  async call(tool, given, { who = "character_name", isShown = true } = {}) {
    const body = { [who]: this.name };
    for (const [key, value] of Object.entries(given)) {
      if (value !== "" && value !== null && value !== undefined && !Number.isNaN(value)) body[key] = value;
    }
    const place = this.sessionId ? `?session_id=${segment(this.sessionId)}` : "";
    try {
      const result = await api(`/api/tools/${tool}${place}`, { method: "POST", body });
      if (isShown) this.result.replaceChildren(toolCard({ tool, result }));
      else this.result.replaceChildren();
      await this.onDone();
    } catch (error) {
      const result = { error: error.message, code: error.code };
      this.result.replaceChildren(toolCard({ tool, result, failed: true, trace_id: error.traceId }));
    }
    this.result.scrollIntoView({ block: "nearest" });
  }
}

/// A form of labelled fields that calls something when it is sent.
function formOf(label, fields, onSend) {
  const send = h("button", { class: "button button-primary", type: "submit" }, label);
  const element = h("form", { class: "act-form" }, fields, send);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    await onSend();
    send.disabled = false;
  });
  return element;
}

const labelled = (label, control) => h("label", { class: "field" }, h("span", { class: "label" }, label), control);

const number = (min, max, value = "") =>
  h("input", { class: "input", type: "number", min, max, value: String(value), inputmode: "numeric" });

const choice = (options = {}) =>
  h(
    "select",
    { class: "input" },
    Object.entries(options).map(([value, label]) => h("option", { value }, label)),
  );

/// Offers names; what is chosen stays chosen if it is still there.
function offer(select, groups) {
  const chosen = select.value;
  select.replaceChildren(
    ...groups
      .filter(([, names]) => names.length > 0)
      .map(([label, names]) =>
        h(
          "optgroup",
          { label },
          names.map(([value, shown]) => h("option", { value }, shown)),
        ),
      ),
  );
  if (Array.from(select.options).some(({ value }) => value === chosen)) select.value = chosen;
}

function testForm(act) {
  const skill = choice();
  const difficulty = choice(
    Object.fromEntries(Object.entries(DIFFICULTIES).map(([word, figure]) => [word, `${words(word)} (${figure})`])),
  );
  difficulty.value = "average";
  const modifier = number(-20, 20, 0);
  const element = formOf("Roll the test", [labelled("Skill or attribute", skill), labelled("Difficulty", difficulty), labelled("Modifier", modifier)], () =>
    act.call("test_skill", {
      skill_name: skill.value,
      difficulty: difficulty.value,
      modifier: modifier.valueAsNumber || undefined,
    }),
  );
  return {
    element,
    pick: (name) => (skill.value = name),
    update: (sheet) =>
      offer(skill, [
        [
          "Skills",
          list(sheet.skills).map(({ skill_name: name, current_rating: rating }) => [name, `${name} ${rating}`]),
        ],
        ["Attributes", ATTRIBUTES.map((name) => [name, `${name} ${sheet[`current_${name.toLowerCase()}`]}`])],
      ]),
  };
}

function attackForm(act) {
  const weapon = choice();
  const distance = number(0, 100000, 10);
  const pool = number(0, 100, 0);
  const target = h("input", { class: "input", type: "text", maxlength: "100", autocomplete: "off" });
  const light = choice(LIGHT);
  const movement = choice(MOVEMENT);
  const mode = choice(MODES);
  const skill = number(1, 100, 3);
  const isMelee = new Map();
  const ranged = [
    labelled("Distance in metres", distance),
    labelled("Target's movement", movement),
    labelled("Fire", mode),
  ];
  const melee = [labelled("Opponent's dice (without a sheet)", skill)];
  const fit = () => {
    for (const field of ranged) field.hidden = isMelee.get(weapon.value) === true;
    for (const field of melee) field.hidden = isMelee.get(weapon.value) !== true;
  };
  weapon.addEventListener("change", fit);
  const send = () => {
    const shared = { weapon_name: weapon.value, combat_pool: pool.valueAsNumber, light_level: light.value };
    if (isMelee.get(weapon.value))
      return act.call("melee_combat", { ...shared, target_name: target.value, target_skill: skill.valueAsNumber });
    return act.call("calculate_ranged_attack", {
      ...shared,
      target_distance: distance.valueAsNumber,
      target_description: target.value,
      target_movement: movement.value,
      firing_mode: mode.value,
    });
  };
  const fields = [labelled("Weapon", weapon), labelled("Target", target), ranged, labelled("Combat Pool dice", pool), labelled("Light", light), melee];
  return {
    element: formOf("Roll the attack", fields, send),
    pick: (name) => {
      weapon.value = name;
      fit();
    },
    update: (sheet) => {
      isMelee.clear();
      const weapons = list(sheet.gear).filter(({ gear_type: type }) => type === "weapon");
      for (const { gear_name: name, weapon_stats: stats } of weapons) isMelee.set(name, !stats?.class);
      isMelee.set("Unarmed", true);
      offer(weapon, [
        ["On the sheet", weapons.map(({ gear_name: name, damage }) => [name, damage ? `${name} (${damage})` : name])],
        [
          "Of the rule book",
          [
            ["Unarmed", "Unarmed"],
            ["Ares Predator", "Ares Predator (9M)"],
          ],
        ],
      ]);
      fit();
    },
  };
}

function castForm(act) {
  const spell = choice();
  const force = number(1, 100, 1);
  const target = h("input", { class: "input", type: "text", maxlength: "100", autocomplete: "off" });
  const pool = number(0, 100, 0);
  const drain = number(0, 100, 0);
  const forces = new Map();
  const fit = () => {
    force.max = String(forces.get(spell.value) ?? 100);
    force.value = force.max;
  };
  spell.addEventListener("change", fit);
  const fields = [
    labelled("Spell", spell),
    labelled("Force", force),
    labelled("Target", target),
    labelled("Magic Pool dice for the spell", pool),
    labelled("Magic Pool dice against drain", drain),
  ];
  const send = () =>
    act.call(
      "cast_spell",
      {
        spell_name: spell.value,
        force: force.valueAsNumber,
        target_name: target.value,
        spell_pool_dice: pool.valueAsNumber,
        drain_pool_dice: drain.valueAsNumber,
      },
      { who: "caster_name" },
    );
  return {
    element: formOf("Cast the spell", fields, send),
    pick: (name) => {
      spell.value = name;
      fit();
    },
    update: (sheet) => {
      const before = spell.value;
      const spells = list(sheet.spells);
      forces.clear();
      for (const { spell_name: name, learned_force: learned } of spells) forces.set(name, learned);
      offer(spell, [
        ["Spells", spells.map(({ spell_name: name, learned_force: learned }) => [name, `${name} (Force ${learned})`])],
      ]);
      if (spell.value !== before) fit();
    },
  };
}

function resistForm(act) {
  const code = h("input", {
    class: "input",
    type: "text",
    maxlength: "20",
    placeholder: "9M",
    required: true,
    autocomplete: "off",
  });
  const successes = number(1, 100, 1);
  const armor = choice({ ballistic: "Ballistic", impact: "Impact" });
  const pool = number(0, 100, 0);
  const fields = [
    labelled("Damage code", code),
    labelled("Attacker's successes", successes),
    labelled("Armour", armor),
    labelled("Combat Pool dice", pool),
  ];
  const send = () =>
    act.call("resist_damage", {
      damage_code: code.value.trim(),
      attacker_successes: successes.valueAsNumber,
      armor_type: armor.value,
      combat_pool: pool.valueAsNumber,
    });
  return { element: formOf("Resist", fields, send), pick: () => {}, update: () => {} };
}

function initiativeForm(act) {
  const line = choice();
  return {
    element: formOf("Roll initiative", [labelled("Initiative", line)], () =>
      act.call("roll_character_initiative", { line: line.value }),
    ),
    pick: () => {},
    update: (sheet) =>
      offer(line, [
        [
          "Initiative",
          [
            ["", `Body ${sheet.initiative}`],
            ...list(sheet.initiatives).map(({ name, initiative }) => [name, `${words(name)} ${initiative}`]),
          ],
        ],
      ]),
  };
}

/// The condition monitor: a box fills its track up to itself, the last filled one empties.
export function conditionSection(sheet, act) {
  const monitor = conditionOf(sheet);
  if (!monitor) return null;
  const { overflow, modifier } = monitor;
  return section("Condition monitor", [
    h(
      "div",
      { class: "monitors" },
      Object.entries(monitor.tracks).map(([name, filled]) => track(name, filled, act)),
    ),
    h("p", { class: "dim" }, "Press a box to fill the track up to it; press the last filled box to clear it."),
    pairs({
      overflow: overflow || null,
      stabilised: overflow && sheet.stabilised ? "yes" : null,
      wound_modifier: modifier ? signed(modifier) : null,
    }),
  ]);
}

function track(name, filled, act) {
  const boxes = Array.from({ length: CONDITION_BOXES }, (_, index) => index + 1);
  const set = (box) => {
    const wanted = box === filled ? box - 1 : box;
    const call = wanted > filled ? ["apply_damage", wanted - filled] : ["heal", filled - wanted];
    return act.call(call[0], { boxes: call[1], damage_type: name, reason: "marked on the sheet" }, { isShown: false });
  };
  return h(
    "div",
    { class: `monitor monitor-${name}`, role: "group", "aria-label": `${words(name)}: ${filled} of ${CONDITION_BOXES} boxes` },
    h("p", {}, words(name), h("b", {}, `${filled} / ${CONDITION_BOXES}`)),
    h(
      "div",
      { class: "boxes" },
      boxes.map((box) =>
        h(
          "button",
          {
            type: "button",
            class: box <= filled ? "box box-filled" : "box",
            title: CONDITION_STEPS[box],
            "aria-label": `${words(name)} box ${box}${CONDITION_STEPS[box] ? `, ${CONDITION_STEPS[box]}` : ""}`,
            "aria-pressed": String(box <= filled),
            data: { key: `${name}-${box}` },
            on: { click: () => set(box) },
          },
          CONDITION_STEPS[box]?.[0] ?? "",
        ),
      ),
    ),
  );
}

/// The dice pools: what is left of each, dice set aside, and all made whole again.
export function poolsSection(sheet, answer, act) {
  const pools = list(answer?.pools);
  const others = {
    task_pool: sheet.task_pool || null,
    power_points: sheet.power_points_total
      ? `${sheet.power_points_used ?? 0} of ${sheet.power_points_total} used`
      : null,
  };
  if (pools.length === 0) return section("Dice pools", pairs(others));
  return section("Dice pools", [
    h(
      "ul",
      { class: "pools" },
      pools.map((pool) => poolItem(pool, act)),
    ),
    pairs(others),
    h(
      "div",
      { class: "pool-buttons" },
      refresh("Refresh the pools", {}, "pools-refresh", act),
      refresh("New scene", { scene: true }, "pools-scene", act),
    ),
  ]);
}

function refresh(label, given, key, act) {
  return h(
    "button",
    {
      class: "button button-small",
      type: "button",
      data: { key },
      on: { click: () => act.call("refresh_pools", given, { isShown: false }) },
    },
    label,
  );
}

function poolItem({ pool, size, left, breakdown }, act) {
  const setAside = (event) => {
    event.preventDefault();
    const dice = event.target.elements.dice.valueAsNumber;
    return act.call("allocate_pool", { pool, dice }, { isShown: false });
  };
  const title = `${words(pool)} Pool`;
  return h(
    "li",
    { data: { pool } },
    h("strong", {}, title),
    h("b", {}, `${left} of ${size}`),
    h("span", { class: "dim" }, breakdown),
    pool !== "karma" &&
      h(
        "form",
        { class: "set-aside", on: { submit: setAside } },
        h("input", {
          class: "input",
          type: "number",
          name: "dice",
          min: "1",
          max: String(Math.max(left, 1)),
          value: "1",
          "aria-label": `Dice of the ${title} to set aside`,
          data: { key: `aside-${pool}` },
        }),
        h(
          "button",
          { class: "button button-small", type: "submit", disabled: left === 0, data: { key: `set-aside-${pool}` } },
          "Set aside",
        ),
        h("span", { class: "sr" }, `${count(left, "die", "dice")} left`),
      ),
  );
}
