// The start page: begin a session, or go on with one; and what is known of a session in a line.

import { api, newId, segment } from "./api.js";
import { face } from "./dice.js";
import { count, h, hidden, icon, moment } from "./dom.js";

const LAST_SESSION = "dicetower-session";
const START_SESSIONS = 120;

const QUALITIES = [
  "amber",
  "broken",
  "cold",
  "copper",
  "crimson",
  "electric",
  "hollow",
  "iron",
  "neon",
  "pale",
  "quiet",
  "rusty",
  "silver",
  "velvet",
];
const PLACES = [
  "alley",
  "arcade",
  "bridge",
  "canal",
  "dock",
  "garden",
  "harbour",
  "hotel",
  "market",
  "plaza",
  "rooftop",
  "station",
  "tunnel",
  "wharf",
];

/// The session opened last on this machine, if it is remembered.
export function lastSession() {
  try {
    return localStorage.getItem(LAST_SESSION);
  } catch {
    return null;
  }
}

/// Remembers the session that is open, for the next time.
export function rememberSession(sessionId) {
  try {
    localStorage.setItem(LAST_SESSION, sessionId);
  } catch {
    // It is then not remembered.
  }
}

/// The start page: begin a session, or go on with one.
export function startView() {
  const sessions = h("ul", { class: "session-cards" });
  const problem = h("div", { role: "alert" });
  const begin = h(
    "button",
    {
      class: "button button-primary button-large",
      type: "button",
      on: { click: () => createSession(null).catch(showProblem) },
    },
    icon("plus"),
    "Start a new session",
  );
  const showProblem = (error) =>
    problem.replaceChildren(
      h("p", { class: "notice notice-bad" }, `${error.message} `, error.traceId && hidden(`Trace ${error.traceId}`)),
    );

  api("/api/sessions")
    .then(({ sessions: list }) => {
      if (list.length > 0) sessions.before(h("h2", {}, "Go on where you left off"));
      sessions.append(...list.slice(0, START_SESSIONS).map(sessionCard));
    })
    .catch(showProblem);

  const element = h(
    "div",
    { class: "start" },
    h(
      "div",
      { class: "start-hero" },
      h("div", { class: "start-dice", "aria-hidden": "true" }, [5, 2, 6, 4, 1].map(face)),
      h("h1", {}, "A game master who never invents a die"),
      h(
        "p",
        {},
        "Say what your character does. Every roll is a real roll on a real sheet, and you can follow each one through the machine.",
      ),
      begin,
      problem,
    ),
    sessions,
  );
  return { element, title: "Dicetower", focus: () => begin.focus(), close: () => {} };
}

/// A session in a line: who plays, and how much was said.
export function aboutSession({ characters, message_count: messages }) {
  return [characters.join(", "), count(messages, "message")].filter(Boolean).join(" · ");
}

function sessionCard({ session_id: id, title, characters, message_count: messages, created_at: at }) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/session/${segment(id)}` },
      h("strong", {}, title || id),
      h("span", {}, characters.length > 0 ? characters.join(", ") : "Nobody at the table yet"),
      h("span", { class: "dim" }, [count(messages, "message"), moment(at)].filter(Boolean).join(" · ")),
    ),
  );
}

/// Creates a session, of an invented name where none is wanted, and goes there.
export async function createSession(wanted) {
  const name = wanted || inventName();
  const { session_id: id } = await api("/api/sessions", { method: "POST", body: { session_id: name } });
  location.hash = `#/session/${segment(id)}`;
}

/// A name that one can say at a table; its tail keeps it from meeting a session that exists.
function inventName() {
  const pick = (words) => words[crypto.getRandomValues(new Uint32Array(1))[0] % words.length];
  return [pick(QUALITIES), pick(PLACES), newId().slice(0, 6)].join("-");
}
