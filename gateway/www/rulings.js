// What the game master's seat decides about calls and rolls, and what nothing supports, as it stands in the conversation.

import { count, h, icon, json, words } from "./dom.js";

/// A call of the model that waits; `onDecide` is told whether it may be made.
export function approvalCard({ call_id: id, tool, arguments: given }, onDecide) {
  const button = (allow, label, kind) =>
    h("button", { class: `button ${kind}`, type: "button", on: { click: () => onDecide(allow) } }, label);
  return h(
    "section",
    { class: "card approval", data: { call: id, tool }, "aria-label": `${words(tool)} waits for the game master` },
    h("p", { class: "approval-text" }, icon("shield"), `${words(tool)} waits for the game master's word.`),
    json(given ?? {}, "What it is called with"),
    h(
      "div",
      { class: "approval-buttons for-game-master" },
      button(true, "Approve", "button-primary"),
      button(false, "Refuse", "button-stop"),
    ),
  );
}

/// Marks the call as decided.
export function decided(list, { call_id: id, allow, by, reason }) {
  const card = Array.from(list.querySelectorAll(".approval")).find(({ dataset }) => dataset.call === id);
  if (!card) return;
  card.querySelector(".approval-buttons")?.remove();
  card.querySelector(".approval-text").replaceChildren(
    icon("shield"),
    `${by || "Nobody"} ${allow ? "has approved" : "has not approved"} ${words(card.dataset.tool).toLowerCase()}${reason ? `: ${reason}` : ""}`,
  );
}

/// The id of the roll that a result tells of, if it tells of one.
function rollId(result) {
  return result?.roll_id ?? result?.roll?.roll_id ?? result?.spell_roll?.roll_id ?? null;
}

/// Gives the card of a roll a button with which the game master's seat overrides it.
export function overrideButton(card, result, onWanted) {
  const id = rollId(result);
  if (!id || card.querySelector(".override")) return;
  card.dataset.roll = id;
  card.append(
    h(
      "button",
      { class: "link override for-game-master", type: "button", on: { click: () => onWanted(id) } },
      "Override this roll",
    ),
  );
}

/// Marks a roll that counts as something else.
export function overridden(list, { roll_id: id, result, reason, by }) {
  const card = Array.from(list.querySelectorAll("[data-roll]")).find(({ dataset }) => dataset.roll === id);
  card?.classList.add("is-overridden");
  card?.append(h("p", { class: "ruling" }, `Counts as ${result}, by ${by}: ${reason}`));
}

/// What was told in a turn and stands in no result.
export function claimsNote(claims) {
  return h(
    "details",
    { class: "claims" },
    h("summary", {}, icon("warning"), `${count(claims.length, "statement")} no roll or sheet supports`),
    h("ul", {}, claims.map(({ text, kind }) => h("li", {}, `“${text}” (${kind})`))),
  );
}
