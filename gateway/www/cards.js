// Draws what a tool answered: dice, target number and modifiers where there are some, a tidy table where not.

import { diceRow, wordDice } from "./dice.js";
import { count, h, icon, json, signed, traceLink, words } from "./dom.js";
import { FIGHT_CARDS } from "./fight-cards.js";
import { oddsPlace } from "./odds.js";
import { verifyControl } from "./proof.js";
import { rollsOf } from "./rolls.js";

/// Which tool is drawn by what; every other one by `genericCard`.
const CARDS = {
  roll_dice: rollCard,
  roll_initiative: initiativeCard,
  calculate_ranged_attack: attackCard,
  ranged_combat: attackCard,
  test_skill: testCard,
  cast_spell: spellCard,
  get_character: sheetCard,
  get_character_skill: skillCard,
  update_scene: sceneCard,
  get_scene: sceneCard,
  calculate_target_number: targetCard,
  calculate_dice_pool: poolCard,
  roll_action_dice: actionDiceCard,
  roll_combat_dice: boardRollCard,
  roll_hunt: boardRollCard,
};

/// What stands in the card's place while the tool works.
export function pendingCard(tool) {
  return h(
    "div",
    { class: "card card-pending", data: { tool } },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    `${words(tool)} …`,
  );
}

/// The card of a `tool_result` or `roll` frame.
export function toolCard({ tool, result, failed, trace_id: traceId }) {
  const answer = result ?? {};
  if (failed || (typeof answer.error === "string" && answer.code !== undefined)) {
    return failureCard(tool, answer, traceId);
  }
  const card = (CARDS[tool] ?? FIGHT_CARDS[tool] ?? genericCard)(answer, { tool, traceId });
  card.append(...rollsFoot(rollsOf(tool, answer)));
  return card;
}

/// Beside the rolls of a card: their odds, and whether they are what the dice service was committed to.
function rollsFoot(rolls) {
  const ids = new Set();
  return rolls.map((roll) => {
    const proof = !ids.has(roll.id) && verifyControl(roll);
    ids.add(roll.id);
    return h(
      "footer",
      { class: "roll-foot" },
      roll.label && h("span", { class: "label" }, roll.label),
      roll.notation && oddsPlace(roll),
      proof && [proof.button, proof.found],
    );
  });
}

/// A failure that a player can read.
export function errorCard({ content, code, error_type: type, trace_id: traceId }) {
  return frame(
    { className: "card-error", symbol: "warning", title: "Something went wrong", traceId, what: "the error" },
    [h("p", { class: "card-text" }, content), codeLine(code, type, traceId)],
  );
}

function failureCard(tool, { error, message, code }, traceId) {
  return frame({ className: "card-error", symbol: "warning", title: `${words(tool)} failed`, tool, traceId }, [
    h("p", { class: "card-text" }, typeof error === "string" ? error : (message ?? "The tool gave no reason.")),
    codeLine(code, "", traceId),
  ]);
}

function codeLine(code, type, traceId) {
  const parts = [code && `Error ${code}`, type && words(type), traceId && `trace ${traceId}`].filter(Boolean);
  return parts.length > 0 && h("p", { class: "card-code" }, parts.join(" · "));
}

// One function for each kind of card.

function rollCard(result, { tool, traceId }) {
  const { pool, target_number: target, successes, notation, total, sum, modifier, reason } = result;
  const isTest = successes !== null && successes !== undefined;
  const subtitle = isTest ? `${count(pool, "die", "dice")} against ${target}` : notation;
  return frame({ symbol: "dice", title: reason || "Dice roll", subtitle, tool, traceId, what: "the roll" }, [
    isTest ? verdictOfTest(successes, disaster(result)) : verdict(total, "plain", sumText(sum, modifier)),
    h("div", { class: "card-split" }, isTest && targetBox(target), dice(result, target)),
    notes(result),
  ]);
}

function initiativeCard(result, { tool, traceId }) {
  const { notation, initiative, rolls, modifier, phases, character, reason } = result;
  const faces = result.dice ?? rolls;
  return frame(
    {
      symbol: "clock",
      title: "Initiative",
      subtitle: [character, reason, notation].filter(Boolean).join(" · "),
      tool,
      traceId,
      what: "the roll",
    },
    [
      verdict(initiative, "plain", modifier ? `dice ${signed(modifier)}` : ""),
      diceRow({ faces, totals: rolls, label: "Initiative dice" }),
      phases?.length > 0 &&
        h(
          "div",
          { class: "phases" },
          h("span", { class: "label" }, "Acts in phase"),
          h(
            "ol",
            {},
            phases.map((phase) => h("li", {}, phase)),
          ),
        ),
      notes(result),
    ],
  );
}

function attackCard(result, { tool, traceId }) {
  const { character, weapon, final_tn: target, hit, damage, successes, roll = {}, dice_pool_breakdown: pool } = result;
  const distance = result.target_distance ?? result.distance;
  const subtitle = [
    weapon,
    result.target_description || result.target_name,
    distance !== undefined && `${distance} m`,
    rangeOf(result),
  ];
  const hits = hit ?? successes > 0;
  return frame(
    {
      symbol: "target",
      title: `${character} attacks`,
      subtitle: subtitle.filter(Boolean).join(" · "),
      tool,
      traceId,
      what: "the attack",
    },
    [
      h(
        "div",
        { class: "verdicts" },
        verdict(hits ? "Hit" : "Miss", hits ? "good" : "bad", count(successes ?? 0, "success", "successes")),
        damage?.code && damageBox(damage, hits),
      ),
      disaster(roll) && disasterLine(),
      h(
        "div",
        { class: "card-split" },
        targetBox(target),
        h("div", { class: "roll" }, dice(roll, target), factLine(poolParts(pool))),
      ),
      ladder(result, target),
      result.on_sheet === false &&
        !saysSo(result.notes) &&
        h("p", { class: "notice" }, `The ${weapon} is not on the sheet: the rule book's was used.`),
      notes(result),
    ],
  );
}

const saysSo = (notes) => [notes].flat().some((note) => /not on the sheet/.test(note));

/// The skill rolled with its modifiers, as an attack is, but for no one's harm.
function testCard(result, { tool, traceId }) {
  const { character, skill, rolled, defaulted, final_tn: target, successes, roll = {} } = result;
  const subtitle = [defaulted && `rolled as ${rolled}`, result.reason].filter(Boolean).join(" · ");
  return frame({ symbol: "dice", title: `${character}: ${skill}`, subtitle, tool, traceId, what: "the test" }, [
    verdictOfTest(successes ?? 0, disaster(roll)),
    h(
      "div",
      { class: "card-split" },
      targetBox(target),
      h("div", { class: "roll" }, dice(roll, target), factLine(parts(result.dice_parts))),
    ),
    ladder(result, target),
    notes(result),
  ]);
}

function damageBox({ code, level, unresisted_level: unresisted, resist_target_number: resist }, hits) {
  const staged = hits && unresisted && unresisted !== level && `up to ${levelName(unresisted)} unresisted`;
  const aside = [levelName(level), staged, resist && `resist against ${resist}`].filter(Boolean).join(", ");
  return h(
    "div",
    { class: hits ? "damage" : "damage damage-idle" },
    h("span", { class: "label" }, "Damage"),
    h("strong", {}, code),
    h("span", { class: "damage-level" }, aside),
  );
}

function spellCard(result, { tool, traceId }) {
  const { caster, spell, force, target, target_number: targetNumber, drain, resistance } = result;
  const roll = rollOf(result.spell_roll);
  const sums = [
    ["Spell dice", result.spell_dice_pool],
    ["from spell pool", result.spell_pool_dice],
    ["totem", result.totem_bonus],
    ["focus", result.focus_bonus],
  ];
  const subtitle = [`Force ${force}`, words(result.spell_category ?? ""), target && `at ${target}`];
  return frame(
    {
      symbol: "spell",
      title: `${caster} casts ${spell}`,
      subtitle: subtitle.filter(Boolean).join(" · "),
      tool,
      traceId,
      what: "the spell",
    },
    [
      h(
        "div",
        { class: "verdicts" },
        verdictOfTest(roll.successes ?? 0, disaster(roll)),
        result.takes_effect === false && h("span", { class: "pill pill-bad" }, "no effect"),
        isTie(result) && h("span", { class: "pill" }, "tie: least effect"),
        result.wound_level && h("span", { class: "pill pill-good" }, `${levelName(result.wound_level)} wound`),
        result.sustained && h("span", { class: "pill pill-good" }, "sustained"),
      ),
      h(
        "div",
        { class: "card-split" },
        targetBox(targetNumber),
        h(
          "div",
          { class: "roll" },
          dice(roll, targetNumber, "Spell dice"),
          factLine(parts(result.dice_parts).length > 0 ? parts(result.dice_parts) : sums),
        ),
      ),
      ladder(result, targetNumber),
      resistance && resistancePart(target, resistance, result.net_successes),
      drain && drainPart(drain, result.drain_pool_dice),
      result.pool_remaining !== undefined && h("p", { class: "aside" }, `Pool left: ${result.pool_remaining}`),
      notes(result),
    ],
  );
}

/// As many successes on both sides: a tie is the caster's.
const isTie = ({ takes_effect: takesEffect, resistance, net_successes: net }) => takesEffect && resistance && net === 0;

function resistancePart(target, { attribute, target_number: number, roll, parts: from, dice: pool }, net) {
  const outcome = net !== undefined && h("span", { class: "pill" }, count(net, "net success", "net successes"));
  return h(
    "div",
    { class: "drain", role: "group", "aria-label": "Resistance" },
    h(
      "div",
      { class: "drain-head" },
      h("span", { class: "label" }, "Resistance"),
      h("strong", {}, [target, attribute].filter(Boolean).join(", ")),
      outcome,
    ),
    h(
      "div",
      { class: "card-split" },
      targetBox(number),
      h(
        "div",
        { class: "roll" },
        dice(rollOf(roll), number, "Resistance dice"),
        factLine(parts(from).length > 0 ? parts(from) : [["Dice", pool]]),
      ),
    ),
  );
}

function drainPart(drain, fromPool) {
  const roll = rollOf(drain.resist_roll);
  const taken = Number(drain.damage_taken ?? 0);
  const outcome = taken > 0 ? `${count(taken, "box", "boxes")} ${drain.damage_type ?? ""}`.trim() : "Resisted";
  return h(
    "div",
    { class: "drain", role: "group", "aria-label": "Drain" },
    h(
      "div",
      { class: "drain-head" },
      h("span", { class: "label" }, "Drain"),
      h("strong", {}, drain.code ?? ""),
      h("span", { class: taken > 0 ? "pill pill-bad" : "pill pill-good" }, outcome),
    ),
    h(
      "div",
      { class: "card-split" },
      targetBox(drain.target_number),
      h(
        "div",
        { class: "roll" },
        dice(roll, drain.target_number, "Drain dice"),
        factLine(
          parts(drain.resist_parts).length > 0
            ? parts(drain.resist_parts)
            : [
                ["Dice", drain.resist_dice],
                ["from spell pool", fromPool],
              ],
        ),
      ),
    ),
  );
}

function skillCard(result, { tool, traceId }) {
  const {
    character,
    skill,
    skill_rating: rating,
    base_rating: base,
    attribute,
    attribute_rating: ofAttribute,
  } = result;
  const defaults = Array.isArray(result.defaults) ? result.defaults : [];
  const isKnown = result.on_sheet !== false;
  return frame(
    {
      symbol: "book",
      title: `${character}: ${skill}`,
      subtitle: result.specialization,
      className: "card-plain",
      tool,
      traceId,
    },
    [
      isKnown
        ? verdict(rating, "plain", base === rating ? "rating" : `base ${base}`)
        : verdict("Not on the sheet", "plain"),
      factLine([...parts(result.rating_parts), [words(attribute ?? ""), ofAttribute]]),
      result.summary && h("p", { class: "card-text" }, result.summary),
      defaults.length > 0 &&
        h(
          "ul",
          { class: "notes" },
          defaults.map(({ rolled, rating: dice, modifier }) =>
            h("li", {}, `${rolled}: ${count(dice, "die", "dice")}, target number ${signed(modifier)}`),
          ),
        ),
      notes(result),
    ],
  );
}

function targetCard(result, { tool, traceId }) {
  return frame(
    {
      symbol: "target",
      title: "Target number",
      subtitle: [result.situation, words(result.difficulty ?? "")].filter(Boolean).join(" · "),
      tool,
      traceId,
    },
    [
      h(
        "div",
        { class: "card-split" },
        targetBox(result.target_number),
        h("div", { class: "roll" }, breakdown(result)),
      ),
      notes({ ...result, breakdown: undefined }),
    ],
  );
}

function poolCard(result, { tool, traceId }) {
  const sum = [
    ["Skill", result.skill],
    ["attribute", result.attribute],
    ["modifiers", result.modifiers],
  ];
  return frame({ symbol: "dice", title: "Dice pool", tool, traceId }, [
    verdict(result.sr2_pool ?? result.pool, "plain", "dice in Second Edition"),
    factLine([...sum, ["plain sum", result.pool]]),
    notes({ ...result, notes: result.notes ?? result.note }),
  ]);
}

function actionDiceCard({ faces = [], side, reason }, { tool, traceId }) {
  return frame(
    {
      symbol: "dice",
      title: "Action dice",
      subtitle: [side && words(side), reason].filter(Boolean).join(" · "),
      tool,
      traceId,
      what: "the roll",
    },
    [wordDice(faces, "Action dice")],
  );
}

function boardRollCard(result, { tool, traceId }) {
  const { rolls = [], rerolled = [], target } = result;
  return frame(
    {
      symbol: "dice",
      title: tool === "roll_hunt" ? "Hunt for the Ring" : "Combat dice",
      subtitle: result.reason,
      tool,
      traceId,
      what: "the roll",
    },
    [
      verdict(result.hits ?? result.successes ?? 0, "plain", tool === "roll_hunt" ? "successes" : "hits"),
      h("div", { class: "card-split" }, targetBox(target), diceRow({ totals: rolls, target, label: "Dice" })),
      rerolled.length > 0 &&
        h(
          "div",
          { class: "again" },
          h("span", { class: "label" }, "Rolled again"),
          diceRow({ totals: rerolled, target, label: "Dice rolled again" }),
        ),
    ],
  );
}

function sheetCard(result, { tool, traceId }) {
  const name = result.street_name || result.character || result.name;
  return frame({ symbol: "sheet", title: `The sheet of ${name}`, className: "card-plain", tool, traceId }, [
    h("p", { class: "card-text" }, result.summary),
  ]);
}

function sceneCard({ scene }, { tool, traceId }) {
  const known = Object.entries(scene ?? {}).filter(([, value]) => typeof value !== "object");
  return frame({ symbol: "book", title: "The scene", className: "card-plain", tool, traceId }, [
    factLine(known.map(([name, value]) => [words(name), value])),
  ]);
}

function genericCard(result, { tool, traceId }) {
  return frame({ symbol: "tool", title: words(tool), className: "card-plain", tool, traceId }, [
    result.summary ? h("p", { class: "card-text" }, result.summary) : facts(result),
    details("Everything it answered", json(result, `Result of ${words(tool)}`)),
  ]);
}

// The parts cards are made of.

export function frame({ symbol, title, subtitle, className = "", tool = "", traceId, what }, children) {
  return h(
    "article",
    { class: `card ${className}`.trim(), data: { tool }, "aria-label": title },
    h(
      "header",
      { class: "card-head" },
      h("span", { class: "card-icon" }, icon(symbol)),
      h("div", { class: "card-titles" }, h("h2", {}, title), subtitle && h("p", {}, subtitle)),
      traceLink(traceId, what ?? title),
    ),
    children,
  );
}

export function verdict(value, tone, aside = "") {
  return h(
    "p",
    { class: `verdict verdict-${tone}` },
    h("strong", {}, String(value ?? "–")),
    aside && h("span", {}, aside),
  );
}

function verdictOfTest(successes, isDisaster) {
  if (isDisaster) return disasterLine();
  return successes > 0
    ? verdict(successes, "good", successes === 1 ? "success" : "successes")
    : verdict("No success", "bad");
}

const disasterLine = () => verdict("Disaster", "bad", "every die shows a one");

const disaster = ({ all_ones: allOnes, critical_glitch: glitch }) => Boolean(allOnes ?? glitch);

export function targetBox(target) {
  if (target === null || target === undefined) return null;
  return h(
    "p",
    { class: "target" },
    h("span", { class: "label" }, "Target"),
    h("strong", { class: "target-number" }, target),
  );
}

export function dice(roll, target, label = "Dice") {
  return diceRow({ faces: roll.dice, totals: roll.rolls, target, label });
}

/// Rolls come as an object or, in some answers, as the bare totals.
const rollOf = (roll) => (Array.isArray(roll) ? { rolls: roll } : (roll ?? {}));

/// Where the dice come from, as the server names it.
export const parts = (list) => (Array.isArray(list) ? list.map(({ source, dice: number }) => [source, number]) : []);

/// The same of an attack; the sums where the parts are not told.
function poolParts(pool) {
  if (!pool) return [];
  if (parts(pool.parts).length > 0) return parts(pool.parts);
  return [
    ["Skill", pool.skill],
    ["combat pool", pool.combat_pool],
    ["dice rolled", pool.total],
  ];
}

/// "Skill 9 · combat pool 4", leaving out what is unknown or nought.
export function factLine(facts) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== 0);
  if (known.length === 0) return null;
  return h(
    "p",
    { class: "fact-line" },
    known.map(([name, value]) => h("span", {}, `${name} `, h("b", {}, shortValue(value)))),
  );
}

/// From the base target number through each modifier to the final one.
function ladder(result, final) {
  const { base_tn: base, modifiers } = result;
  const category = result.effective_range_category || result.range_category;
  if (!Array.isArray(modifiers) || modifiers.some((modifier) => typeof modifier !== "object")) return null;
  if (modifiers.length === 0) return null; // The target number stands beside the dice.
  return h(
    "table",
    { class: "ladder" },
    h("caption", { class: "sr" }, "How the target number comes about"),
    h("thead", { class: "sr" }, h("tr", {}, h("th", { scope: "col" }, "Cause"), h("th", { scope: "col" }, "Value"))),
    h(
      "tbody",
      {},
      base !== undefined &&
        h(
          "tr",
          { class: "ladder-base" },
          h("th", { scope: "row" }, `Base${category ? `, ${range(category)}` : ""}`),
          h("td", {}, base),
        ),
      modifiers.map(({ type, value, explanation }) =>
        h(
          "tr",
          {},
          h(
            "th",
            { scope: "row" },
            h("span", { class: "ladder-name" }, explanation || words(type ?? "")),
            explanation && type && h("span", { class: "ladder-type" }, words(type)),
          ),
          h("td", { class: toneOf(value) }, signed(Number(value ?? 0))),
        ),
      ),
    ),
    final !== undefined && h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "Target number"), h("td", {}, final))),
  );
}

const toneOf = (value) => (value > 0 ? "harder" : value < 0 ? "easier" : "");

/// "medium" or "Medium range" alike.
const range = (category) => category && (/range/i.test(category) ? category : `${category} range`);

/// The range, and what it counts as where magnification brings it nearer.
function rangeOf({ range_category: real, effective_range_category: effective }) {
  if (!effective || effective === real) return range(real);
  return `${range(real)}, counts as ${effective}`;
}

const LEVELS = { L: "light", M: "moderate", S: "serious", D: "deadly" };
const levelName = (code) => LEVELS[code] ?? String(code ?? "").toLowerCase();

const sumText = (sum, modifier) => (modifier ? `${sum} ${signed(modifier)}` : "");

/// What the server adds in words: notes, and its own account of the figures.
export function notes({ notes: list, breakdown: account }) {
  const lines = [list].flat().filter(Boolean);
  return [
    lines.length > 0 &&
      h(
        "ul",
        { class: "notes" },
        lines.map((line) => h("li", {}, shortValue(line))),
      ),
    account && details("How it was worked out", breakdown({ breakdown: account })),
  ];
}

function breakdown({ breakdown: account }) {
  if (!account) return null;
  if (typeof account === "string") return h("p", { class: "breakdown" }, account);
  return Array.isArray(account)
    ? h(
        "ul",
        { class: "breakdown" },
        account.map((line) => h("li", {}, shortValue(line))),
      )
    : facts(account);
}

function details(summary, content) {
  return h("details", { class: "more" }, h("summary", {}, summary), content);
}

/// A table of names and values, for answers of no particular shape.
export function facts(values) {
  const rows = Object.entries(values).filter(
    ([, value]) => value !== null && value !== undefined && value !== "" && String(value) !== "[object Object]",
  );
  if (rows.length === 0) return null;
  return h(
    "dl",
    { class: "facts" },
    rows.slice(0, 12).map(([name, value]) => h("div", {}, h("dt", {}, words(name)), h("dd", {}, shortValue(value)))),
  );
}

/// A value in a few words.
export function shortValue(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.map(shortValue).join(", ");
  if (value && typeof value === "object")
    return Object.entries(value)
      .map(([name, inner]) => `${words(name)}: ${shortValue(inner)}`)
      .join(", ");
  return String(value);
}
