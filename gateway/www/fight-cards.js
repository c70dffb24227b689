// Draws what a fight's tools answer: whose move it is, blows, and what of them is resisted.

import { dice, factLine, frame, notes, parts, targetBox, verdict } from "./cards.js";
import { h, words } from "./dom.js";

const LEVELS = { L: "light", M: "moderate", S: "serious", D: "deadly" };

/// Which tool of a fight is drawn by what.
export const FIGHT_CARDS = {
  start_combat: orderCard,
  next_actor: moveCard,
  get_combat: moveCard,
  end_combat: endCard,
  resist_damage: resistCard,
  melee_combat: meleeCard,
};

const moveLine = ({ turn, phase, actor }) => (actor ? `Turn ${turn}, phase ${phase}: ${actor}` : "Nobody can act");

function orderCard(result, { tool, traceId }) {
  const { order = [], name } = result;
  return frame({ symbol: "clock", title: name || "Initiative", subtitle: moveLine(result), tool, traceId }, [
    h(
      "ol",
      { class: "order" },
      order.map(({ name: fighter, initiative, phases = [], note }) =>
        h(
          "li",
          {},
          h("span", {}, fighter, h("span", { class: "dim" }, ` ${phases.length > 0 ? phases.join(", ") : (note ?? "")}`)),
          h("b", {}, initiative),
        ),
      ),
    ),
  ]);
}

function moveCard(result, { tool, traceId }) {
  const subtitle = result.running ? moveLine(result) : "The fight is over";
  return frame({ symbol: "clock", title: "Whose move", subtitle, tool, traceId, className: "card-plain" }, []);
}

function endCard(result, { tool, traceId }) {
  return frame({ symbol: "clock", title: "The fight is over", tool, traceId, className: "card-plain" }, []);
}

function resistCard(result, { tool, traceId }) {
  const { character, damage_code: code, target_number: target, roll = {}, boxes, wound_level: level, condition } = result;
  const isStun = result.damage_type === "stun";
  const wound = level ? `${LEVELS[level] ?? level} ${isStun ? "stun wound" : "wound"}` : "no wound";
  const state = condition && condition.state !== "acting" ? words(condition.state) : "";
  return frame({ symbol: "shield", title: `${character} resists ${code}`, subtitle: state, tool, traceId }, [
    boxes > 0 ? verdict(boxes, "bad", `${boxes === 1 ? "box" : "boxes"}, ${wound}`) : verdict("Nothing", "good", "comes through"),
    h(
      "div",
      { class: "card-split" },
      targetBox(target),
      h("div", { class: "roll" }, dice(roll, target), factLine(parts(result.dice_parts))),
    ),
    notes(result),
  ]);
}

function meleeCard(result, { tool, traceId }) {
  const { attacker, defender, winner, net_successes: net, damaged, damage } = result;
  const title = `${attacker?.name} against ${defender?.name}`;
  const hit = winner === "nobody" || !damaged ? "Nobody hits" : `${damaged} is hit`;
  const aside = damage && damaged ? `${damage.code} before resistance, ${net} net` : "";
  return frame({ symbol: "target", title, subtitle: attacker?.weapon, tool, traceId }, [
    verdict(hit, damaged ? "good" : "plain", aside),
    [attacker, defender].filter(Boolean).map((side) => sidePart(side)),
    notes(result),
  ]);
}

function sidePart({ name, skill, target_number: target, roll = {}, dice_parts: from }) {
  return h(
    "div",
    { class: "card-split" },
    targetBox(target),
    h("div", { class: "roll" }, dice(roll, target, `${name}, ${skill}`), factLine(parts(from))),
  );
}
