// Board games on the page: decisions, who decides, the machine drawn, events taken back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DICETOWER_URL, picture, withPage } from "./support.mjs";

test("a decision is taken by its button, the machine is drawn, and the event is taken back", async () => {
  await withPage({}, async (page) => {
    await newGame(page);
    await page.locator(".question[data-kind=confirm] [data-choice=begin]").click();
    await page.locator(".state-name[data-state=PHASE_2_FELLOWSHIP_START]").waitFor();
    await page.locator(".question[data-kind=fellowship] [data-choice=done]").waitFor();

    await page.getByText("The machine, drawn").click();
    await page.locator(".diagram .current[data-state=PHASE_2_FELLOWSHIP_START]").waitFor();
    await picture(page, "game-diagram");

    await page.getByRole("button", { name: "Take back the last event" }).click();
    await page.locator(".state-name[data-state=SETUP_GAME_OPTIONS]").waitFor();
    await page.getByText("Taken back:").first().waitFor();
    await page.locator(".diagram .current[data-state=SETUP_GAME_OPTIONS]").waitFor();
  });
});

test("a side is given to the built-in opponent, which plays on by itself", async () => {
  await withPage({}, async (page) => {
    await newGame(page);
    await page.locator("select[data-side=table]").selectOption("policy middle");

    await page.locator(".state-name[data-state=PHASE_2_FELLOWSHIP_START]").waitFor();
    await page.locator(".history").getByText("opponent").first().waitFor();
    assert.equal(await page.locator("select[data-side=table]").inputValue(), "policy middle");
    await picture(page, "game-decides");
  });
});

test("an autopilot takes quiet for consent, after as many seconds as are set", async () => {
  await withPage({}, async (page) => {
    await newGame(page);
    const side = page.locator("select[data-side=table]");
    await side.selectOption("autopilot");
    const seconds = page.getByLabel("Seconds that Table is waited for");
    assert.equal(await seconds.inputValue(), "5");
    await page.getByText("5 quiet seconds are consent").waitFor();
    await picture(page, "game-autopilot");

    await seconds.fill("1");
    await seconds.press("Enter");
    await page.locator(".state-name[data-state=PHASE_2_FELLOWSHIP_START]").waitFor();
    assert.equal(await side.inputValue(), "autopilot");
    assert.equal(await seconds.inputValue(), "1");
  });
});

/// Starts a game of its own.
async function newGame(page) {
  await page.goto(`${DICETOWER_URL}/#/games`);
  await page.getByLabel("Name of the new game (optional)").fill(`decided-${Date.now()}`);
  await page.getByRole("button", { name: "New game" }).click();
  await page.locator(".state-name").waitFor();
}
