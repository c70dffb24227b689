// The operator's page: how the services are, how fast they answer, and what may be done to a session or a game.

import { api, segment } from "./api.js";
import { clock, count, duration, h, hidden, moment } from "./dom.js";
import { difference, histograms, parse, quantile, value } from "./metrics.js";
import { askIfRefused, token } from "./token.js";

const EVERY_MS = 5000;
const ROUTES = "dicetower_http_duration_seconds";
const CALLS = "dicetower_rpc_duration_seconds";

const main = document.getElementById("main");
const parts = {};
let before = null;

function section(id, title) {
  parts[id] = h("div", {});
  return h("section", { class: "ops-part", "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), parts[id]);
}

function show() {
  parts.said = h("p", { class: "dim", role: "status" });
  main.replaceChildren(
    h(
      "div",
      { class: "page ops" },
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Operations"), parts.said)),
      section("health", "Health"),
      section("routes", "Requests"),
      section("calls", "Calls and tools"),
      section("sessions", "Sessions"),
      section("games", "Games"),
    ),
  );
}

function table(label, headings, rows, none) {
  if (rows.length === 0) return h("p", { class: "empty" }, none);
  const head = h("tr", {}, headings.map((heading) => h("th", { scope: "col" }, heading)));
  return h(
    "div",
    { class: "table-wrap", tabindex: "0", role: "group", "aria-label": label },
    h("table", { class: "grid" }, h("thead", {}, head), h("tbody", {}, rows)),
  );
}

const row = (...cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)));

// Health.

function showHealth({ services, sockets }, samples) {
  const mebibytes = (bytes) => (bytes === undefined ? "unknown" : `${Math.round(bytes / 1048576)} MiB`);
  const started = value(samples, "process_start_time_seconds");
  const facts = [
    ...Object.entries(services).map(([name, state]) => [name, state]),
    ["open sockets", sockets],
    ["memory of this process", mebibytes(value(samples, "process_resident_memory_bytes"))],
    ["descriptors", value(samples, "process_open_fds") ?? "unknown"],
    ["running since", started === undefined ? "unknown" : moment(new Date(started * 1000).toISOString())],
  ];
  const pairs = facts.map(([name, fact]) => h("div", { class: "ops-fact" }, h("dt", {}, name), h("dd", {}, String(fact))));
  parts.health.replaceChildren(h("dl", { class: "ops-facts" }, pairs));
}

// Rates and latencies.

function showRates(part, name, key, headings, samples, seconds) {
  const earlier = before && histograms(before.samples, name, key);
  const micros = (time) => (time === undefined ? "–" : duration(time * 1e6));
  const rows = [...histograms(samples, name, key)].map(([id, now]) => {
    const since = difference(now, earlier?.get(id));
    const rate = earlier ? `${Number((since.count / seconds).toPrecision(3))} a second` : "–";
    // Where nothing happened meanwhile, the times are those since the start.
    const times = since.count > 0 ? since : now;
    const cells = [now.count, rate, ...[0.5, 0.95, 0.99].map((share) => micros(quantile(times, share)))];
    return { count: now.count, row: row(...id.split("\n"), ...cells.map(String)) };
  });
  rows.sort((one, other) => other.count - one.count);
  const columns = [...headings, "In all", "Rate", "p50", "p95", "p99"];
  parts[part].replaceChildren(table(headings[0], columns, rows.map(({ row }) => row), "Nothing has been asked yet."));
}

// Sessions and games.

function button(label, of, action) {
  return h("button", { class: "button button-small", type: "button", on: { click: action } }, label, hidden(` ${of}`));
}

/// A button that keeps what a path answers as a file; a link could not show a token.
function download(label, of, path) {
  const keep = async () => {
    try {
      const file = new Blob([JSON.stringify(await api(path))], { type: "application/json" });
      const link = h("a", { href: URL.createObjectURL(file), download: `${of}.json` });
      link.click();
      URL.revokeObjectURL(link.href);
      parts.said.textContent = `${of} is exported.`;
    } catch (error) {
      parts.said.textContent = error.message;
    }
  };
  return button(label, of, keep);
}

/// Does something and tells what came of it.
async function act(path, tell) {
  try {
    parts.said.textContent = tell(await api(path, { method: "POST" }));
  } catch (error) {
    parts.said.textContent = error.message;
  }
  await refresh({ quiet: true });
}

const gaps = (found) => (found.length === 0 ? "nothing is missing" : `missing: ${found.join(", ")}`);

function sessionRow(session) {
  const { session_id: id, closed } = session;
  const path = `/ops/sessions/${segment(id)}`;
  return row(
    h("a", { href: `/#/session/${segment(id)}` }, session.title || id),
    session.characters.join(", "),
    String(session.message_count),
    String(session.last_seq),
    moment(session.created_at),
    closed ? "closed" : "open",
    h(
      "div",
      { class: "ops-actions" },
      button("Cancel turn", id, () =>
        act(`${path}/cancel`, ({ cancelled }) => (cancelled ? `The turn of ${id} is cancelled.` : `No turn is running in ${id}.`)),
      ),
      button("Replay", id, () =>
        act(`${path}/replay`, (log) => `The log of ${id} has ${count(log.events, "event")}; ${gaps(log.gaps)}.`),
      ),
      download("Export", id, `${path}/export`),
      closed ? null : button("Close", id, () => act(`${path}/close`, () => `${id} is closed; its log stays.`)),
    ),
  );
}

function gameRow(game) {
  const { game_id: id } = game;
  const path = `/ops/games/${segment(id)}`;
  const replayed = (log) =>
    `The log of ${id} has ${count(log.entries, "entry", "entries")}; ${gaps(log.gaps)}; it ` +
    (log.agrees ? `ends in ${log.state}, as the game does.` : `does not end in ${log.state}, the game's state.`);
  return row(
    h("a", { href: `/#/games/${segment(id)}` }, id),
    game.machine,
    game.state,
    String(game.turn),
    String(game.sequence),
    moment(game.updated_at),
    h("div", { class: "ops-actions" }, button("Replay", id, () => act(`${path}/replay`, replayed)), download("Export", id, `${path}/export`)),
  );
}

function showList(part, label, headings, list, toRow, none) {
  if (!Array.isArray(list)) {
    parts[part].replaceChildren(h("p", { class: "empty" }, `The service does not answer: ${list.unavailable}`));
    return;
  }
  // What is being used stays under the finger and the keyboard.
  const focused = parts[part].contains(document.activeElement) && document.activeElement.textContent;
  parts[part].replaceChildren(table(label, headings, list.map(toRow), none));
  if (!focused) return;
  for (const control of parts[part].querySelectorAll("button, a")) if (control.textContent === focused) control.focus();
}

async function metrics() {
  const headers = { Accept: "text/plain", ...(token() && { Authorization: `Bearer ${token()}` }) };
  const answer = await fetch("/metrics", { headers });
  return answer.text();
}

/// Reads everything again, and tells whether it could.
async function refresh({ quiet = false } = {}) {
  try {
    const [overview, text] = await Promise.all([api("/ops"), metrics()]);
    const samples = parse(text);
    const at = performance.now();
    const seconds = before ? (at - before.at) / 1000 : 0;
    showHealth(overview, samples);
    showRates("routes", ROUTES, ({ route }) => route, ["Route"], samples, seconds);
    const call = ({ service, rpc, tool }) => [service, rpc, tool].join("\n");
    showRates("calls", CALLS, call, ["Service", "Call", "Tool"], samples, seconds);
    const sessionHeadings = ["Session", "Characters", "Messages", "Events", "Begun", "State", "Do"];
    showList("sessions", "Sessions", sessionHeadings, overview.sessions, sessionRow, "There is no session.");
    const gameHeadings = ["Game", "Machine", "State", "Turn", "Entries", "Changed", "Do"];
    showList("games", "Games", gameHeadings, overview.games, gameRow, "There is no game.");
    if (!quiet) parts.said.textContent = `As of ${clock(new Date().toISOString())}.`;
    // A reading right after an action is too short for a rate.
    if (!quiet || !before) before = { samples, at };
    return true;
  } catch (error) {
    if (askIfRefused(main, error)) return false;
    parts.said.textContent = error.message;
    return true;
  }
}

show();
let wanted = await refresh();
setInterval(async () => {
  if (wanted && !document.hidden) wanted = await refresh();
}, EVERY_MS);
