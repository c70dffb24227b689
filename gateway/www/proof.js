// Whether a roll is what the dice service was committed to: computed here where the browser can, else asked for.

import { api } from "./api.js";
import { count, h, icon } from "./dom.js";
import { missing, verify } from "./verify.js";

/// Entries in one answer of the log, and the longest chain that is verified in the browser.
const PAGE = 500;
const MAX_ENTRIES = 20_000;
/// What this page was told of each chain, the first time: {commitment, length, head} by session and rotation.
const told = new Map();

const call = (tool, body) => api(`/api/tools/${tool}`, { method: "POST", body });

/// The present commitment of a session. The first one seen is remembered: later it must still hold.
export async function commitmentOf(session) {
  const chain = await call("get_commitment", { session });
  const key = keyOf(chain);
  if (!told.has(key)) told.set(key, chain);
  return chain;
}

const keyOf = ({ session, rotation }) => JSON.stringify([session, rotation]);

/// A button that verifies a roll, and the place where it says what it found.
export function verifyControl({ id, label, dice }) {
  const found = h("div", { class: "proof", role: "status" });
  const button = h(
    "button",
    { class: "button button-small button-quiet", type: "button", on: { click: () => check() } },
    icon("shield"),
    label ? `Verify ${label.toLowerCase()}` : "Verify",
  );
  const check = async () => {
    button.disabled = true;
    found.replaceChildren(h("p", { class: "dim" }, "Verifying …"));
    try {
      found.replaceChildren(...report(await examine(id, dice), reveal));
    } catch (error) {
      found.replaceChildren(h("p", { class: "proof-bad" }, error.message));
    }
    button.disabled = false;
  };
  const reveal = async ({ session }) => {
    try {
      await call("reveal_seed", { session, reason: "to verify the faces of a roll" });
    } catch (error) {
      found.append(h("p", { class: "proof-bad" }, error.message));
      return;
    }
    await check();
    button.focus();
  };
  return { button, found };
}

/// All that can be said about a roll: lines, each with what was found and by whom.
async function examine(id, dice) {
  const { roll, chain, checks } = await call("verify_roll", { roll_id: id });
  const lines = [];
  const add = (outcome, text) => lines.push({ outcome, text });
  const where = `Entry ${roll.nonce + 1} of ${chain.length} in the chain of ${roll.session}`;
  const isSecret = !chain.server_seed;
  const reason = chain.commitment === "" ? "this server rolls without commitments" : (missing() ?? tooLong(chain));
  if (reason) {
    add("note", `${where}. The server verified it, not this browser: ${reason}.`);
    for (const { outcome, detail } of checks) add(outcome, sentence(detail));
    return { lines, chain, isSecret };
  }
  const rolls = await entries(chain);
  try {
    add("passed", `${where}, verified in this browser: ${await verify({ chain, rolls })}.`);
  } catch (error) {
    add("failed", `Verified in this browser, and wrong: ${error.message}.`);
  }
  if (rolls.find(({ roll_id: other }) => other === id)?.hash !== roll.hash) add("failed", "The roll is not in its chain.");
  if (dice && sorted(dice) !== sorted(roll.faces)) add("failed", "The chain has other faces than the card.");
  const before = told.get(keyOf(chain));
  if (before) {
    const head = before.length === 0 ? chain.genesis : rolls[before.length - 1]?.hash;
    if (before.commitment === chain.commitment && before.head === head)
      add("passed", `It goes on from what this page was told when the chain had ${count(before.length, "entry", "entries")}.`);
    else add("failed", "The chain is not the one that this page was told of before.");
  } else told.set(keyOf(chain), chain);
  if (isSecret) add("pending", "The seed is secret while it is in use; once it is revealed, every face can be computed.");
  return { lines, chain, isSecret };
}

const tooLong = ({ length }) => (length > MAX_ENTRIES ? `the chain has ${length} entries` : null);

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/// Faces in one order: a card shows a die's throws together, the log has them as they were thrown.
const sorted = (dice) => JSON.stringify(dice.flat().sort((a, b) => a - b));

/// All entries of a chain under one seed.
async function entries({ session, rotation, length }) {
  const rolls = [];
  for (let more = true; more && rolls.length < length; ) {
    const after = rolls.at(-1)?.roll_id;
    const page = await call("list_rolls", { session, rotation, limit: PAGE, after });
    rolls.push(...page.rolls);
    more = page.more;
  }
  // What was rolled since the head was told stands behind it.
  return rolls.slice(0, length);
}

const SIGNS = { passed: "✓", failed: "✗", pending: "…", note: "i" };
const SPOKEN = { passed: "Passed", failed: "Failed", pending: "Not yet", note: "Note" };

function report({ lines, chain, isSecret }, reveal) {
  return [
    h(
      "ul",
      { class: "proof-lines" },
      lines.map(({ outcome, text }) =>
        h(
          "li",
          { class: `proof-${outcome}` },
          h("span", { class: "proof-sign", role: "img", "aria-label": SPOKEN[outcome] }, SIGNS[outcome]),
          h("span", {}, text),
        ),
      ),
    ),
    isSecret &&
      chain.commitment !== "" &&
      h(
        "p",
        { class: "proof-more" },
        h(
          "button",
          { class: "button button-small", type: "button", on: { click: () => reveal(chain) } },
          "Reveal the seed and verify the faces",
        ),
        h("span", { class: "dim" }, "A new seed is committed to at once."),
      ),
  ].filter(Boolean);
}

/// The session's commitment, its players' seeds, and a form to add one.
export function fairness(session) {
  const facts = h("div", { class: "fairness-facts" });
  const problem = h("p", { class: "proof-bad", role: "alert" });
  const seed = h("input", {
    class: "input",
    "aria-label": "Your seed",
    placeholder: "Your seed",
    maxlength: "64",
    pattern: "[A-Za-z0-9_\\-]+",
    title: "Letters, digits, _ and -",
    required: true,
    autocomplete: "off",
  });
  const show = async () => {
    try {
      const chain = await commitmentOf(session);
      facts.replaceChildren(
        h("p", {}, "SHA-256 of the server's secret seed: ", h("code", {}, chain.commitment || "none, rolls are not provable here")),
        h(
          "p",
          {},
          `${count(chain.length, "entry", "entries")} under it. Seeds of players: `,
          h("code", {}, chain.client_seeds || "none yet"),
        ),
      );
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const add = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      await call("add_client_seed", { session, seed: seed.value.trim() });
      seed.value = "";
      await show();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  return h(
    "details",
    { class: "more fairness", on: { toggle: ({ target }) => target.open && show() } },
    h("summary", {}, "How these dice are proved"),
    facts,
    h("form", { class: "fairness-form", on: { submit: add } }, seed, h("button", { class: "button", type: "submit" }, "Add my seed")),
    h("p", { class: "dim" }, "Every later roll depends on it as well, so nobody alone can know the dice."),
    problem,
  );
}
