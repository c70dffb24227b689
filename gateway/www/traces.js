// The traces of this process: a list, and each as a waterfall of its spans.

import { api, segment } from "./api.js";
import { clock, count, duration, h, hidden, icon, moment } from "./dom.js";
import { askIfRefused } from "./token.js";

/// Each service has its colour, in the order of its way through the machine.
const SERVICES = ["gateway", "tcp-adapter", "orchestrator", "character", "dice", "fsm"];
const INDENT_REM = 1.1;
const MAX_INDENT = 10;
/// A span shorter than this share of the trace is still to be seen.
const LEAST_WIDTH_PERCENT = 0.35;
/// Spans are kept when they end, and the caller ends after the called: a young trace is looked at again.
const YOUNG_MS = 5000;
const LOOK_AGAIN_MS = 700;
const MAX_LOOKS = 5;

/// Spans that are unfolded; they stay so when the trace is shown again.
const openSpans = new Set();

const main = document.getElementById("main");
const traceId = /^\/traces\/([^/]+)$/.exec(location.pathname)?.[1];

// The list.

function showList(traces) {
  document.title = "Traces · Dicetower";
  const longest = Math.max(1, ...traces.map(({ duration_us: took }) => took));
  const rows = traces.map((trace) => listRow(trace, longest));
  const filter = h("input", {
    type: "search",
    class: "input",
    id: "filter",
    placeholder: "Filter by name, service or id",
    "aria-label": "Filter traces",
    on: { input: ({ target }) => applyFilter(target.value, rows) },
  });
  main.replaceChildren(
    h(
      "div",
      { class: "page traces" },
      h(
        "header",
        { class: "page-head" },
        h(
          "div",
          {},
          h("h1", {}, "Traces"),
          h("p", { class: "dim" }, `The last ${count(traces.length, "trace")} of this process, the latest first.`),
        ),
        h(
          "div",
          { class: "page-tools" },
          filter,
          h("button", { class: "button", type: "button", on: { click: () => location.reload() } }, "Reload"),
        ),
      ),
      traces.length === 0
        ? h("p", { class: "empty" }, "Nothing has happened yet.")
        : h(
            "div",
            { class: "table-wrap", tabindex: "0", role: "group", "aria-label": "Traces" },
            h(
              "table",
              { class: "grid trace-list" },
              h(
                "thead",
                {},
                h(
                  "tr",
                  {},
                  ["Trace", "Service", "Spans", "Started", "Duration"].map((heading) =>
                    h("th", { scope: "col" }, heading),
                  ),
                ),
              ),
              h("tbody", {}, rows),
            ),
          ),
    ),
  );
}

function listRow({ trace_id: id, name, service, start, duration_us: took, spans, error }, longest) {
  const bar = h("span", { class: "mini-bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", took / longest);
  return h(
    "tr",
    { data: { text: `${name} ${service} ${id}`.toLowerCase() } },
    h(
      "th",
      { scope: "row" },
      h("a", { href: `/traces/${segment(id)}` }, name),
      error && h("span", { class: "pill pill-bad" }, "error"),
    ),
    h("td", {}, serviceTag(service)),
    h("td", {}, spans),
    h("td", {}, h("time", { datetime: start }, `${moment(start)}`, hidden(clock(start)))),
    h("td", { class: "trace-duration" }, bar, duration(took)),
  );
}

function applyFilter(text, rows) {
  const wanted = text.trim().toLowerCase();
  for (const row of rows) row.hidden = !row.dataset.text.includes(wanted);
}

// One trace.

/// Shows a trace, and shows it again while it still grows.
async function followTrace(path) {
  let shown = 0;
  for (let looks = 1; ; looks += 1) {
    const trace = await api(path).catch((error) => {
      if (error.status !== 404 || looks === MAX_LOOKS) throw error;
      return { spans: [] }; // Its first span may end in a moment.
    });
    if (trace.spans.length > shown) showTrace(trace);
    shown = trace.spans.length;
    const ends = trace.spans.map(({ start, duration_us: took }) => microseconds(start) + took);
    const isYoung = shown === 0 || Date.now() - Math.max(...ends) / 1000 < YOUNG_MS;
    if (!isYoung || looks === MAX_LOOKS) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

function showTrace({ trace_id: id, spans }) {
  const timed = spans.map((span) => ({ ...span, startUs: microseconds(span.start) }));
  const first = Math.min(...timed.map(({ startUs }) => startUs));
  const last = Math.max(...timed.map(({ startUs, duration_us: took }) => startUs + took));
  const whole = Math.max(1, last - first);
  const ordered = nest(timed);
  const root = ordered[0];
  const services = [...new Set(timed.map(({ service }) => service))].sort(
    (one, other) => SERVICES.indexOf(one) - SERVICES.indexOf(other),
  );
  document.title = `${root?.name ?? "Trace"} · Traces · Dicetower`;

  main.replaceChildren(
    h(
      "div",
      { class: "page trace" },
      h("a", { class: "back", href: "/traces" }, icon("back"), "All traces"),
      h(
        "header",
        { class: "page-head" },
        h("div", {}, h("h1", {}, root?.name ?? "Trace"), h("p", { class: "dim trace-id" }, id)),
      ),
      h(
        "dl",
        { class: "trace-facts" },
        [
          ["Duration", duration(whole)],
          ["Spans", timed.length],
          ["Services", services.length],
          ["Started", root ? `${moment(root.start)}` : ""],
        ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      ),
      h(
        "ul",
        { class: "legend", "aria-label": "Services" },
        services.map((service) =>
          h(
            "li",
            {},
            serviceTag(service),
            h("span", { class: "dim" }, count(timed.filter((span) => span.service === service).length, "span")),
          ),
        ),
      ),
      h(
        "div",
        { class: "waterfall", role: "table", "aria-label": "Spans in the order they began, nested by caller" },
        h(
          "div",
          { class: "waterfall-head", role: "row" },
          h("span", { role: "columnheader" }, "Span"),
          h(
            "span",
            { class: "ruler", role: "columnheader" },
            hidden("Time"),
            [0, 0.25, 0.5, 0.75].map((share) => tick(share, whole)),
          ),
          h("span", { role: "columnheader" }, "Duration"),
        ),
        ordered.map((span) => spanRow(span, first, whole)),
      ),
    ),
  );
}

function tick(share, whole) {
  const mark = h("span", { class: "tick", "aria-hidden": "true" }, share === 0 ? "0" : duration(whole * share));
  mark.style.setProperty("--start", `${share * 100}%`);
  return mark;
}

function spanRow(span, first, whole) {
  const { name, service, duration_us: took, depth, attributes = {}, events = [] } = span;
  const offset = span.startUs - first;
  const hasFailed = Boolean(attributes.error) || events.some(({ attributes: own = {} }) => own.level === "ERROR");
  const bar = h("span", { class: "span-bar", data: { service: colourOf(service) } });
  bar.style.setProperty("--start", `${(offset / whole) * 100}%`);
  bar.style.setProperty("--width", `${Math.max(LEAST_WIDTH_PERCENT, (took / whole) * 100)}%`);
  const marks = events.map(({ name: what, at }) => {
    const mark = h("i", { class: "span-mark", title: what });
    mark.style.setProperty("--start", `${Math.min(100, Math.max(0, ((microseconds(at) - first) / whole) * 100))}%`);
    return mark;
  });

  const inner = h(
    "div",
    { class: "span-inner", hidden: true, role: "row" },
    h("div", { class: "span-details", role: "cell" }, spanDetails(span, first)),
  );
  const toggle = h(
    "button",
    { class: "span-name", type: "button", "aria-expanded": "false", on: { click: () => open(inner.hidden) } },
    h("span", { class: "span-arrow", "aria-hidden": "true" }),
    serviceTag(service),
    h("span", { class: "span-title" }, name),
    hasFailed && h("span", { class: "pill pill-bad" }, "error"),
  );
  const open = (isOpen) => {
    inner.hidden = !isOpen;
    toggle.setAttribute("aria-expanded", isOpen);
    if (isOpen) openSpans.add(span.span_id);
    else openSpans.delete(span.span_id);
  };
  open(openSpans.has(span.span_id));

  const row = h(
    "div",
    { class: "span-row", role: "row", data: { service } },
    h("span", { class: "span-cell", role: "cell" }, depth > 0 && hidden(`Level ${depth + 1}: `), toggle),
    h("span", { class: "span-track", role: "cell" }, hidden(`begins after ${duration(offset)}`), bar, marks),
    h("span", { class: "span-duration", role: "cell" }, duration(took)),
  );
  row.style.setProperty("--indent", `${Math.min(depth, MAX_INDENT) * INDENT_REM}rem`);
  return [row, inner];
}

function spanDetails({ service, span_id: id, start, attributes = {}, events = [] }, first) {
  const pairs = [...Object.entries(attributes), ["service", service], ["span_id", id], ["start", start]];
  return [
    h(
      "dl",
      { class: "span-attributes" },
      pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, valueText(value)))),
    ),
    events.length > 0 && [
      h("h2", {}, "Log"),
      h(
        "ol",
        { class: "span-log" },
        events.map(({ name, at, attributes: own = {} }) =>
          h(
            "li",
            { class: own.level === "ERROR" ? "is-error" : own.level === "WARN" ? "is-warning" : "" },
            h("time", { datetime: at }, `+${duration(microseconds(at) - first)}`),
            h("span", {}, name),
            h(
              "span",
              { class: "dim" },
              Object.entries(own)
                .map(([key, value]) => `${key}=${valueText(value)}`)
                .join("  "),
            ),
          ),
        ),
      ),
    ],
  ];
}

/// The spans in the order of a walk through the tree of calls, each with its depth. One whose parent is not here is a
/// root; spans that name each other as parents are shown as roots too.
function nest(spans) {
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  const children = new Map();
  const roots = [];
  for (const span of [...spans].sort((one, other) => one.startUs - other.startUs)) {
    if (span.parent_id && byId.has(span.parent_id) && span.parent_id !== span.span_id) {
      children.set(span.parent_id, [...(children.get(span.parent_id) ?? []), span]);
    } else {
      roots.push(span);
    }
  }
  const ordered = [];
  const visited = new Set();
  const walk = (starts) => {
    const stack = [...starts].reverse().map((span) => [span, 0]);
    while (stack.length > 0) {
      const [span, depth] = stack.pop();
      if (visited.has(span.span_id)) continue;
      visited.add(span.span_id);
      ordered.push({ ...span, depth });
      for (const child of [...(children.get(span.span_id) ?? [])].reverse()) stack.push([child, depth + 1]);
    }
  };
  walk(roots);
  walk(spans.filter(({ span_id: id }) => !visited.has(id)));
  return ordered;
}

/// Microseconds since the epoch; `Date` would round to milliseconds.
function microseconds(at) {
  const [, seconds, fraction = "", zone] = /^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(at) ?? [];
  if (!seconds) return 0;
  return Date.parse(seconds + zone) * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

const colourOf = (service) => (SERVICES.includes(service) ? service : "other");

const serviceTag = (service) =>
  h("span", { class: "service-tag", data: { service: colourOf(service) } }, service || "unknown");

const valueText = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

// All is in place: show what the address asks for.

try {
  if (traceId) await followTrace(`/traces/${segment(decodeURIComponent(traceId))}`);
  else showList((await api("/traces")).traces);
} catch (error) {
  if (!askIfRefused(main, error)) showFailure(error);
}

function showFailure(error) {
  main.replaceChildren(
    h(
      "div",
      { class: "page" },
      h("a", { class: "back", href: "/traces" }, icon("back"), "All traces"),
      h("h1", {}, "No trace to show"),
      h("p", { class: "notice notice-bad", role: "alert" }, error.message),
      h("p", { class: "dim" }, "Only the last traces of this process are kept."),
    ),
  );
}
