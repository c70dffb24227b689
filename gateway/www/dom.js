// Builds elements. Whatever comes from the server or a player goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/// An element with attributes and children. `on` is a map of listeners, `data` one of data attributes; a value of
/// null, undefined or false leaves the attribute out. Children are nodes, text, or nothing.
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/// The same for SVG.
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, { on = {}, data = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  Object.assign(element.dataset, data);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/// Text that only a screen reader meets.
export const hidden = (text) => h("span", { class: "sr" }, text);

const ICONS = {
  send: "M4 12 20 4l-5 16-3.5-6.5Z",
  stop: "M7 7h10v10H7Z",
  plus: "M12 5v14M5 12h14",
  cross: "M6 6l12 12M18 6 6 18",
  sheet: "M6 3h9l4 4v14H6ZM9 11h7M9 15h7M9 7h3",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.6-4 3-6 6.5-6s5.9 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2 .8 3.2 2.6 3.5 5.5",
  debug: "M4 6h16M4 12h10M4 18h13",
  trace: "M4 6h9M8 12h10M13 18h7",
  target: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM12 1v4M12 19v4M1 12h4M19 12h4",
  spell: "M12 3l2.2 6.3L21 12l-6.8 2.7L12 21l-2.2-6.3L3 12l6.8-2.7Z",
  dice: "M5 5h14v14H5ZM9 9h.01M15 15h.01M15 9h.01M9 15h.01",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6ZM9 12l2 2 4-4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 8v4l3 2",
  tool: "M14 6a4 4 0 0 0 5 5l-8.5 8.500a2 2 0 0 1-3-3L16 8M14 6l2 2",
  book: "M5 4h6a2 2 0 0 1 2 2v14a2 2 0 0 0-2-2H5ZM13 6a2 2 0 0 1 2-2h4v14h-4a2 2 0 0 0-2 2",
  warning: "M12 4 22 20H2ZM12 10v4M12 17h.01",
  down: "M12 5v14M6 13l6 6 6-6",
  back: "M19 12H5M11 6l-6 6 6 6",
  again: "M19 6v5h-5M19 11a7 7 0 1 0-1.500 5",
  branch: "M7 4v16M7 14c6 0 10-2 10-8M14 8l3-3 3 3",
  menu: "M5 7h14M5 12h14M5 17h14",
  whisper: "M4 5h16v11H10l-5 4v-4H4Z",
  shield: "M12 3 5 6v6c0 4 3 7 7 9 4-2 7-5 7-9V6Z",
};

/// A line icon; always beside a text or on a labelled control.
export function icon(name) {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, s("path", { d: ICONS[name] }));
}

/// A link to the trace of what is shown beside it.
export function traceLink(traceId, what = "this") {
  if (!traceId) return null;
  return h(
    "a",
    {
      class: "trace-link",
      href: `/traces/${encodeURIComponent(traceId)}`,
      target: "_blank",
      rel: "noopener",
      title: `Trace ${traceId}`,
    },
    icon("trace"),
    "Trace",
    hidden(` of ${what}, opens in a new tab`),
  );
}

/// A value as indented JSON, in a box one can scroll by keyboard.
export function json(value, label) {
  return h("pre", { class: "json", tabindex: "0", role: "group", "aria-label": label }, JSON.stringify(value, null, 2));
}

/// "calculate_ranged_attack" or "GAME_OPTIONS_CONFIRMED" as words.
export function words(name) {
  const text = String(name).replaceAll("_", " ").trim();
  const lower = text === text.toUpperCase() ? text.toLowerCase() : text;
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

/// 1 success, 2 successes.
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/// +2, −1, 0.
export const signed = (number) => (number > 0 ? `+${number}` : number < 0 ? `−${Math.abs(number)}` : "0");

/// A duration given in microseconds, with three figures at most.
export function duration(microseconds) {
  if (!Number.isFinite(microseconds)) return "";
  if (microseconds < 1000) return `${Math.round(microseconds)} µs`;
  if (microseconds < 1e6) return `${Number((microseconds / 1000).toPrecision(3))} ms`;
  return `${Number((microseconds / 1e6).toPrecision(3))} s`;
}

/// The time of day of an RFC 3339 text.
export function clock(at, options = { hour: "2-digit", minute: "2-digit", second: "2-digit" }) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleTimeString([], options);
}

/// Day and time of an RFC 3339 text.
export function moment(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
