// Who sits at the table: the list of people, one's own seat, whispers, and what the game master's seat may do.

import { ask } from "./dialogs.js";
import { h, icon, words } from "./dom.js";

const NAME = "dicetower-name";
const SEAT = "dicetower-seat:";
const SEATS = [
  { value: "player", label: "Player", hint: "Speaks and plays a character." },
  { value: "spectator", label: "Spectator", hint: "Only listens." },
  { value: "game_master", label: "Game master", hint: "Sees everything and has the last word; one at a table." },
];

export class Seats {
  #people = new Map(); // Everybody who is there, by name.
  #mine = null; // The seat that this browser keeps at this table.
  #narrator = null;

  /// `send` sends a frame; `party` tells the characters in the session; `onChange` is told when the own seat changes.
  constructor({ sessionId, send, party, onChange }) {
    this.key = SEAT + sessionId;
    this.send = send;
    this.party = party;
    this.onChange = onChange;
    this.#mine = recall(this.key);
    this.list = h("ul", { class: "people", id: "people" });
    this.seatButton = h("button", {
      class: "button",
      type: "button",
      id: "take-seat",
      on: { click: () => this.#takeSeat() },
    });
    this.narrate = h("input", {
      type: "checkbox",
      id: "narrate",
      on: { change: () => this.send({ type: "take_over", on: this.narrate.checked }) },
    });
    this.chair = h(
      "label",
      { class: "narrate", for: "narrate", hidden: true },
      this.narrate,
      h("span", {}, h("strong", {}, "I narrate"), h("span", { class: "dim" }, "What you send is told as the story.")),
    );
    this.element = h(
      "section",
      { class: "panel", "aria-labelledby": "people-title" },
      h("h2", { id: "people-title" }, "People"),
      this.list,
      this.seatButton,
      this.chair,
    );
    this.#draw();
  }

  /// One's own name; nothing without a seat.
  get name() {
    return this.#mine?.name ?? null;
  }

  get isGameMaster() {
    return this.#mine?.seat === "game_master";
  }

  get isSpectator() {
    return this.#mine?.seat === "spectator";
  }

  get narrates() {
    return this.isGameMaster && this.#narrator !== null && this.#narrator === this.#mine.name;
  }

  /// The line is up: the seat is taken again.
  sitDown() {
    if (this.#mine) this.send({ type: "join", ...this.#mine });
  }

  /// The seat that was asked for is not to be had.
  refused() {
    if (!this.isGameMaster) return;
    this.#keep({ ...this.#mine, seat: "player" });
    this.sitDown();
  }

  /// Somebody comes, goes, or narrates. Earlier frames change nothing of what later ones have told.
  note(frame, isEarlier = false) {
    if (frame.type === "presence") {
      if (isEarlier && this.#people.has(frame.name)) return;
      this.#people.set(frame.name, frame);
    } else if (frame.type === "taken_over" && !(isEarlier && this.#narrator !== null)) {
      this.#narrator = frame.on ? frame.name : null;
    }
    this.#draw();
    this.onChange();
  }

  #draw() {
    const there = Array.from(this.#people.values()).filter(({ present }) => present);
    this.list.replaceChildren(...there.map((person) => this.#person(person)));
    if (there.length === 0) this.list.append(h("li", { class: "empty" }, "Nobody has taken a seat."));
    this.seatButton.replaceChildren(icon("people"), this.#mine ? `Change seat (${this.#mine.name})` : "Take a seat");
    this.chair.hidden = !this.isGameMaster;
    this.narrate.checked = this.narrates;
  }

  #person({ name, seat, character }) {
    const isMe = name === this.#mine?.name;
    const about = [seat !== "player" && words(seat), character].filter(Boolean).join(" · ");
    return h(
      "li",
      { class: "person", data: { name } },
      h("span", { class: "person-dot", "aria-hidden": "true" }),
      h("span", { class: "person-text" }, h("strong", {}, name), isMe && " (you)", h("span", { class: "dim" }, about)),
      !isMe &&
        this.#mine &&
        h(
          "button",
          {
            class: "icon-button",
            type: "button",
            "aria-label": `Whisper to ${name}`,
            title: "Whisper",
            on: { click: () => this.#whisper(name) },
          },
          icon("whisper"),
        ),
    );
  }

  async #takeSeat() {
    const mine = this.#mine ?? { name: recall(NAME) ?? "", seat: "player", character: "" };
    const answer = await ask({
      title: "Your seat at the table",
      submit: "Sit down",
      fields: [
        { name: "name", label: "Name", value: mine.name, required: true, maxlength: 40 },
        { name: "seat", label: "Seat", type: "radio", value: mine.seat, options: SEATS },
        {
          name: "character",
          label: "Character",
          type: "select",
          value: mine.character ?? "",
          hint: "What you say is then this character's.",
          options: [{ value: "", label: "None" }, ...this.party().map((name) => ({ value: name, label: name }))],
        },
      ],
    });
    if (!answer?.name) return;
    const seat = { name: answer.name, seat: answer.seat || "player" };
    if (answer.character && seat.seat === "player") seat.character = answer.character;
    remember(NAME, answer.name);
    this.#keep(seat);
    this.sitDown();
  }

  async #whisper(to) {
    const answer = await ask({
      title: `Whisper to ${to}`,
      text: "Only the two of you and the game master's seat will hear it. It is not kept.",
      submit: "Whisper",
      fields: [{ name: "message", label: "Message", type: "textarea", required: true, maxlength: 4000 }],
    });
    if (answer?.message) this.send({ type: "whisper", to, message: answer.message });
  }

  #keep(seat) {
    this.#mine = seat;
    remember(this.key, seat);
    this.#draw();
    this.onChange();
  }
}

function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // It is then not remembered.
  }
}
