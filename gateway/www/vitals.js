// Wounds and pools in a line: of a character at the table, and of a foe of the scene.

import { h, words } from "./dom.js";
import { CONDITION_BOXES, conditionOf } from "./sections.js";

/// What a character has left: initiative, pools, and both tracks; nothing before his sheet is known.
export function vitals(sheet) {
  if (!sheet) return null;
  const condition = conditionOf(sheet);
  const pools = [
    ["Initiative", sheet.initiative],
    ["combat pool", sheet.combat_pool],
    ["magic pool", sheet.magic_pool],
  ];
  return h(
    "div",
    { class: "vitals" },
    pools.filter(([, value]) => value).map(([name, value]) => h("span", {}, `${name} `, h("b", {}, value))),
    condition &&
      h(
        "div",
        { class: "vital-bars" },
        Object.entries(condition.tracks).map(([name, boxes]) => vitalBar(name, boxes)),
      ),
  );
}

/// A foe of the scene with his wounds.
export function foeItem({ name, physical = 0, stun = 0, note }) {
  const isOut = physical >= CONDITION_BOXES || stun >= CONDITION_BOXES || Boolean(note);
  return h(
    "li",
    { class: isOut ? "foe is-out" : "foe" },
    h("span", { class: "foe-name" }, name),
    h("span", { class: "dim" }, note || (isOut ? "out of the fight" : "")),
    h("div", { class: "vital-bars" }, vitalBar("physical", physical), vitalBar("stun", stun)),
  );
}

function vitalBar(name, filled) {
  const boxes = Array.from({ length: CONDITION_BOXES }, (_, index) => h("i", { class: index < filled && "is-filled" }));
  const label = `${words(name)} damage: ${filled} of ${CONDITION_BOXES}`;
  return h("div", { class: `vital-bar vital-${name}`, role: "img", "aria-label": label, title: label }, boxes);
}
