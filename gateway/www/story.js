// What can be done with a session as a whole: turns taken back or told anew, branches, transcripts, its name and its end.

import { api, segment } from "./api.js";
import { ask } from "./dialogs.js";
import { h, icon } from "./dom.js";

/// Calls a tool that concerns the session itself.
const tool = (name, body) => api(`/api/tools/${name}`, { method: "POST", body });

/// The menu of a session. `title` tells its name as shown; `onRenamed` is told a new one, `onFailure` what went wrong.
export function storyMenu({ sessionId, title, onRenamed, onFailure }) {
  const id = { session_id: sessionId };
  const items = [
    ["Take back the last turn", "back", () => tool("take_back", id)],
    ["Tell the last turn anew", "again", () => tool("take_back", { ...id, again: true })],
    ["Branch from here", "branch", () => branch(sessionId)],
    ["Replay", "book", () => (location.hash = `#/replay/${segment(sessionId)}`)],
    ["Save as text", "sheet", () => save(sessionId)],
    ["Rename …", "tool", () => rename(sessionId, title(), onRenamed)],
    ["Archive", "down", () => archive(sessionId)],
    ["Delete …", "cross", () => remove(sessionId)],
  ];
  const menu = h(
    "details",
    {
      class: "menu",
      id: "story-menu",
      on: {
        keydown: (event) => {
          if (event.key !== "Escape" || !menu.open) return;
          event.stopPropagation();
          menu.open = false;
          menu.querySelector("summary").focus();
        },
        focusout: ({ relatedTarget }) => {
          if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
        },
      },
    },
    h("summary", { class: "button button-quiet", "aria-label": "Session menu" }, icon("menu"), "Session"),
    h(
      "ul",
      { class: "menu-items" },
      items.map(([label, symbol, act]) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              on: {
                click: async () => {
                  menu.open = false;
                  try {
                    await act();
                  } catch (error) {
                    onFailure(error);
                  }
                },
              },
            },
            icon(symbol),
            label,
          ),
        ),
      ),
    ),
  );
  return menu;
}

async function branch(sessionId) {
  const { session_id: id } = await tool("branch_session", { session_id: sessionId });
  location.hash = `#/session/${segment(id)}`;
}

/// Saves the story as a text file.
async function save(sessionId) {
  const { text } = await tool("export_transcript", { session_id: sessionId });
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  h("a", { href: url, download: `${sessionId}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function rename(sessionId, old, onRenamed) {
  const fields = [{ name: "title", label: "Name", value: old, required: true, maxlength: 200 }];
  const answer = await ask({ title: "Name of the session", submit: "Rename", fields });
  if (!answer?.title) return;
  await tool("rename_session", { session_id: sessionId, title: answer.title });
  onRenamed(answer.title);
}

async function archive(sessionId) {
  await tool("archive_session", { session_id: sessionId, archived: true });
  location.hash = "#/";
}

async function remove(sessionId) {
  const answer = await ask({
    title: "Delete the session?",
    text: `The log of ${sessionId} is deleted for good.`,
    submit: "Delete",
    isDangerous: true,
  });
  if (!answer) return;
  await tool("delete_session", { session_id: sessionId });
  location.hash = "#/";
}
