// Tries the dice of the page in Chromium: the tray, the odds beside each roll, and the proof of each.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DICETOWER_URL,
  accessible,
  addCharacter,
  framesOf,
  openSession,
  picture,
  say,
  turnEnd,
  withPage,
} from "./support.mjs";

const tray = (page) => page.getByRole("region", { name: "Dice tray" });
const rollCard = (page) => page.locator(".card[data-tool=roll_dice]");

async function openTray(page) {
  await page.getByRole("button", { name: "Dice", exact: true }).click();
  await tray(page).waitFor();
}

test("a roll is clicked together, its odds are shown before it, and it falls for everybody", async () => {
  await withPage({}, async (page, context) => {
    const frames = framesOf(page);
    await openSession(page);
    const other = await context.newPage();
    await other.goto(page.url());
    await openTray(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), "tray-notation");

    for (const name of ["Add a d6", "Add a d6", "Add a d8", "Add 1", "Add 1", "Take 1 off"])
      await page.getByRole("button", { name, exact: true }).click();
    assert.equal(await page.getByLabel("Dice notation").inputValue(), "2d6+1d8+1");
    const odds = tray(page).getByRole("img", { name: /^Odds of 2d6\+1d8\+1: 4 to 21, 12\.5 on average$/ });
    await odds.waitFor();
    assert.equal(await odds.locator("rect").count(), 18);
    await page.getByRole("button", { name: "Roll", exact: true }).click();

    for (const one of [page, other]) await rollCard(one).waitFor();
    const { result } = frames.find(({ type }) => type === "roll");
    assert.equal(await rollCard(page).locator(".verdict strong").textContent(), String(result.total));
    assert.equal(await rollCard(page).locator(".die").count(), 3);
    await picture(page, "tray");
  });
});

test("a roll is typed, in the dialect that is chosen", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await openTray(page);
    await page.getByLabel("Dialect").selectOption("avrae");
    await page.getByLabel("Dice notation").fill("4d6k3");
    await tray(page).getByText("a number alone means the dice that show it, here 3, as in Avrae.").waitFor();

    await page.keyboard.press("Enter");

    await rollCard(page).getByText("4d6k=3").waitFor();
  });
});

test("what is no roll is told while it is typed, with the place", async () => {
  await withPage({ mayComplain: true }, async (page) => {
    await openSession(page);
    await openTray(page);

    await page.getByLabel("Dice notation").fill("2d0");

    await tray(page).getByRole("alert").getByText('"2d⟨0⟩"').waitFor();
  });
});

test("each roll has its odds beside it, with the chance of what was rolled or better", async () => {
  await withPage({}, async (page) => {
    const frames = framesOf(page);
    await openSession(page);
    await addCharacter(page, "Platinum");
    await openTray(page);
    await page.getByLabel("Dice of the test").fill("4");
    await page.getByLabel("Target number").fill("5");
    await page.getByRole("button", { name: "Roll the test" }).click();
    await rollCard(page).waitFor();
    await say(page, "I shoot the ganger with my Ares Predator at 15 metres");
    await turnEnd(page).waitFor();

    const { result } = frames.find(({ type }) => type === "roll");
    const chance = [1, 65 / 81, 33 / 81, 9 / 81, 1 / 81][result.successes];
    const text = chance === 1 ? "100 %" : `${Number((chance * 100).toPrecision(3))} %`;
    const label = `${result.successes} or better in ${text} of rolls`;
    // What the game master rolls in the shot has cards of its own.
    const card = rollCard(page).first();
    await card.getByRole("img", { name: label }).waitFor();
    assert.equal(await card.locator(".odds-rolled").count(), 1);
    const attack = page.locator(".card[data-tool=calculate_ranged_attack]");
    await attack.locator(".roll-foot").scrollIntoViewIfNeeded();
    await attack.getByRole("img", { name: /^Odds of \d+d6 tn\d+: .* or better in .* of rolls$/ }).waitFor();
  });
});

test("a roll is verified in the browser: its place at once, its faces when the seed is revealed", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await openTray(page);
    await page.getByLabel("Dice notation").fill("3d6!+2d10");
    await page.keyboard.press("Enter");
    await rollCard(page).waitFor();

    await rollCard(page).getByRole("button", { name: "Verify", exact: true }).click();

    const proof = rollCard(page).locator(".proof");
    await proof.getByText(/Entry 1 of 1 .* verified in this browser: .* the seed is secret/).waitFor();
    await proof.getByText("It goes on from what this page was told when the chain had 0 entries.").waitFor();
    await proof.getByRole("button", { name: "Reveal the seed and verify the faces" }).click();
    await proof.getByText(/verified in this browser: .* every face follows from the seed/).waitFor();
    assert.equal(await proof.locator(".proof-failed").count(), 0);
    await picture(page, "proof");
  });
});

test("a face that was changed on the way is found", async () => {
  await withPage({}, async (page) => {
    await page.route("**/api/tools/list_rolls", async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      body.rolls[0].faces[0] = (body.rolls[0].faces[0] % 6) + 1;
      await route.fulfill({ response: answer, json: body });
    });
    await openSession(page);
    await openTray(page);
    await page.getByLabel("Dice notation").fill("2d6");
    await page.keyboard.press("Enter");
    await rollCard(page).waitFor();

    await rollCard(page).getByRole("button", { name: "Verify", exact: true }).click();

    await rollCard(page).locator(".proof-failed", { hasText: "it was changed" }).waitFor();
  });
});

test("a browser without the primitives says so, and that the server verified instead", async () => {
  await withPage({}, async (page) => {
    await page.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
    await openSession(page);
    await openTray(page);
    await page.getByLabel("Dice notation").fill("2d6");
    await page.keyboard.press("Enter");
    await rollCard(page).waitFor();

    await rollCard(page).getByRole("button", { name: "Verify", exact: true }).click();

    const proof = rollCard(page).locator(".proof");
    await proof.getByText(/The server verified it, not this browser: .* https or on localhost/).waitFor();
    await proof.getByText("The hash is that of what the entry says.").waitFor();
  });
});

test("a player adds a seed of his own, on which later rolls depend", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await openTray(page);
    await page.getByText("How these dice are proved").click();
    await tray(page).getByText(/[0-9a-f]{64}/).waitFor();

    await page.getByLabel("Your seed").fill("my-own-luck");
    await page.getByRole("button", { name: "Add my seed" }).click();

    await tray(page).getByText("my-own-luck").waitFor();
    await page.getByLabel("Dice notation").fill("2d6");
    await page.keyboard.press("Enter");
    await rollCard(page).getByRole("button", { name: "Verify", exact: true }).click();
    await rollCard(page).getByText(/Entry 2 of 2 .* verified in this browser/).waitFor();
  });
});

for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["light", { colorScheme: "light" }],
  ["phone", { viewport: { width: 320, height: 640 } }],
]) {
  test(`axe finds nothing in the dice: ${name}`, async () => {
    await withPage(options, async (page) => {
      await openSession(page);
      await openTray(page);
      await page.getByLabel("Dice notation").fill("4d6kh3+2");
      await tray(page).getByRole("img", { name: /^Odds of/ }).waitFor();
      await page.keyboard.press("Enter");
      await rollCard(page).getByRole("button", { name: "Verify", exact: true }).click();
      await rollCard(page).locator(".proof-passed").first().waitFor();
      const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= screen, `${content} pixels wide on a screen of ${screen}`);
      await accessible(page, `dice-${name}`);
    });
  });
}

test("dice are added to a roll where they belong", async () => {
  await withPage({}, async (page) => {
    await page.goto(DICETOWER_URL);

    const built = await page.evaluate(async () => {
      const { withDie, withModifier } = await import("/ui/tray.js");
      return [
        withDie("", "d6"),
        withDie("1d6+3", "d6"),
        withDie("d20+3", "d8"),
        withDie("4d6kh3", "d6"),
        withDie("1dF", "dF"),
        withDie("1d10", "d100"),
        withModifier("2d6+1", -1),
        withModifier("2d6", -2),
        withModifier("2d6-1", -1),
        withModifier("", 1),
      ];
    });

    assert.deepEqual(built, [
      "1d6",
      "2d6+3",
      "d20+1d8+3",
      "4d6kh3+1d6",
      "2dF",
      "1d10+1d100",
      "2d6",
      "2d6-2",
      "2d6-2",
      "",
    ]);
  });
});
