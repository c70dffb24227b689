// Which rolls an answer holds: of each its id in the roll log, the notation that has its odds, what it came to, its dice.

import { words } from "./dom.js";

/// A success test as a notation.
const test = (pool, target) => (pool > 0 && target > 1 ? `${pool}d6 tn${target}` : null);

/// Dice held against a target number as they are, exploded ones with all that they came to.
const against = ({ notation, target_number: target }) => notation && `(${notation.replace("!", "!!")}c>=${target})`;

const testOf = (roll, label) =>
  roll && {
    id: roll.roll_id,
    label,
    notation: test(roll.rolls?.length, roll.target_number),
    value: roll.successes,
    dice: roll.dice,
  };

const plain = (roll, label) =>
  roll && { id: roll.roll_id, label, notation: roll.notation, value: roll.total ?? roll.initiative, dice: numbered(roll) };

/// The faces, unless they are Fate's: a card shows those from -1, the log numbers them from 1.
const numbered = ({ notation, dice }) => (/dF/.test(notation) ? undefined : dice);

/// How the answer of each tool holds its rolls; answers of others that have a `roll` hold a success test.
const HOLDS = {
  roll_dice: (answer) => [
    answer.notation
      ? { ...plain(answer), value: answer.results?.length > 0 ? undefined : valueOf(answer) }
      : testOf(answer),
  ],
  roll_initiative: (answer) => [plain(answer)],
  roll_multiple_dice: ({ roll_id: id, results = [] }) => results.map((roll) => ({ ...plain(roll, roll.notation), id, dice: undefined })),
  roll_with_advantage: (answer) => [twice(answer, "max")],
  roll_with_disadvantage: (answer) => [twice(answer, "min")],
  roll_with_target_number: (answer) => [
    { id: answer.roll_id, notation: against(answer), value: answer.successes, dice: answer.dice },
  ],
  roll_opposed: ({ roll_id: id, roll1, roll2, net_successes: value }) => [
    { id, notation: `${against(roll1)}-${against(roll2)}`, value, dice: [...roll1.dice, ...roll2.dice] },
  ],
  roll_with_pools: (answer) => [
    { id: answer.roll_id, notation: test(answer.pool, answer.target_number), value: answer.successes },
  ],
  roll_opposed_pools: ({ roll_id: id, side1, side2, net_successes: value }) => [
    { id, notation: `${test(side1.pool, side1.target_number)} vs ${test(side2.pool, side2.target_number)}`, value },
  ],
  reroll_failures: (answer) => [{ ...testOf(answer), value: answer.new_successes }],
  buy_karma_dice: (answer) => [testOf(answer)],
  roll_combat_dice: (answer) => [boardRoll(answer, answer.hits)],
  roll_hunt: (answer) => [boardRoll(answer, answer.successes)],
};

/// The rolls of an answer that stand in the roll log.
export function rollsOf(tool, answer) {
  const held = HOLDS[tool]?.(answer) ?? [{ id: answer.roll_id, dice: answer.dice }, ...within(answer)];
  return held.filter((roll) => roll?.id);
}

/// The success tests that an answer holds in its parts, such as the `roll` of an attack; each is called by its part.
function within(answer) {
  return Object.entries(answer).flatMap(([name, part]) => {
    if (part === null || typeof part !== "object") return [];
    const label = name === "roll" ? undefined : words(name.replace(/_roll$/, ""));
    if (typeof part.roll_id === "string") return [testOf(part, label)];
    return within(part).map((roll) => ({ ...roll, label: label ?? roll.label }));
  });
}

/// The total as it is compared: exact, where it is no whole number.
function valueOf({ total, total_exact: exact }) {
  return exact ? toNumber(exact) : total;
}

function twice({ roll_id: id, roll1, roll2, result }, choice) {
  const notation = `${choice}(${roll1.notation},${roll2.notation})`;
  return { id, notation, value: result };
}

/// Board dice; which failed ones would be rolled again, nobody said beforehand: with rerolls there are no odds.
function boardRoll({ roll_id: id, rolls = [], rerolled = [], target }, value) {
  const notation = rerolled.length === 0 && rolls.length > 0 ? `${rolls.length}d6c>=${target}` : null;
  return { id, notation, value };
}

/// "7" or "7/2" as a number.
export function toNumber(fraction) {
  const [numerator, denominator = 1] = String(fraction).split("/").map(Number);
  return numerator / denominator;
}
