// A session to read: its story turn by turn, and nothing that changes it.

import { api, segment } from "./api.js";
import { Conversation } from "./conversation.js";
import { count, h, icon } from "./dom.js";
import { SessionLog } from "./log.js";

const LOG_PAGE = 1000;

/// The view of a session's replay.
export function replayView(sessionId) {
  const conversation = new Conversation({ onRunning: () => {} });
  const progress = h("span", { class: "dim", role: "status" });
  const button = (label, symbol, act) =>
    h("button", { class: "button", type: "button", on: { click: act } }, icon(symbol), label);
  let turns = []; // The frames of each turn, in order.
  let shown = 0;
  const show = (upTo) => {
    for (; shown < Math.min(upTo, turns.length); shown += 1) for (const frame of turns[shown]) conversation.show(frame);
    progress.textContent = `${shown} of ${count(turns.length, "turn")}`;
    next.disabled = all.disabled = shown === turns.length;
  };
  const next = button("Next turn", "down", () => show(shown + 1));
  const all = button("All", "book", () => show(turns.length));
  const element = h(
    "div",
    { class: "table replay" },
    h(
      "section",
      { class: "chat", "aria-label": "Replay" },
      h(
        "header",
        { class: "chat-head" },
        h(
          "a",
          { class: "icon-button", href: `#/session/${segment(sessionId)}`, "aria-label": "Back to the table" },
          icon("back"),
        ),
        h("h1", {}, sessionId),
        progress,
      ),
      conversation.element,
      h("div", { class: "replay-foot" }, next, all),
    ),
  );
  load(sessionId).then(
    (frames) => {
      turns = inTurns(frames);
      show(1);
      next.focus();
    },
    (error) => conversation.fail(error),
  );
  return {
    element,
    title: `Replay of ${sessionId} · Dicetower`,
    focus: () => next.focus(),
    close: () => conversation.close(),
  };
}

async function load(sessionId) {
  const log = new SessionLog();
  const frames = [];
  for (let more = true; more;) {
    const after = log.lastSeq;
    const path = `/api/sessions/${segment(sessionId)}/events?after_seq=${after}&limit=${LOG_PAGE}`;
    const { events, last_seq: last } = await api(path);
    frames.push(...events.map((frame) => log.accept(frame)).filter(Boolean));
    more = events.length > 0 && log.lastSeq > after && log.lastSeq < last;
  }
  return frames;
}

/// What was said begins a turn; what stands before the first belongs to it.
function inTurns(frames) {
  const turns = [[]];
  for (const frame of frames) {
    if (frame.type === "player_message" && turns.at(-1).some(({ type }) => type === "player_message")) turns.push([]);
    turns.at(-1).push(frame);
  }
  return turns;
}
