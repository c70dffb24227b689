// The debug drawer: tool calls with arguments, result and time; telemetry events; and how long each turn took.

import { clock, duration, h, icon, json, traceLink } from "./dom.js";

/// Older entries fall out.
const MAX_ENTRIES = 500;

export class Debug {
  #calls = new Map();
  #turns = new Map();
  #tabs = [];

  /// `onClose` is told when the drawer's own button closes it.
  constructor({ onClose }) {
    this.calls = list("Tool calls");
    this.events = list("Telemetry events");
    this.turns = list("Turns");
    this.filter = h("input", {
      type: "search",
      class: "input",
      id: "event-filter",
      placeholder: "Filter events",
      "aria-label": "Filter events",
      on: { input: () => this.#applyFilter() },
    });
    const panels = [
      ["Tool calls", this.calls, []],
      ["Events", this.events, [this.filter]],
      ["Timings", this.turns, []],
    ].map(([name, entries, tools], index) =>
      this.#tab(name, index, [...tools, entries, h("p", { class: "empty" }, "Nothing yet.")]),
    );

    this.element = h(
      "aside",
      { class: "debug", id: "debug", "aria-label": "Debug drawer", tabindex: "-1", hidden: true },
      h(
        "header",
        { class: "debug-head" },
        h("h2", {}, "Behind the screen"),
        h("button", { class: "link", type: "button", on: { click: () => this.clear() } }, "Clear"),
        h(
          "button",
          { class: "icon-button", type: "button", "aria-label": "Close the debug drawer", on: { click: onClose } },
          icon("cross"),
        ),
      ),
      h(
        "div",
        { class: "debug-tabs", role: "tablist", "aria-label": "Debug", on: { keydown: (event) => this.#arrow(event) } },
        this.#tabs,
      ),
      panels,
    );
    this.#select(0);
  }

  /// Takes note of a frame.
  note(frame) {
    switch (frame.type) {
      case "tool_call":
        this.#call(frame);
        break;
      case "tool_result":
        this.#result(frame);
        break;
      case "telemetry":
        this.#event(frame);
        break;
      case "processing":
      case "narrative":
      case "error":
      case "complete":
        this.#timing(frame);
        break;
    }
  }

  clear() {
    for (const entries of [this.calls, this.events, this.turns]) entries.replaceChildren();
    this.#calls.clear();
    this.#turns.clear();
  }

  #call({ tool, arguments: given, call_id: callId, at, trace_id: traceId }) {
    const state = h("span", { class: "pill" }, "running");
    const body = h("div", { class: "entry-body" }, h("h3", {}, "Arguments"), json(given ?? {}, `Arguments of ${tool}`));
    add(
      this.calls,
      h(
        "details",
        { class: "entry" },
        h("summary", {}, h("span", { class: "entry-name" }, tool), state, h("time", {}, clock(at ?? Date.now()))),
        body,
      ),
    );
    this.#calls.set(callId, {
      state,
      body,
      startedAt: performance.now(),
      isLive: !at || Date.now() - Date.parse(at) < 5000,
      traceId,
    });
  }

  #result({ tool, result, failed, duration_us: took, call_id: callId, trace_id: traceId }) {
    const call = this.#calls.get(callId);
    if (!call) return;
    const measured = took ?? (call.isLive ? (performance.now() - call.startedAt) * 1000 : NaN);
    const isFailure = failed || Boolean(result?.error);
    call.state.textContent = [isFailure ? "failed" : "", duration(measured)].filter(Boolean).join(" ") || "done";
    call.state.className = isFailure ? "pill pill-bad" : "pill pill-good";
    call.body.append(
      h("h3", {}, "Result"),
      json(result ?? {}, `Result of ${tool}`),
      traceLink(traceId ?? call.traceId, `${tool}`) ?? "",
    );
    this.#calls.delete(callId);
  }

  #event({ event, data, timestamp, level, trace_id: traceId }) {
    const entry = h(
      "details",
      { class: "entry", data: { text: `${event} ${level} ${JSON.stringify(data ?? {})}`.toLowerCase() } },
      h(
        "summary",
        {},
        h("span", { class: "entry-name" }, event),
        h("span", { class: `pill pill-${level === "error" ? "bad" : "plain"}` }, level || "info"),
        h("time", {}, clock(timestamp)),
      ),
      h("div", { class: "entry-body" }, json(data ?? {}, `Data of ${event}`), traceLink(traceId, event) ?? ""),
    );
    add(this.events, entry);
    this.#applyFilter();
  }

  #timing({ type, turn_id: turnId, at, trace_id: traceId }) {
    if (!turnId) return;
    const time = at ? Date.parse(at) : Date.now();
    if (type === "processing") {
      const row = h("div", { class: "entry timing" });
      add(this.turns, row);
      this.#turns.set(turnId, { row, startedAt: time, firstAt: null, endedAt: null, hasFailed: false, traceId });
    }
    const turn = this.#turns.get(turnId);
    if (!turn) return;
    if (type === "narrative") turn.firstAt ??= time;
    if (type === "error") turn.hasFailed = true;
    if (type === "complete") turn.endedAt = time;
    const since = (moment) => (moment === null ? "…" : duration((moment - turn.startedAt) * 1000));
    turn.row.replaceChildren(
      h("span", { class: "entry-name" }, clock(turn.startedAt)),
      h("span", { class: "timing-part" }, "first ", h("b", {}, since(turn.firstAt))),
      h("span", { class: "timing-part" }, "whole ", h("b", {}, since(turn.endedAt))),
      turn.hasFailed ? h("span", { class: "pill pill-bad" }, "error") : "",
      traceLink(turn.traceId, "the turn") ?? "",
    );
  }

  #applyFilter() {
    const wanted = this.filter.value.trim().toLowerCase();
    for (const entry of this.events.children) entry.hidden = wanted !== "" && !entry.dataset.text.includes(wanted);
  }

  // Tabs, as the pattern for them has it: one stop for Tab, arrows between them.

  #tab(name, index, children) {
    const panelId = `debug-panel-${index}`;
    const tabId = `debug-tab-${index}`;
    this.#tabs.push(
      h(
        "button",
        { type: "button", role: "tab", id: tabId, "aria-controls": panelId, on: { click: () => this.#select(index) } },
        name,
      ),
    );
    return h(
      "div",
      { class: "debug-panel", role: "tabpanel", id: panelId, "aria-labelledby": tabId, tabindex: "0" },
      children,
    );
  }

  #select(index) {
    this.#tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", at === index);
      tab.tabIndex = at === index ? 0 : -1;
    });
    this.element?.querySelectorAll(".debug-panel").forEach((panel, at) => {
      panel.hidden = at !== index;
    });
  }

  #arrow(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const index = (this.#tabs.indexOf(document.activeElement) + step + this.#tabs.length) % this.#tabs.length;
    this.#select(index);
    this.#tabs[index].focus();
  }
}

const list = (label) => h("div", { class: "entries", role: "group", "aria-label": label });

/// The newest stands first.
function add(entries, entry) {
  entries.prepend(entry);
  while (entries.childElementCount > MAX_ENTRIES) entries.lastElementChild.remove();
}
