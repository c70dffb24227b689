// Tries what several people do at a table, and what becomes of a story, against a running server.
//
// Settings as those of page.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  accessible,
  addCharacter,
  connected,
  openSession,
  picture,
  say,
  turnEnd,
  withPage,
} from "./support.mjs";

/// Turns of a long session: more than are drawn at once.
const MANY = 70;

test("people take seats, and everybody sees who is there", async () => {
  await withPage({}, async (anna, context) => {
    await openSession(anna);
    await addCharacter(anna, "Platinum");
    await sitDown(anna, "Anna", "player", "Platinum");

    await asAnother(context, anna.url(), async (bert) => {
      await sitDown(bert, "Bert", "game_master");

      await person(anna, "Bert").waitFor();
      await person(bert, "Anna").waitFor();
      assert.match(await person(anna, "Bert").textContent(), /Game master/);
      assert.match(await person(bert, "Anna").textContent(), /Platinum/);
      await picture(bert, "seats");
    });
    await person(anna, "Bert").waitFor({ state: "detached" });
    assert.equal(await person(anna, "Anna").count(), 1);
  });
});

test("a seat is kept over a reload", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await sitDown(page, "Anna", "player");

    await page.reload();
    await connected(page);

    await person(page, "Anna").waitFor();
    await page.getByRole("button", { name: "Change seat (Anna)" }).waitFor();
  });
});

test("a whisper is heard by the one it is for, and not kept", async () => {
  await withPage({}, async (anna, context) => {
    await openSession(anna);
    await sitDown(anna, "Anna", "player");
    await asAnother(context, anna.url(), async (bert) => {
      await sitDown(bert, "Bert", "player");
      await bert.getByRole("button", { name: "Whisper to Anna" }).click();
      await bert.getByLabel("Message", { exact: true }).fill("It is a trap.");
      await bert.getByRole("button", { name: "Whisper", exact: true }).click();

      await anna.getByText("Bert whispers to Anna: It is a trap.").waitFor();
      await bert.getByText("Bert whispers to Anna: It is a trap.").waitFor();
    });
    await anna.reload();
    await connected(anna);
    assert.equal(await anna.getByText("It is a trap.").count(), 0);
  });
});

test("a spectator has no words, and the game master's seat has the last one", async () => {
  await withPage({}, async (anna, context) => {
    await openSession(anna);
    await sitDown(anna, "Anna", "player");
    await say(anna, "Roll 4 dice against a target number of 5");
    await turnEnd(anna).waitFor();
    assert.equal(await anna.locator(".override:visible").count(), 0, "only the game master's seat overrides");

    await asAnother(context, anna.url(), async (gerd) => {
      await sitDown(gerd, "Gerd", "spectator");
      await gerd.locator("#composer").waitFor({ state: "hidden" });

      await sitDown(gerd, "Gerd", "game_master");
      await gerd.locator(".override").click();
      await gerd.getByLabel("It counts as").fill("3 successes");
      await gerd.getByLabel("Reason").fill("cocked die");
      await gerd.getByRole("button", { name: "Override", exact: true }).click();
      await anna.locator(".ruling").waitFor();
      assert.equal(await anna.locator(".ruling").textContent(), "Counts as 3 successes, by Gerd: cocked die");

      await gerd.getByLabel("I narrate").check();
      await anna.getByText("Gerd narrates in place of the model").waitFor();
      await gerd.getByPlaceholder("What do they see?").waitFor();
      await say(gerd, "A siren howls behind you.");
      await anna.locator(".narrative", { hasText: "A siren howls behind you." }).waitFor();
      await gerd.getByLabel("I narrate").uncheck();
      await anna.getByText("The model narrates again").waitFor();
      await picture(gerd, "game-master");
    });
  });
});

test("the last turn is told anew, and taken back", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await say(page, "Roll 4 dice against a target number of 5");
    await turnEnd(page).waitFor();

    await story(page, "Tell the last turn anew");
    await turnEnd(page).nth(1).waitFor();
    assert.equal(await page.locator(".turn-taken-back").count(), 1);
    assert.equal(await page.locator(".speech-who").count(), 0, "it is still one's own sentence");

    await story(page, "Take back the last turn");
    await page.locator(".turn-taken-back").nth(1).waitFor();
    await picture(page, "taken-back");
  });
});

test("a session is branched, renamed, read again and deleted", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    const first = page.url();
    await say(page, "Roll 4 dice against a target number of 5");
    await turnEnd(page).waitFor();

    await story(page, "Branch from here");
    await page.waitForURL((url) => url.href !== first);
    await connected(page);
    await turnEnd(page).waitFor();

    await story(page, "Rename …");
    await page.getByLabel("Name", { exact: true }).fill("The long night");
    await page.getByRole("button", { name: "Rename", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "The long night" }).waitFor();

    const saved = page.waitForEvent("download");
    await story(page, "Save as text");
    assert.match((await saved).suggestedFilename(), /\.txt$/);

    await story(page, "Replay");
    await page.getByText("1 of 1 turn").waitFor();
    await turnEnd(page).waitFor();
    assert.equal(await page.locator("#composer").count(), 0);
    await accessible(page, "replay");
    await page.getByRole("link", { name: "Back to the table" }).click();
    await connected(page);

    await story(page, "Delete …");
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Start a new session" }).waitFor();
    assert.equal(await page.getByText("The long night").count(), 0);
  });
});

test("of a long session the end is drawn first, and the rest on demand", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await sitDown(page, "Anna", "player");
    for (let turn = 0; turn < MANY; turn += 1) {
      await say(page, `Roll 1 dice against ${2 + (turn % 5)}`);
      await turnEnd(page).nth(turn).waitFor();
    }

    await page.reload();
    await connected(page);
    await page.locator("#earlier").waitFor();
    const drawn = await turnEnd(page).count();
    assert.ok(0 < drawn && drawn < MANY, `${drawn} of ${MANY} turns`);
    await person(page, "Anna").waitFor();

    while ((await page.locator("#earlier").count()) > 0) await page.locator("#earlier").click();
    assert.equal(await turnEnd(page).count(), MANY);
    const told = await page.locator(".speech p").allTextContents();
    assert.deepEqual(told, Array.from({ length: MANY }, (_, turn) => `Roll 1 dice against ${2 + (turn % 5)}`));
  });
});

test("a fight shows its order and its foes", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await addCharacter(page, "Platinum");

    await say(page, "two gangers attack us at 10 metres");
    await turnEnd(page).waitFor();

    await page.locator(".side .order li").nth(2).waitFor();
    assert.equal(await page.locator(".foe").count(), 2);
    await say(page, "end combat");
    await turnEnd(page).nth(1).waitFor();
    await page.locator(".tracker-now").waitFor({ state: "hidden" });
    await picture(page, "fight");
  });
});

test("lines and veils are agreed, and the pause card stops the story", async () => {
  await withPage({}, async (anna, context) => {
    await openSession(anna);
    await sitDown(anna, "Anna", "player");
    await asAnother(context, anna.url(), async (bert) => {
      await anna.locator("#lines").click();
      await anna.getByLabel("Lines: never in this story").fill("spiders");
      await anna.getByLabel("Veils: only off stage").fill("torture");
      await anna.getByRole("button", { name: "Agree", exact: true }).click();
      await bert.getByText("Never: spiders. Off stage: torture.").waitFor();

      await bert.locator("#pause").click();
      await anna.locator(".pause-card").waitFor();
      await anna.getByText("lays the pause card on the table").waitFor();
      await picture(anna, "paused");
      await anna.locator("#pause").click();
      await bert.locator(".pause-card").waitFor({ state: "hidden" });
    });
  });
});

test("the game master of a table is chosen and tried", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await page.locator("#model").click();
    await page.getByLabel("The house", { exact: false }).first().check();
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText(/^It answers/).waitFor();
    await picture(page, "model");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("The game master is now the house").waitFor();
    await page.getByText("Game master: the house").waitFor();
  });
});

test("dialogs and menus fit a phone, and axe finds nothing in them", async () => {
  await withPage({ viewport: { width: 360, height: 740 } }, async (page) => {
    await openSession(page);
    await page.locator("#story-menu summary").click();
    await fits(page, "menu");
    await accessible(page, "phone-menu");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Show the table/ }).click();
    await page.locator("#take-seat").click();
    await fits(page, "dialog");
    await accessible(page, "phone-dialog");
  });
});

// What people do.

const person = (page, name) => page.locator(`.person[data-name="${name}"]`);

async function sitDown(page, name, seat, character) {
  await page.locator("#take-seat").click();
  const dialog = page.locator("dialog.ask");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.locator(`input[value=${seat}]`).check();
  if (character) await dialog.locator("select").selectOption(character);
  await dialog.getByRole("button", { name: "Sit down" }).click();
  await person(page, name).waitFor();
}

async function story(page, item) {
  await page.locator("#story-menu summary").click();
  await page.getByRole("button", { name: item, exact: true }).click();
}

/// A second browser at the same table; it forgets nothing the first one keeps, and knows nothing of it.
async function asAnother(context, url, use) {
  const other = await context.browser().newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  other.setDefaultTimeout(10_000);
  try {
    const page = await other.newPage();
    await page.goto(url);
    await connected(page);
    await use(page);
  } finally {
    await other.close();
  }
}

async function fits(page, view) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `${view} is ${width} pixels wide`);
}
