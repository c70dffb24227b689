// The WebSocket of a session, which comes back by itself and takes up where it was lost.

import { token } from "./token.js";

const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 15_000;
/// The server closes what will not come back, such as a session that was deleted.
const FOR_GOOD = 1000;
/// A quiet line is asked for a sign of life, and given up if none comes.
const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 10_000;

export class Line {
  #socket = null;
  #attempts = 0;
  #retry = 0;
  #quiet = 0;
  #closed = false;

  /// `resumeAfter` tells the sequence number to go on from; `onFrame` gets each frame, `onState` one of
  /// "connecting", "open", "lost", and `onEnd` why the line has ended for good.
  constructor(sessionId, { resumeAfter, onFrame, onState, onEnd }) {
    this.sessionId = sessionId;
    this.resumeAfter = resumeAfter;
    this.onFrame = onFrame;
    this.onState = onState;
    this.onEnd = onEnd;
    this.reconnect = this.reconnect.bind(this);
    addEventListener("online", this.reconnect);
    this.#connect();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /// Sends a frame; false if the line is down.
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /// Tries again now rather than after the delay.
  reconnect() {
    if (this.#closed || this.isOpen || this.#socket?.readyState === WebSocket.CONNECTING) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  close() {
    this.#closed = true;
    removeEventListener("online", this.reconnect);
    clearTimeout(this.#retry);
    clearTimeout(this.#quiet);
    this.#socket?.close();
  }

  #connect() {
    const url = new URL(`/game/${encodeURIComponent(this.sessionId)}`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("after_seq", this.resumeAfter());
    this.onState("connecting");

    // A browser can put a token nowhere but here and into the address, which ends up in logs.
    const socket = new WebSocket(url, token() ? ["dicetower", `bearer.${token()}`] : []);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#attempts = 0;
      this.onState("open");
      this.#listenForSilence();
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#closed) return;
      this.#listenForSilence();
      const frame = parse(data);
      if (frame && frame.type !== "pong") this.onFrame(frame);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.#closed || this.#socket !== socket) return;
      clearTimeout(this.#quiet);
      if (code === FOR_GOOD && reason !== "") {
        this.close();
        this.onEnd(reason);
        return;
      }
      this.#retryLater(/ in (\d+) ms$/.exec(reason)?.[1]);
    });
  }

  /// A server that ends says when to come back.
  #retryLater(told) {
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    // Spread, so that a server that comes back is not met by everyone at once.
    this.#retry = setTimeout(() => this.#connect(), Number(told ?? delay * (0.75 + Math.random() / 2)));
    this.onState("lost");
  }

  #listenForSilence() {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.send({ type: "ping" });
      this.#quiet = setTimeout(() => this.#giveUp(), PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }

  /// A dead line may take minutes to say so; we do not wait for it.
  #giveUp() {
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this.#retryLater();
  }
}

function parse(text) {
  try {
    const frame = JSON.parse(text);
    return frame && typeof frame.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
