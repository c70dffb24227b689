// Server-sent events over fetch, which unlike EventSource can say who is listening. Comes back by itself when it breaks.

import { token } from "./token.js";

const RETRY_MS = 2000;

/// Listens to a path until `close`; `onOpen`, `onLost` and `onData` tell what happens.
export class Watch {
  #abort = new AbortController();

  constructor(path, { onOpen, onLost, onData }) {
    this.#listen(path, { onOpen, onLost, onData });
  }

  close() {
    this.#abort.abort();
  }

  async #listen(path, { onOpen, onLost, onData }) {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const headers = { Accept: "text/event-stream" };
        if (token()) headers.Authorization = `Bearer ${token()}`;
        const response = await fetch(path, { headers, signal, cache: "no-store" });
        if (!response.ok) throw new Error(`answered ${response.status}`);
        onOpen();
        await read(response.body, onData);
      } catch {
        // What went wrong is what the caller shows as lost.
      }
      if (signal.aborted) return;
      onLost();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/// Tells the data of each event until the stream ends.
async function read(body, onData) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const lines = event.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length) onData(lines.map((line) => line.slice(5).trimStart()).join("\n"));
    }
  }
}
