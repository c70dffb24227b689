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

/// Starts a game of its own.
async function newGame(page) {
  await page.goto(`${DICETOWER_URL}/#/games`);
  await page.getByLabel("Name of the new game (optional)").fill(`decided-${Date.now()}`);
  await page.getByRole("button", { name: "New game" }).click();
  await page.locator(".state-name").waitFor();
}
