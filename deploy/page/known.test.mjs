// Tries what a game master is told beside the conversation: facts, the lore book, and a linked board game.
//
// Settings as those of page.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DICETOWER_URL, accessible, openSession, withPage } from "./support.mjs";

const dialog = (page) => page.locator("dialog.ask");
const press = (page, name) => dialog(page).getByRole("button", { name, exact: true }).click();

test("a fact is pinned, shown with where it comes from, and forgotten", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await page.locator("#pin-fact").click();
    await dialog(page).getByLabel("The fact, in a sentence").fill("Mister J <b>lies</b>");
    await press(page, "Pin");
    await page.locator(".side .known li", { hasText: "Mister J <b>lies</b>" }).waitFor();
    await page.getByText("To be remembered: Mister J <b>lies</b>").waitFor();

    await page.locator("#all-facts").click();
    await dialog(page).getByText("pinned").waitFor();
    await accessible(page, "facts");
    await dialog(page).getByRole("button", { name: /^Forget: Mister J/ }).click();
    await dialog(page).getByText("Nothing is remembered yet.").waitFor();
    await press(page, "Done");
    assert.equal(await page.locator(".side .known li").count(), 0);
  });
});

test("an entry of the lore book is written, changed and taken out", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await page.locator("#campaign").click();
    await dialog(page).getByLabel("Or begin one").fill(`Bug City ${Date.now()}`);
    await press(page, "Choose");
    await page.locator(".side").getByText(/^Bug City/).waitFor();

    await page.locator("#lore-book").click();
    await press(page, "New entry");
    await dialog(page).getByLabel("Title", { exact: true }).fill("The Shedim");
    await dialog(page).getByLabel("What the game master is told").fill("They walk in the dead.");
    await dialog(page).getByLabel("Words that bring it up").fill("corpse, grave");
    await press(page, "Keep");
    await dialog(page).getByText("also by: corpse, grave").waitFor();
    await accessible(page, "lore");

    await press(page, "Change The Shedim");
    await dialog(page).getByLabel("What the game master is told").fill("They fear the sun.");
    await press(page, "Keep");
    await dialog(page).getByText("They fear the sun.").waitFor();

    await press(page, "Take out The Shedim");
    await dialog(page).getByText("No entries yet.").waitFor();
  });
});

test("a board game is linked, and what happens there is told at the table", async () => {
  const game = `linked-${Date.now()}`;
  await post("/api/games", { game_id: game });
  await withPage({}, async (page) => {
    await openSession(page);
    await page.locator("#link-game").click();
    await dialog(page).getByLabel("Game").selectOption(game);
    await press(page, "Link");
    await dialog(page).getByLabel("Side").selectOption({ index: 1 });
    await press(page, "Link");
    await page.locator(".side").getByRole("link", { name: game }).waitFor();
    await page.getByText(`The table is linked to the game ${game}`).waitFor();

    await post(`/api/games/${game}/events`, { event: "GAME_OPTIONS_CONFIRMED", data: {} });

    await page.locator(".note", { hasText: /options confirmed/i }).waitFor();
    await page.locator("#link-game").click();
    await dialog(page).getByLabel("Game").selectOption("");
    await press(page, "Link");
    await page.getByText("The table is linked to no game").waitFor();
  });
});

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${DICETOWER_URL}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
}
