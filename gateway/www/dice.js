// Draws dice as dice.

import { h, hidden, s } from "./dom.js";

const LOW = 11;
const MIDDLE = 20;
const HIGH = 29;
const PIPS = {
  1: [[MIDDLE, MIDDLE]],
  2: [
    [LOW, LOW],
    [HIGH, HIGH],
  ],
  3: [
    [LOW, LOW],
    [MIDDLE, MIDDLE],
    [HIGH, HIGH],
  ],
  4: [
    [LOW, LOW],
    [HIGH, LOW],
    [LOW, HIGH],
    [HIGH, HIGH],
  ],
  5: [
    [LOW, LOW],
    [HIGH, LOW],
    [MIDDLE, MIDDLE],
    [LOW, HIGH],
    [HIGH, HIGH],
  ],
  6: [
    [LOW, LOW],
    [HIGH, LOW],
    [LOW, MIDDLE],
    [HIGH, MIDDLE],
    [LOW, HIGH],
    [HIGH, HIGH],
  ],
};

/// One face: pips up to six, a figure above.
export function face(value) {
  const pips = PIPS[value]?.map(([cx, cy]) => s("circle", { class: "die-pip", cx, cy, r: 3.6 }));
  const figure = () => s("text", { class: "die-figure", x: 20, y: 26, "text-anchor": "middle" }, value);
  return s(
    "svg",
    { class: "die-face", viewBox: "0 0 40 40", "aria-hidden": "true" },
    s("rect", { class: "die-body", x: 1.5, y: 1.5, width: 37, height: 37, rx: 9 }),
    pips ?? figure(),
  );
}

/// The dice of a roll: `faces` are each die's faces, re-rolled ones included, `totals` what each die came to. With a
/// target number each die says whether it reached it.
export function diceRow({ faces, totals, target, label = "Dice" }) {
  const dice = faces?.length ? faces.map((die) => [die].flat()) : (totals ?? []).map((total) => [total]);
  if (dice.length === 0) return null;
  return h(
    "ul",
    { class: "dice", "aria-label": label },
    dice.map((die, index) => {
      const total = totals?.[index] ?? die.reduce((sum, value) => sum + value, 0);
      const tone = toneOf(die, total, target);
      const exploded = die.length > 1;
      const spoken = `${exploded ? `${die.join(" and ")}, together ` : ""}${total}${SPOKEN[tone]}`;
      return h(
        "li",
        { class: `die die-${tone}${exploded ? " die-exploded" : ""}`, title: spoken },
        die.map((value) => face(value)),
        exploded && h("span", { class: "die-total", "aria-hidden": "true" }, total),
        hidden(spoken),
      );
    }),
  );
}

const SPOKEN = { plain: "", one: ", a one", success: ", success", failure: ", no success" };

function toneOf(die, total, target) {
  if (target === null || target === undefined || target === 0) return "plain";
  if (total >= target) return "success";
  return total === 1 ? "one" : "failure";
}

/// Dice whose faces are words.
export function wordDice(faces, label) {
  return h(
    "ul",
    { class: "dice", "aria-label": label },
    faces.map((name) => h("li", { class: "word-die" }, String(name).replaceAll("_", " "))),
  );
}
