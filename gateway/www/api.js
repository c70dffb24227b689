// Calls the REST side, each call under a trace id of its own.

import { token } from "./token.js";

/// A call that failed, with what the server said about it.
export class ApiError extends Error {
  constructor(message, { code = 0, type = "", traceId = "", details = null, status = 0 } = {}) {
    super(message);
    this.code = code;
    this.type = type;
    this.traceId = traceId;
    this.details = details;
    this.status = status;
  }
}

/// A random UUID. `crypto.randomUUID` exists on secure origins only, and a table on a private network is not one.
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/// The JSON a path answers. Throws ApiError if the server refuses or cannot be reached.
export async function api(path, { method = "GET", body } = {}) {
  const traceId = newId();
  const headers = { Accept: "application/json", "X-Trace-ID": traceId };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";

  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError("The server cannot be reached.", { code: 1001, type: "CONNECTION_REFUSED", traceId });
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) {
    const error = answer?.error ?? answer ?? {};
    throw new ApiError(error.message ?? `The server answered ${response.status}.`, {
      code: error.code,
      type: error.type,
      traceId: error.trace_id ?? response.headers.get("X-Trace-ID") ?? traceId,
      details: error.details,
      status: response.status,
    });
  }
  return answer;
}

/// What a tool answers.
export const tool = (name, body) => api(`/api/tools/${name}`, { method: "POST", body });

/// One segment of a path.
export const segment = (text) => encodeURIComponent(text);
