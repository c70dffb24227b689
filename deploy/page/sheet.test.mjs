// Tries what one does with a sheet in Chromium: damage, pools, tests, attacks and spells; and the initiative tracker.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DICETOWER_URL, addCharacter, connected, openSession, picture, withPage } from "./support.mjs";

/// Calls a tool as somebody else would, beside the page.
async function tool(name, body) {
  const answer = await fetch(`${DICETOWER_URL}/api/tools/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${name}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

/// A character of the test's own, whose sheet nobody else changes.
async function newCharacter() {
  const name = `Runner ${Math.random().toString(36).slice(2, 8)}`;
  await tool("create_character", { street_name: name, archetype: "Street Samurai" });
  return name;
}

test("a sheet's boxes mark damage, and what somebody else does shows on it by itself", async () => {
  const name = await newCharacter();
  await withPage({}, async (page) => {
    await openSession(page);
    await addCharacter(page, name);
    await page.getByRole("button", { name: `View the sheet of ${name}` }).click();
    const sheet = page.getByRole("dialog", { name });
    const filled = (track) => sheet.locator(`.monitor-${track} .box-filled`);

    await sheet.getByRole("button", { name: "Physical box 3, Moderate" }).click();
    await sheet.getByText("3 / 10").waitFor();
    assert.equal(await filled("physical").count(), 3);
    await sheet.getByRole("button", { name: "Physical box 3, Moderate" }).click();
    await sheet.getByText("2 / 10").waitFor();

    await tool("apply_damage", { character_name: name, boxes: 6, damage_type: "stun" });
    await sheet.getByText("6 / 10").waitFor();
    assert.equal(await filled("stun").count(), 6);
    await picture(page, "sheet-wounded");
  });
});

test("one tests, attacks and casts from the sheet, and sets pool dice aside", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await addCharacter(page, "Oak");
    await page.getByRole("button", { name: "View the sheet of Oak" }).click();
    const sheet = page.getByRole("dialog", { name: "Oak" });

    await sheet.getByRole("button", { name: "Test Biotech" }).click();
    await sheet.getByRole("button", { name: "Roll the test" }).click();
    await sheet.locator(".card[data-tool=test_skill] .die").first().waitFor();

    await sheet.getByRole("button", { name: "Cast Detect Enemies" }).click();
    await sheet.getByLabel("Force", { exact: true }).fill("1");
    await sheet.getByRole("button", { name: "Cast the spell" }).click();
    await sheet.locator(".card[data-tool=cast_spell] .die").first().waitFor();

    await sheet.getByRole("button", { name: "Attack", exact: true }).click();
    await sheet.getByLabel("Weapon").selectOption("Ares Predator");
    await sheet.getByRole("button", { name: "Roll the attack" }).click();
    await sheet.locator(".card[data-tool=calculate_ranged_attack] .die").first().waitFor();
    await picture(page, "sheet-attack");

    const pool = sheet.locator("[data-pool=combat]");
    await pool.getByLabel("Dice of the Combat Pool to set aside").fill("2");
    await pool.getByRole("button", { name: "Set aside" }).click();
    await pool.getByText("6 of 8").waitFor();
    await sheet.getByRole("button", { name: "Refresh the pools" }).click();
    await pool.getByText("8 of 8").waitFor();
  });
});

test("the tracker starts a fight, goes on to who is next, and ends it, for everybody at the table", async () => {
  const name = await newCharacter();
  await withPage({}, async (page, context) => {
    await openSession(page);
    await addCharacter(page, name);
    const other = await context.newPage();
    await other.goto(page.url());
    await connected(other);
    const [tracker, theirs] = [page, other].map((view) => view.getByRole("region", { name: "Initiative" }));

    await tracker.getByLabel("Name of somebody else in the fight").fill("Ganger");
    await tracker.getByRole("button", { name: "Add to the fight" }).click();
    await tracker.getByRole("button", { name: "Start a fight" }).click();

    await tracker.getByText(/Turn 1, phase/).waitFor();
    assert.equal(await tracker.locator(".order li").count(), 2);
    await theirs.getByText(/Turn 1, phase/).waitFor();
    await picture(page, "tracker");
    // Somebody comes to it and goes again.
    await tracker.getByLabel("Name of somebody else in the fight").fill("Dog");
    await tracker.getByRole("button", { name: "Add to the fight" }).click();
    await tracker.getByRole("button", { name: "Dog leaves the fight" }).click();
    await tracker.getByRole("button", { name: "Dog leaves the fight" }).waitFor({ state: "detached" });
    assert.equal(await tracker.locator(".order li").count(), 2);
    const before = await tracker.locator(".tracker-now").textContent();
    await tracker.getByRole("button", { name: "Next" }).click();
    await page.waitForFunction((text) => document.querySelector(".tracker-now")?.textContent !== text, before);
    const now = await tracker.locator(".tracker-now").textContent();
    await theirs.getByText(now).waitFor();

    await tracker.getByRole("button", { name: "End the fight" }).click();
    await tracker.getByRole("button", { name: "Start a fight" }).waitFor();
    await theirs.getByRole("button", { name: "Start a fight" }).waitFor();
  });
});
