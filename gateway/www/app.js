// The page: shows the view that the address asks for.
//
// dom, api, token, log, line, watch, dialogs: the ground. conversation, cards, dice, prose, debug: the chat. rolls, odds,
// proof, tray: the dice. seats, story, agreed: who is there, what becomes of the story, what was agreed. memory, lore,
// linked: what the game master is told besides, and the board game he plays. table, replay,
// sheet, games: the views. tracker: the initiative; sections, actions: what a sheet is made of.

import { GameView, gamesView } from "./games.js";
import { replayView } from "./replay.js";
import { lastSession, startView } from "./start.js";
import { TableView } from "./table.js";
import { acceptInvite, isNeeded, tokenView } from "./token.js";

const STATES = { connecting: "Connecting …", open: "Connected", lost: "Connection lost, trying again" };

/// The sign in the bar that tells how the connection of the view stands.
const connection = {
  element: document.getElementById("connection"),
  text: document.getElementById("connection-text"),
  retry: document.getElementById("reconnect"),
  onRetry: null,

  show(state) {
    this.element.hidden = false;
    this.element.dataset.state = state;
    this.text.textContent = STATES[state];
    this.retry.hidden = state !== "lost" || !this.onRetry;
  },

  hide() {
    this.element.hidden = true;
    this.onRetry = null;
  },
};
connection.retry.addEventListener("click", () => connection.onRetry?.());

const main = document.getElementById("main");
let view = null;

function viewOf(address) {
  const [, place, id] = /^#\/(session|games|replay)(?:\/(.+))?$/.exec(address) ?? [];
  const name = id && decode(id);
  if (place === "session" && name) return new TableView(name, connection);
  if (place === "replay" && name) return replayView(name);
  if (place === "games") return name ? new GameView(name, connection) : gamesView();
  return startView();
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function route({ isFirst = false } = {}) {
  acceptInvite();
  view?.close();
  document.getElementById("sheet").close();
  view = viewOf(location.hash);
  main.replaceChildren(view.element);
  document.title = view.title;
  const isGames = location.hash.startsWith("#/games");
  mark("nav-games", isGames);
  mark("nav-table", !isGames);
  const session = lastSession();
  document.getElementById("nav-table").href = session ? `#/session/${encodeURIComponent(session)}` : "#/";
  // On the first page the reader begins at the top, where the skip link is.
  if (!isFirst) view.focus();
}

function mark(id, isCurrent) {
  const link = document.getElementById(id);
  if (isCurrent) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

addEventListener("hashchange", () => route());
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // The address is the view's.
  if (view.element.classList.contains("table")) view.focus();
  else main.focus();
});
document
  .getElementById("sheet")
  .addEventListener("click", ({ target, currentTarget }) => target === currentTarget && currentTarget.close());

route({ isFirst: true });
isNeeded().then((needed) => {
  if (!needed) return;
  view?.close();
  view = tokenView(() => location.reload());
  main.replaceChildren(view.element);
  document.title = view.title;
  view.focus();
});
