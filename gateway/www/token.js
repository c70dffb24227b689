// The token by which this browser says who is sitting before it. It comes from an invite link or is typed in, and stays
// in this tab: never in an address that is sent or logged.

import { h } from "./dom.js";

const KEY = "dicetower-token";

/// The token, or an empty text.
export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function keep(text) {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // Without storage it is asked for again with the next page.
  }
}

/// Takes the token of an invite link, `#invite=TOKEN&session=ID`, out of the address.
export function acceptInvite() {
  if (!location.hash.startsWith("#invite=")) return;
  const invite = new URLSearchParams(location.hash.slice(1));
  keep(invite.get("invite") ?? "");
  const session = invite.get("session");
  history.replaceState(null, "", session ? `#/session/${encodeURIComponent(session)}` : "#/");
}

/// Whether the server wants to know who is there, and this browser cannot say.
export async function isNeeded() {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  const answer = await fetch("/api/tools", { headers }).catch(() => null);
  return answer?.status === 401;
}

/// A form that asks for a token; `onToken` is called when one has been given.
export function tokenView(onToken) {
  const field = h("input", { id: "token", type: "password", autocomplete: "off", required: true });
  const submit = (event) => {
    event.preventDefault();
    keep(field.value.trim());
    onToken();
  };
  const element = h(
    "form",
    { class: "start", on: { submit } },
    h("h1", {}, "Who is there?"),
    h("p", {}, "This table is for people with a token. Open your invite link, or enter the token here."),
    h("label", { for: "token" }, "Token"),
    field,
    h("button", { class: "button", type: "submit" }, "Enter"),
  );
  return { element, title: "Dicetower", close() {}, focus: () => field.focus() };
}

/// Asks for a token in `main` if the server wants one, and tells whether it does.
export function askIfRefused(main, error) {
  if (error.status !== 401 && !(error.status === 403 && token())) return false;
  const view = tokenView(() => location.reload());
  main.replaceChildren(h("div", { class: "page" }, h("p", { class: "notice", role: "alert" }, error.message), view.element));
  view.focus();
  return true;
}
