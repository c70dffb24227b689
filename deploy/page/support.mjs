// What the tests of the page are made of: a browser, a session at the table, and what can be asked of them.
//
// DICETOWER_URL  the server: house game master, sample characters, machine war-of-the-ring
// CHROMIUM       the browser, /usr/bin/chromium unless set
// SCREENSHOTS    a folder for pictures of every view; none are taken unless set

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before } from "node:test";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const { CHROMIUM = "/usr/bin/chromium", SCREENSHOTS } = process.env;
export const { DICETOWER_URL } = process.env;

let browser;

before(async () => {
  assert.ok(DICETOWER_URL, "DICETOWER_URL must name a running server");
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(() => browser?.close());

/// Runs `use` with a page of its own and fails if the page had anything to complain about.
export async function withPage({ mayComplain = false, ...options }, use) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(10_000);
  const complaints = [];
  await context.exposeBinding("complain", (_, text) => complaints.push(text));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      window.complain(`policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  context.on(
    "console",
    (message) => message.type() === "error" && complaints.push(`${message.text()} (${message.location().url})`),
  );
  try {
    await use(await context.newPage(), context);
  } finally {
    await context.close();
  }
  // A browser complains of every answer that refuses something.
  if (!mayComplain) assert.deepEqual(complaints, []);
}

export async function openSession(page) {
  const answer = await fetch(`${DICETOWER_URL}/api/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const { session_id: id } = await answer.json();
  await page.goto(`${DICETOWER_URL}/#/session/${encodeURIComponent(id)}`);
  await connected(page);
}

export const connected = (page) => page.locator(".connection[data-state=open]").waitFor();

export async function addCharacter(page, name) {
  await page.getByLabel("Character", { exact: true }).selectOption(name);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator(`.member[data-character="${name}"]`).waitFor();
}

export async function say(page, text) {
  await page.getByLabel("Your message").fill(text);
  await page.keyboard.press("Enter");
}

export const turnEnd = (page) => page.locator(".turn-end");

/// The conversation as text, without the times that a second reading may round otherwise.
export const conversation = (page) =>
  page.locator(".log-inner").evaluate((log) =>
    Array.from(log.querySelectorAll(".speech, .narrative, .card, .note, .turn-end"), (element) => {
      const copy = element.cloneNode(true);
      for (const odds of copy.querySelectorAll(".odds")) odds.remove(); // They come when they are seen.
      return `${element.className.split(" ")[0]}: ${copy.textContent}`;
    }),
  );

export function framesOf(page) {
  const frames = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(JSON.parse(payload))));
  return frames;
}

/// Presses Tab until the focus is on what `selector` names.
export async function tabTo(page, selector, key = "Tab") {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`the keyboard does not reach ${selector}`);
}

export async function anyGame() {
  const { games } = await (await fetch(`${DICETOWER_URL}/api/games`)).json();
  return games[0].game_id;
}

export async function accessible(page, view) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  await picture(page, view);
  assert.deepEqual(
    violations.map(
      ({ id, nodes }) =>
        `${view}: ${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`,
    ),
    [],
  );
}

export async function picture(page, name) {
  if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
}
