// The table: a session's conversation and who sits at it.

import { Agreed } from "./agreed.js";
import { api, newId, segment } from "./api.js";
import { Conversation } from "./conversation.js";
import { Debug } from "./debug.js";
import { count, h, hidden, icon, words } from "./dom.js";
import { ask } from "./dialogs.js";
import { Line } from "./line.js";
import { Linked } from "./linked.js";
import { SessionLog } from "./log.js";
import { Lore } from "./lore.js";
import { Remembered } from "./memory.js";
import { shortValue } from "./cards.js";
import { Seats } from "./seats.js";
import { openSheet, refreshSheet } from "./sheet.js";
import { aboutSession, createSession, rememberSession } from "./start.js";
import { storyMenu } from "./story.js";
import { Tracker } from "./tracker.js";
import { Tray } from "./tray.js";
import { foeItem, vitals } from "./vitals.js";

const LOG_PAGE = 1000;
/// Events of a long session that are drawn at once, the last ones; the turns before them on demand.
const LOG_TAIL = 400;
/// The server's limit of 8,000 less what pool dice add to a message.
const MAX_MESSAGE = 7950;
/// Sessions in the side panel; the start page has more.
const SIDE_SESSIONS = 12;

/// The largest number of pool dice one can put into an action here.
const MAX_POOL_DICE = 40;

const SUGGESTIONS = [
  "I shoot the ganger with my Ares Predator at 15 metres in dim light, he is running",
  "Roll 8 dice against a target number of 5",
  "How good is Platinum at Stealth?",
  "Oak casts Heal at Force 4",
];

/// What is added to a sentence to put pool dice into the action.
function poolClause(text, dice) {
  if (dice === 0) return "";
  const pool = /\b(cast|spell)/i.test(text) ? "magic" : "combat";
  return `${/[.!?]$/.test(text) ? " I use" : ", with"} ${count(dice, "die", "dice")} from my ${pool} pool`;
}

/// The view of one session. `connection` shows the state of the line.
export class TableView {
  #log = new SessionLog();
  #line = null;
  #isClosed = false;
  #hasResumed = false;
  #hasRolled = false; // Whether a tool was called in the turn that runs.
  #caughtUpAt = Infinity; // The end of the log when the line came back.
  #isReady = false; // Whether the line is up and the log is shown up to there.
  #characters = []; // All that exist.
  #party = []; // Those in the session, by street name.
  #sheets = new Map(); // Their sheets, by street name.
  #earlier = []; // Frames that are not drawn yet, the oldest first.

  constructor(sessionId, connection) {
    this.sessionId = sessionId;
    this.connection = connection;
    this.title = `${sessionId} · Dicetower`;
    rememberSession(sessionId);

    this.conversation = new Conversation({
      onRunning: (isRunning) => this.#showRunning(isRunning),
      onDecide: (callId, allow) => this.#line?.send({ type: "approve", call_id: callId, allow }),
      onOverride: (rollId) => this.#override(rollId),
    });
    this.seats = new Seats({
      sessionId,
      send: (frame) => this.#line?.send(frame),
      party: () => this.#party,
      onChange: () => this.#showSeat(),
    });
    this.debug = new Debug({ onClose: () => this.#toggleDebug(false) });
    this.tray = new Tray(sessionId);
    const onFailure = (error) => this.conversation.fail(error);
    const onTable = (table) => this.agreed.show(table);
    this.remembered = new Remembered({ sessionId, name: () => this.seats.name, onFailure });
    this.lore = new Lore({ sessionId, onTable, onFailure });
    this.linked = new Linked({ sessionId, onTable, onFailure });
    this.agreed = new Agreed({
      sessionId,
      name: () => this.seats.name,
      onTable: (table) => {
        this.lore.show(table);
        this.linked.show(table);
      },
      onFailure,
    });
    this.element = h("div", { class: "table" }, this.#buildSide(), this.#buildChat(), this.debug.element);
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape());
    this.#showSeat();
    this.#start();
  }

  focus() {
    this.input.focus();
  }

  close() {
    this.#isClosed = true;
    this.#line?.close();
    this.conversation.close();
    this.connection.hide();
  }

  // What it is built of.

  #buildSide() {
    this.partyList = h("ul", { class: "party", id: "party" });
    this.choice = h("select", { class: "input", id: "character", "aria-label": "Character" });
    this.sessionList = h("ul", { class: "sessions", id: "sessions" });
    this.newName = h("input", {
      class: "input",
      id: "new-session",
      "aria-label": "Name of the new session (optional)",
      placeholder: "Name (optional)",
      pattern: "[A-Za-z0-9._:\\-]{1,128}",
      title: "1 to 128 letters, digits or . _ : -",
      autocomplete: "off",
    });
    this.scene = h("section", { class: "panel", "aria-labelledby": "scene-title", hidden: true });
    this.tracker = new Tracker({ sessionId: this.sessionId });
    this.side = h(
      "aside",
      { class: "side", id: "side", "aria-label": "Table", tabindex: "-1" },
      h(
        "button",
        {
          class: "icon-button side-close",
          type: "button",
          "aria-label": "Close the table panel",
          on: { click: () => this.#toggleSide(false) },
        },
        icon("cross"),
      ),
      h(
        "section",
        { class: "panel", "aria-labelledby": "party-title" },
        h("h2", { id: "party-title" }, "At the table"),
        this.partyList,
        h(
          "form",
          { class: "bring", on: { submit: (event) => this.#bring(event) } },
          this.choice,
          h(
            "div",
            { class: "bring-buttons" },
            h("button", { class: "button", type: "submit", id: "add-character" }, icon("plus"), "Add"),
            h(
              "button",
              {
                class: "button",
                type: "button",
                id: "view-sheet",
                on: { click: () => this.choice.value && this.#openSheet(this.choice.value) },
              },
              icon("sheet"),
              "View sheet",
            ),
          ),
        ),
      ),
      this.tracker.element,
      this.scene,
      this.seats.element,
      this.agreed.element,
      this.remembered.element,
      this.lore.element,
      this.linked.element,
      h(
        "section",
        { class: "panel", "aria-labelledby": "sessions-title" },
        h("h2", { id: "sessions-title" }, "Sessions"),
        h(
          "form",
          { class: "new-session", on: { submit: (event) => this.#create(event) } },
          this.newName,
          h("button", { class: "button", type: "submit", "aria-label": "Create a session" }, icon("plus")),
        ),
        this.sessionList,
      ),
    );
    return this.side;
  }

  #buildChat() {
    this.sideButton = h(
      "button",
      {
        class: "icon-button side-open",
        type: "button",
        "aria-label": "Show the table: characters and sessions",
        "aria-expanded": "false",
        "aria-controls": "side",
        on: { click: () => this.#toggleSide(true) },
      },
      icon("people"),
    );
    this.debugButton = h(
      "button",
      {
        class: "button button-quiet",
        type: "button",
        id: "debug-toggle",
        "aria-expanded": "false",
        "aria-controls": "debug",
        on: { click: () => this.#toggleDebug(this.debug.element.hidden) },
      },
      icon("debug"),
      "Debug",
    );
    this.trayButton = h(
      "button",
      {
        class: "button button-quiet button-small",
        type: "button",
        id: "tray-toggle",
        "aria-expanded": "false",
        "aria-controls": "tray",
        on: { click: () => this.#toggleTray(this.tray.element.hidden) },
      },
      icon("dice"),
      "Dice",
    );
    this.count = h("span", { class: "dim", id: "message-count" });
    this.heading = h("h1", { id: "session-title" }, this.sessionId);
    this.suggestions = h(
      "div",
      { class: "suggestions" },
      h("h2", {}, "The table is set"),
      h("p", {}, "Add a character, then say what happens. For example:"),
      h(
        "ul",
        {},
        SUGGESTIONS.map((text) =>
          h("li", {}, h("button", { type: "button", on: { click: () => this.#suggest(text) } }, text)),
        ),
      ),
    );
    this.suggestions.hidden = true;
    this.input = h("textarea", {
      id: "message",
      class: "composer-input",
      rows: "1",
      maxlength: MAX_MESSAGE,
      placeholder: "What do you do?",
      "aria-label": "Your message",
      "aria-describedby": "composer-help",
      on: { keydown: (event) => this.#key(event), input: () => this.#fitInput() },
    });
    this.poolDice = h("input", {
      type: "number",
      class: "input",
      id: "pool-dice",
      min: "0",
      max: MAX_POOL_DICE,
      value: "0",
      inputmode: "numeric",
      on: { keydown: (event) => this.#key(event) },
    });
    this.cancel = h(
      "button",
      {
        class: "button button-stop",
        type: "button",
        id: "cancel",
        hidden: true,
        on: { click: () => this.#line?.send({ type: "cancel" }) },
      },
      icon("stop"),
      "Cancel",
    );
    this.sendButton = h("button", { class: "button button-primary", type: "submit", id: "send" }, icon("send"), "Send");
    return h(
      "section",
      { class: "chat", "aria-label": "Session" },
      h(
        "header",
        { class: "chat-head" },
        this.sideButton,
        this.heading,
        this.count,
        storyMenu({
          sessionId: this.sessionId,
          title: () => this.heading.textContent,
          onRenamed: (title) => {
            this.heading.textContent = title;
            this.#loadSessions();
          },
          onFailure: (error) => this.conversation.fail(error),
        }),
        this.debugButton,
      ),
      this.agreed.card,
      this.conversation.element,
      this.suggestions,
      this.tray.element,
      (this.composer = h(
        "form",
        { class: "composer", id: "composer", on: { submit: (event) => this.#send(event) } },
        h("div", { class: "composer-box" }, this.input, this.cancel, this.sendButton),
        h(
          "div",
          { class: "composer-foot" },
          h(
            "label",
            { class: "pool", for: "pool-dice", title: "Dice of the Combat or Magic Pool to put into this action" },
            "Pool dice",
            this.poolDice,
          ),
          this.trayButton,
          h("p", { class: "composer-help", id: "composer-help" }, "Enter sends, Shift and Enter begin a new line"),
        ),
      )),
    );
  }

  // Loading and the line.

  async #start() {
    try {
      // An unknown session comes into being; one that exists stays as it is.
      await api("/api/sessions", { method: "POST", body: { session_id: this.sessionId } });
    } catch (error) {
      this.conversation.fail(error);
      if (error.status >= 400 && error.status < 500) {
        this.composer.hidden = true;
        return; // No line would be had under such a name.
      }
    }
    await Promise.all([this.#loadCharacters(), this.#loadSessions(), this.#loadLog()]);
    if (this.#isClosed) return;
    this.agreed.load();
    this.remembered.load();
    this.conversation.goLive();
    this.suggestions.hidden = !this.conversation.isEmpty;
    this.#line = new Line(this.sessionId, {
      resumeAfter: () => this.#log.resumeAfter(),
      onFrame: (frame) => this.#receive(frame),
      onState: (state) => this.#showState(state),
      onEnd: (reason) => {
        this.connection.hide();
        this.composer.hidden = true;
        this.conversation.fail(new Error(`${reason[0]?.toUpperCase() ?? ""}${reason.slice(1)}.`));
      },
    });
    this.connection.onRetry = () => this.#line.reconnect();
  }

  /// Draws the log: of a long one the end first, what stands before on demand.
  async #loadLog() {
    try {
      const { last_seq: last } = await this.#events(0, 1);
      const start = Math.max(0, last - LOG_TAIL);
      const frames = await this.#logAfter(start);
      const begin = start > 0 ? firstWholeTurn(frames) : 0;
      this.#earlier = frames.slice(0, begin);
      for (const frame of frames.slice(begin)) this.#receive(frame);
      if (start > 0) await this.#loadEarlier(start);
    } catch (error) {
      this.conversation.fail(error); // The line brings it, once there is one.
    }
  }

  #events(after, limit) {
    return api(`/api/sessions/${segment(this.sessionId)}/events?after_seq=${after}&limit=${limit}`);
  }

  /// The log after a place, up to another.
  async #logAfter(start, end = Infinity) {
    const frames = [];
    for (let after = start; !this.#isClosed;) {
      const { events, last_seq: last } = await this.#events(after, LOG_PAGE);
      frames.push(...events.filter(({ seq }) => seq <= end));
      const reached = events.at(-1)?.seq ?? last;
      if (events.length === 0 || reached <= after || reached >= Math.min(last, end)) break;
      after = reached;
    }
    return frames;
  }

  /// Reads what stands before that place; of it only people and scene are shown until somebody wants the rest.
  async #loadEarlier(end) {
    this.#earlier = [...(await this.#logAfter(0, end)), ...this.#earlier];
    for (const frame of this.#earlier.toReversed()) {
      if (frame.type === "presence" || frame.type === "taken_over") this.seats.note(frame, true);
      if (frame.type === "scene" && this.scene.hidden) this.#showScene(frame.scene ?? {});
    }
    this.#offerEarlier();
  }

  #offerEarlier() {
    this.conversation.offerEarlier(this.#earlier.length > 0 ? () => this.#showEarlier() : null);
  }

  #showEarlier() {
    const start = Math.max(0, this.#earlier.length - LOG_TAIL);
    const begin = start + (start > 0 ? firstWholeTurn(this.#earlier.slice(start)) : 0);
    const frames = this.#earlier.splice(begin < this.#earlier.length ? begin : 0);
    this.conversation.showEarlier(frames.filter(({ type }) => !UNTOLD.has(type)));
    this.#offerEarlier();
  }

  async #loadCharacters() {
    try {
      this.#characters = (await api("/api/characters")).characters;
    } catch (error) {
      this.conversation.fail(error);
    }
    this.#showParty();
  }

  async #loadSessions() {
    try {
      const { sessions } = await api("/api/sessions");
      this.sessionList.replaceChildren(
        ...sessions.slice(0, SIDE_SESSIONS).map((session) => this.#sessionItem(session)),
      );
      if (sessions.length > SIDE_SESSIONS)
        this.sessionList.append(h("li", {}, h("a", { href: "#/" }, `All ${sessions.length} sessions`)));
      const own = sessions.find(({ session_id: id }) => id === this.sessionId);
      if (own?.title) this.heading.textContent = own.title;
      this.#showParty(own?.characters);
    } catch {
      // The conversation says what is wrong; the list stays as it was.
    }
  }

  #sessionItem(session) {
    const { session_id: id } = session;
    const isCurrent = id === this.sessionId;
    return h(
      "li",
      {},
      h(
        "a",
        { href: `#/session/${segment(id)}`, "aria-current": isCurrent && "page" },
        h("span", { class: "session-name" }, session.title || id),
        h("span", { class: "dim session-about" }, aboutSession(session)),
      ),
    );
  }

  /// What is said in the session shows in its place in the list as well.
  #showCount(session) {
    this.count.textContent = count(session.message_count, "message");
    const about = this.sessionList.querySelector("[aria-current=page] .session-about");
    if (about) about.textContent = aboutSession(session);
  }

  #receive(sent) {
    const frame = this.#log.accept(sent);
    if (frame) this.#take(frame);
    if (!this.#isReady && this.#caughtUpAt <= this.#log.lastSeq) this.#becomeReady();
  }

  #take(frame) {
    this.debug.note(frame);
    switch (frame.type) {
      case "session_info":
        this.#showParty(frame.characters);
        this.#showCount(frame);
        return;
      case "resumed":
        this.#resumed(frame);
        return;
      case "snapshot":
        this.#line.send({ type: "resume", after_seq: frame.missed_after }); // We were too slow; the log has it all.
        return;
      case "telemetry":
        return;
      case "scene":
        this.#showScene(frame.scene ?? {});
        return;
      case "turn_order":
        this.tracker.told(frame.order ?? []);
        if (this.#line) this.#refreshParty(); // A fight begins, goes on or ends on their sheets, too.
        return;
      case "paused":
      case "table_set":
      case "model_chosen":
      case "game_linked":
        if (this.#line) this.agreed.load();
        break;
      case "remembered":
      case "fact_forgotten":
        if (this.#line) this.remembered.load();
        break;
      case "presence":
      case "taken_over":
        this.seats.note(frame);
        break;
      case "error":
        if (!frame.turn_id && /seat/.test(frame.content)) this.seats.refused();
        break;
      case "character_updated":
        if (this.#line) this.#refreshParty(); // Else the log is being restored: the sheets have it all already.
        break;
      case "tool_result":
        this.#hasRolled = true;
        break;
      case "complete":
        if (!this.#line) break;
        this.#line.send({ type: "get_session_info" });
        this.#loadSessionsSoon();
        this.agreed.loadCost();
        if (this.#hasRolled) this.#refreshParty(); // A tool may have changed a sheet.
        this.#hasRolled = false;
        break;
      case "system":
        if (/^Connected to session /.test(frame.content)) return; // The connection's own sign says it.
        if (frame.seq) this.#line?.send({ type: "get_session_info" });
        break;
    }
    this.suggestions.hidden = true;
    this.conversation.show(frame);
  }

  #resumed({ recovered, last_seq: last }) {
    if (this.#hasResumed && !recovered) {
      location.reload(); // The log is another than the one shown: the server's data was replaced.
      return;
    }
    this.#hasResumed = true;
    this.seats.sitDown();
    this.#line.send({ type: "get_session_info" });
    this.#caughtUpAt = last;
  }

  /// Says what was said while the line was down, and what went out as it broke and never reached the log.
  #becomeReady() {
    this.#isReady = true;
    for (const said of this.conversation.unanswered) this.#line.send(said);
  }

  #loadSessionsSoon() {
    clearTimeout(this.reload);
    this.reload = setTimeout(() => !this.#isClosed && this.#loadSessions(), 500);
  }

  // What players do.

  #send(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === "" || !this.poolDice.reportValidity()) return;
    const message = text + poolClause(text, this.poolDice.valueAsNumber || 0);
    const said = { type: "chat", message, message_id: newId(), trace_id: newId() };
    this.suggestions.hidden = true;
    this.conversation.say(said);
    if (this.#isReady) this.#line.send(said);
    this.input.value = "";
    this.poolDice.value = "0"; // Pool dice are put in anew for each action.
    this.#fitInput();
    this.input.focus();
  }

  /// Grows the box with its text, where the browser does not do it by itself.
  #fitInput() {
    if (CSS.supports("field-sizing", "content")) return;
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#send(event);
  }

  #suggest(text) {
    this.input.value = text;
    this.#fitInput();
    this.input.focus();
  }

  #bring(event) {
    event.preventDefault();
    if (this.choice.value) this.#line?.send({ type: "add_character", character: this.choice.value });
  }

  #create(event) {
    event.preventDefault();
    createSession(this.newName.value.trim())
      .then(() => {
        this.newName.value = "";
      })
      .catch((error) => this.conversation.fail(error));
  }

  #remove(name) {
    this.#line?.send({ type: "remove_character", character: name });
    this.choice.focus();
  }

  async #override(rollId) {
    const answer = await ask({
      title: "Override the roll",
      text: "Everybody reads it, with your reason; the dice stay as they fell.",
      submit: "Override",
      fields: [
        { name: "result", label: "It counts as", required: true, maxlength: 500 },
        { name: "reason", label: "Reason", required: true, maxlength: 500 },
      ],
    });
    if (answer) this.#line?.send({ type: "override", roll_id: rollId, ...answer });
  }

  // What is shown.

  /// What one's seat allows.
  #showSeat() {
    this.element?.classList.toggle("is-game-master", this.seats.isGameMaster);
    if (!this.composer) return;
    this.composer.hidden = this.seats.isSpectator;
    this.input.placeholder = this.seats.narrates ? "What do they see?" : "What do you do?";
  }

  #showParty(names = this.#party) {
    this.#party = names;
    const known = new Map(this.#characters.map((character) => [character.name.toLowerCase(), character]));
    this.partyList.replaceChildren(...names.map((name) => this.#member(name, known.get(name.toLowerCase()))));
    for (const name of names) if (!this.#sheets.has(name)) this.#loadVitals(name);
    this.tracker.setParty(names, this.#sheets);
    if (names.length === 0) this.partyList.append(h("li", { class: "empty" }, "Nobody yet."));

    const seated = new Set(names.map((name) => name.toLowerCase()));
    const chosen = this.choice.value;
    const away = this.#characters.filter(({ name }) => !seated.has(name.toLowerCase()));
    this.choice.replaceChildren(
      ...away.map(({ name, archetype }) => h("option", { value: name }, archetype ? `${name} (${archetype})` : name)),
    );
    if (away.length === 0)
      this.choice.append(
        h("option", { value: "" }, this.#characters.length > 0 ? "All are at the table" : "No characters"),
      );
    if (away.some(({ name }) => name === chosen)) this.choice.value = chosen;
  }

  #member(name, character) {
    return h(
      "li",
      { class: "member", data: { character: name } },
      h("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase()),
      h(
        "span",
        { class: "member-text" },
        h("strong", {}, name),
        h("span", { class: "dim" }, [character?.metatype, character?.archetype].filter(Boolean).join(" ")),
      ),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": `View the sheet of ${name}`,
          title: "Sheet",
          on: { click: () => this.#openSheet(name) },
        },
        icon("sheet"),
      ),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": `Remove ${name} from the table`,
          title: "Remove",
          on: { click: () => this.#remove(name) },
        },
        icon("cross"),
      ),
      vitals(this.#sheets.get(name)),
    );
  }

  #openSheet(name) {
    openSheet(name, { sessionId: this.sessionId });
  }

  #refreshParty() {
    refreshSheet();
    for (const name of this.#party) this.#loadVitals(name);
  }

  /// Reads what the party list tells of a character: initiative, pools, wounds.
  async #loadVitals(name) {
    this.#sheets.set(name, this.#sheets.get(name) ?? null); // Asked for once, however often the list is shown.
    try {
      const body = await api(`/api/character/${segment(name)}`);
      this.#sheets.set(name, { ...body, ...body.data });
    } catch {
      return; // The list does without; opening the sheet says why.
    }
    this.tracker.setParty(this.#party, this.#sheets);
    const member = Array.from(this.partyList.children).find(({ dataset }) => dataset.character === name);
    member?.querySelector(".vitals")?.remove();
    member?.append(vitals(this.#sheets.get(name)));
  }

  #showScene(scene) {
    const foes = Array.isArray(scene.foes) ? scene.foes : [];
    const known = Object.entries(scene).filter(
      ([name, value]) => value !== null && value !== "" && typeof value !== "object" && name !== "combat_id",
    );
    this.scene.hidden = known.length + foes.length === 0;
    const content = [
      h("h2", { id: "scene-title" }, "Scene"),
      h(
        "dl",
        { class: "scene" },
        known.map(([name, value]) =>
          h(
            "div",
            {},
            h("dt", {}, words(name.replace("target_distance", "distance"))),
            h(
              "dd",
              {},
              name === "target_distance" ? `${value} m` : name === "light_level" ? words(value) : shortValue(value),
            ),
          ),
        ),
      ),
      foes.length > 0 && h("ul", { class: "foes", "aria-label": "Foes" }, foes.map(foeItem)),
    ];
    this.scene.replaceChildren(...content.filter(Boolean));
    // The scene knows its fight before any sheet does.
    if (scene.combat_id && scene.combat_id !== this.fight) this.tracker.refresh(scene.combat_id);
    this.fight = scene.combat_id ?? null;
  }

  #showRunning(isRunning) {
    this.cancel.hidden = !isRunning;
    this.element.classList.toggle("is-running", isRunning);
  }

  #showState(state) {
    if (state !== "open") {
      this.#isReady = false;
      this.#caughtUpAt = Infinity;
    }
    this.connection.show(state);
  }

  #toggleSide(isOpen) {
    this.element.classList.toggle("has-side", isOpen);
    this.sideButton.setAttribute("aria-expanded", isOpen);
    if (isOpen) this.side.focus();
    else this.sideButton.focus();
  }

  #toggleDebug(isOpen) {
    this.debug.element.hidden = !isOpen;
    this.element.classList.toggle("has-debug", isOpen);
    this.debugButton.setAttribute("aria-expanded", isOpen);
    if (isOpen) this.debug.element.focus();
    else this.debugButton.focus();
  }

  #toggleTray(isOpen) {
    this.tray.toggle(isOpen);
    this.trayButton.setAttribute("aria-expanded", isOpen);
    if (!isOpen) this.trayButton.focus();
  }

  #escape() {
    if (this.element.classList.contains("has-side")) this.#toggleSide(false);
    else if (this.tray.element.contains(document.activeElement)) this.#toggleTray(false);
    else if (!this.debug.element.hidden && this.debug.element.contains(document.activeElement))
      this.#toggleDebug(false);
  }
}

/// Frames that have no line in the conversation.
const UNTOLD = new Set(["scene", "turn_order", "telemetry", "session_info", "resumed"]);

/// Where the first turn begins that stands in the frames from its beginning, with no older one around it.
function firstWholeTurn(frames) {
  const last = new Map();
  frames.forEach(({ turn_id: turn }, index) => turn && last.set(turn, index));
  let open = -1; // The last frame of a turn that was seen before.
  for (const [index, { type, turn_id: turn }] of frames.entries()) {
    if (type === "player_message" && open < index) return index;
    if (turn) open = Math.max(open, last.get(turn));
  }
  return 0;
}
