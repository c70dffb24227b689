// The conversation of a session: what was said, told and rolled, turn by turn.

import { errorCard, pendingCard, toolCard } from "./cards.js";
import { clock, count, duration, h, hidden, icon, traceLink, words } from "./dom.js";
import { prose } from "./prose.js";
import { approvalCard, claimsNote, decided, overrideButton, overridden } from "./rulings.js";

/// As near to the end counts as being there: new text then scrolls along.
const NEAR_END_PX = 80;

export class Conversation {
  #turns = new Map();
  #waiting = []; // Turns of our own that the server has not named yet.
  #following = true;
  #top = 0; // How far it was scrolled the last time.
  #isLive = false;
  #place = null; // Where earlier frames are put in: before this element.
  #retold = null; // What was said in the turn that was taken back last.

  /// `onRunning` is told whether a turn runs; `onDecide` what the game master's seat decides about a call, and
  /// `onOverride` of which roll he wants to.
  constructor({ onRunning, onDecide = () => {}, onOverride = () => {} }) {
    this.onRunning = onRunning;
    this.onDecide = onDecide;
    this.onOverride = onOverride;
    this.list = h("div", { class: "log-inner" });
    this.latest = h(
      "button",
      { class: "latest", type: "button", hidden: true, on: { click: () => this.#toEnd() } },
      icon("down"),
      "Latest",
    );
    this.scroller = h(
      "div",
      {
        class: "log",
        id: "log",
        role: "log",
        "aria-label": "Conversation",
        "aria-live": "off",
        tabindex: "0",
        on: { scroll: () => this.#noteScroll() },
      },
      this.list,
    );
    this.element = h("div", { class: "log-frame" }, this.scroller, this.latest);
    this.resize = new ResizeObserver(() => this.#following && this.#toEnd());
    this.resize.observe(this.list);
    this.resize.observe(this.scroller);
  }

  get isEmpty() {
    return this.list.childElementCount === 0;
  }

  get isRunning() {
    return Array.from(this.#turns.values()).some((turn) => turn.isRunning);
  }

  /// Messages of our own that the server has not taken up.
  get unanswered() {
    return this.#waiting.map(({ said }) => said);
  }

  /// From now on a screen reader is told what comes in; before, it is what was there already.
  goLive() {
    this.#isLive = true;
    this.scroller.setAttribute("aria-live", "polite");
  }

  /// Shows what this player says, before the server has taken it up.
  say(said) {
    const turn = new Turn(said.message, (card, result) => this.#mayBeOverridden(card, result));
    turn.said = said;
    this.#waiting.push(turn);
    this.list.append(turn.element);
    this.#toEnd();
    return turn;
  }

  /// Shows a frame of the log.
  show(frame) {
    switch (frame.type) {
      case "player_message":
        this.#heard(frame);
        break;
      case "processing":
      case "narrative":
      case "tool_execution":
      case "tool_call":
      case "tool_result":
      case "complete":
        this.#turnOf(frame).show(frame, this.#isLive);
        break;
      case "error":
        if (frame.turn_id) this.#turnOf(frame).show(frame, this.#isLive);
        else this.#add(errorCard(frame));
        break;
      case "whisper":
        this.#add(h("p", { class: "note note-whisper" }, `${frame.from} whispers to ${frame.to}: ${frame.message}`));
        break;
      case "approval_requested":
        this.#add(approvalCard(frame, (allow) => this.onDecide(frame.call_id, allow)));
        break;
      case "approval":
        decided(this.list, frame);
        break;
      case "roll_overridden":
        overridden(this.list, frame);
        this.note(`${frame.by} rules that the roll counts as ${frame.result}: ${frame.reason}`);
        break;
      case "taken_over":
        this.note(frame.on ? `${frame.name} narrates in place of the model` : "The model narrates again");
        break;
      case "paused":
        this.note(
          frame.on ? `${frame.name || "Somebody"} lays the pause card on the table` : "The pause card is taken away",
        );
        break;
      case "table_set":
        this.note("What was agreed for the table has changed");
        break;
      case "model_chosen":
        this.note(`The game master is now ${frame.provider === "house" ? "the house" : frame.model || "the server's own"}`);
        break;
      case "remembered":
        for (const { text } of frame.facts ?? []) this.note(`To be remembered: ${text}`);
        break;
      case "game_linked":
        this.note(frame.game_id ? `The table is linked to the game ${frame.game_id}` : "The table is linked to no game");
        break;
      case "game_told":
        this.note([words(frame.event ?? ""), ...(frame.lines ?? [])].filter(Boolean).join(" · "));
        break;
      case "turn_taken_back":
        this.#takeBack(frame);
        break;
      case "retract":
        for (const turn of this.#turns.values()) turn.retract(frame.retracted_seq);
        break;
      case "roll":
        this.#add(toolCard(frame));
        this.#mayBeOverridden(this.list.lastElementChild, frame.result);
        break;
      case "system":
        this.note(frame.content);
        break;
      case "presence":
        this.note(
          `${frame.name} ${frame.present ? "has come to the table" : "has left the table"}${frame.reason ? ` (${frame.reason})` : ""}`,
        );
        break;
      case "character_updated":
        this.note(`${frame.character}: ${changes(frame.changes)}`);
        break;
      default:
        return; // The scene, the turn order and kinds to come have no line in the conversation.
    }
    this.onRunning(this.isRunning);
  }

  /// A line beside the story.
  note(text) {
    this.#add(h("p", { class: "note" }, text));
  }

  /// A failure to show in the conversation that is no frame.
  fail(error) {
    this.#add(errorCard({ content: error.message, code: error.code, error_type: error.type, trace_id: error.traceId }));
  }

  close() {
    this.resize.disconnect();
  }

  /// Shows frames from before what is shown; they end with the end of a turn.
  showEarlier(frames) {
    const height = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.#place = this.list.firstElementChild;
    for (const frame of frames) this.show(frame);
    this.#place = null;
    // The reader stays where he was.
    this.scroller.scrollTop = this.scroller.scrollHeight - height;
  }

  /// Offers what stood before, until all of it is shown.
  offerEarlier(onWanted) {
    this.earlier?.remove();
    this.earlier = null;
    if (!onWanted) return;
    const button = h("button", { class: "button", type: "button", id: "earlier", on: { click: onWanted } }, "Show earlier turns");
    this.earlier = h("div", { class: "earlier" }, button);
    this.scroller.prepend(this.earlier);
  }

  #add(element) {
    if (this.#place) this.#place.before(element);
    else this.list.append(element);
  }

  #takeBack({ taken_turn_id: id, not_undone: left = [] }) {
    const turn = this.#turns.get(id);
    turn?.element.classList.add("turn-taken-back");
    this.#retold = turn?.said?.message ?? turn?.words ?? null;
    const rest = left.length > 0 ? ` Not undone: ${left.map(words).join(", ")}.` : "";
    this.note(`The last turn is taken back.${rest}`);
  }

  #mayBeOverridden(card, result) {
    overrideButton(card, result, (rollId) => this.onOverride(rollId));
  }

  /// A player's message: our own comes back on resume and is shown already.
  #heard(frame) {
    const turn = this.#turns.get(frame.turn_id) ?? this.#claim(frame) ?? this.#newTurn(frame);
    const isRetold = this.#retold !== null && frame.message === this.#retold;
    if (isRetold) this.#retold = null;
    turn.hear(frame, this.#isLive && !isRetold);
  }

  #turnOf(frame) {
    return this.#turns.get(frame.turn_id) ?? this.#claim(frame) ?? this.#newTurn(frame);
  }

  /// The message of our own that a frame answers, known by its trace or, where a trace was made anew, by its text.
  #claim(frame) {
    const isOurs = ({ said }) =>
      said.trace_id === frame.trace_id || (frame.type === "player_message" && said.message === frame.message);
    const index = this.#waiting.findIndex(isOurs);
    if (index < 0) return null;
    const [turn] = this.#waiting.splice(index, 1);
    this.#turns.set(frame.turn_id, turn);
    turn.name(frame.turn_id);
    return turn;
  }

  #newTurn(frame) {
    const turn = new Turn(null, (card, result) => this.#mayBeOverridden(card, result));
    turn.name(frame.turn_id ?? "");
    this.#turns.set(frame.turn_id, turn);
    this.#add(turn.element);
    return turn;
  }

  #noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    // More may have come in since it was scrolled to the end; only who scrolls up wants to stay where he is.
    this.#following = isAtEnd || (this.#following && this.#top <= scrollTop);
    this.#top = scrollTop;
    this.latest.hidden = this.#following;
  }

  #toEnd() {
    this.#following = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

/// One player's sentence and all that the game master makes of it.
class Turn {
  isRunning = false;
  said = null;
  #passages = new Map(); // The block a passage stands in, by its seq.
  #block = null; // The narration that is being told.
  #calls = new Map(); // Cards by call id.
  #tools = 0;
  #startedAt = null;

  /// `onRoll` is told of each card of a tool, with its result.
  constructor(message, onRoll) {
    this.onRoll = onRoll;
    this.body = h("div", { class: "turn-body" });
    this.thinking = h(
      "p",
      { class: "thinking" },
      h("span", { class: "thinking-dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      h("span", { class: "thinking-text" }),
    );
    this.element = h("article", { class: "turn" }, this.body);
    if (message) this.#speak(message);
  }

  name(turnId) {
    this.element.dataset.turn = turnId;
    this.element.classList.remove("turn-waiting");
  }

  /// What is heard live comes from somebody else; in the log, who gave no name may have been this player.
  hear({ message, name, character }, isLive) {
    if (this.speech) return;
    const who = [name, character].filter(Boolean).join(" · ");
    this.#speak(message, who || (isLive ? "Another player" : ""));
  }

  /// Shows a frame of this turn; dice that are rolled before the reader's eyes tumble.
  show(frame, isLive) {
    switch (frame.type) {
      case "processing":
        this.isRunning = true;
        this.#startedAt = frame.at ? Date.parse(frame.at) : Date.now();
        this.#think(frame.content);
        break;
      case "narrative":
        this.isRunning = true;
        this.#narrate(frame);
        break;
      case "tool_execution":
        this.isRunning = true;
        this.#settle();
        this.#think(`${frame.tools.map(words).join(", ")} …`);
        break;
      case "tool_call":
        this.isRunning = true;
        this.#settle();
        this.#card(frame.call_id, pendingCard(frame.tool));
        break;
      case "tool_result":
        this.#tools += 1;
        this.#card(frame.call_id, toolCard(frame), isLive);
        this.onRoll(this.#calls.get(frame.call_id), frame.result);
        break;
      case "error":
        this.#settle();
        this.body.append(errorCard(frame));
        break;
      case "complete":
        this.#end(frame);
        break;
    }
    if (this.isRunning) this.body.append(this.thinking);
  }

  retract(seq) {
    const block = this.#passages.get(seq);
    if (!block) return;
    this.#passages.delete(seq);
    block.texts.delete(seq);
    this.#set(block);
  }

  #speak(message, who) {
    this.words = message;
    this.speech = h(
      "div",
      { class: "speech" },
      hidden(`${who || "You"}: `),
      who && h("span", { class: "speech-who", "aria-hidden": "true" }, who),
      h("p", {}, message),
    );
    this.element.prepend(this.speech);
    if (!who && !this.element.dataset.turn) this.element.classList.add("turn-waiting");
  }

  #think(text) {
    this.thinking.querySelector(".thinking-text").textContent = text;
    this.thinking.hidden = false;
  }

  /// A piece of the story. What one step tells may come as several passages, each with a seq of its own, where
  /// something else happened at the table meanwhile; they read on as one.
  #narrate({ seq, content }) {
    let block = this.#passages.get(seq) ?? this.#block;
    if (!block) {
      block = { texts: new Map(), element: h("div", { class: "narrative", "aria-busy": "true" }), isDue: false };
      this.body.append(block.element);
      this.#block = block;
    }
    this.#passages.set(seq, block);
    block.texts.set(seq, (block.texts.get(seq) ?? "") + content);
    this.thinking.hidden = true;
    this.#set(block);
  }

  /// Sets the text of a block, once for all pieces that come within one frame of the screen.
  #set(block) {
    if (block.isDue) return;
    block.isDue = true;
    requestAnimationFrame(() => {
      block.isDue = false;
      block.element.replaceChildren(...prose(Array.from(block.texts.values()).join("")));
    });
  }

  /// The narration so far is whole: a screen reader may read it.
  #settle() {
    this.#block?.element.removeAttribute("aria-busy");
    this.#block = null;
  }

  #card(callId, card, isLive = false) {
    card.classList.toggle("is-live", isLive);
    const known = this.#calls.get(callId);
    if (known) known.replaceWith(card);
    else this.body.append(card);
    this.#calls.set(callId, card);
  }

  #end({ content, at, trace_id: traceId, claims = [] }) {
    this.isRunning = false;
    this.thinking.remove();
    this.#settle();
    for (const card of this.body.querySelectorAll(".card-pending")) card.remove();
    const tookMs = this.#startedAt && at ? Date.parse(at) - this.#startedAt : null;
    const parts = [
      content && content !== "Response complete" ? content : "Turn complete",
      tookMs !== null && tookMs >= 0 && duration(tookMs * 1000),
      this.#tools > 0 && count(this.#tools, "tool call"),
      clock(at, { hour: "2-digit", minute: "2-digit" }),
    ];
    if (claims.length > 0) this.body.append(claimsNote(claims));
    this.body.append(
      h(
        "footer",
        { class: "turn-end" },
        h("span", {}, parts.filter(Boolean).join(" · ")),
        traceLink(traceId, "the turn"),
      ),
    );
  }
}

/// What changed on a sheet: in the service's words, or the values it names.
function changes(values) {
  const told = values?.summary ?? values?.message;
  if (told) return told;
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== null && typeof value !== "object");
  return entries.length > 0
    ? entries.map(([name, value]) => `${words(name).toLowerCase()} ${value}`).join(", ")
    : "changed";
}
