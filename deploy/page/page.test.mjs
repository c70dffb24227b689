// Tries the page in Chromium as a player uses it, against a running server; support.mjs says what it needs.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DICETOWER_URL,
  accessible,
  addCharacter,
  anyGame,
  connected,
  conversation,
  framesOf,
  openSession,
  picture,
  say,
  tabTo,
  turnEnd,
  withPage,
} from "./support.mjs";

const SHOT = "I shoot the ganger with my Ares Predator at 15 metres in dim light, he is running";
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/;

test("the page opens without errors and within its content policy", async () => {
  await withPage({}, async (page) => {
    const answer = await page.goto(DICETOWER_URL);

    await page.getByRole("heading", { level: 1 }).waitFor();
    const policy = answer.headers()["content-security-policy"];
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe/);
    await picture(page, "start");
  });
});

test("a session can be started from the page", async () => {
  await withPage({}, async (page) => {
    await page.goto(DICETOWER_URL);

    await page.getByRole("button", { name: "Start a new session" }).click();

    await page.waitForURL(/#\/session\/.+/);
    await connected(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), "message");
  });
});

test("a shot is told as it happens, with its roll as dice, and the turn ends once", async () => {
  await withPage({}, async (page) => {
    const frames = framesOf(page);
    await openSession(page);
    await addCharacter(page, "Platinum");

    await say(page, SHOT);

    const card = page.locator(".card[data-tool=calculate_ranged_attack]");
    await card.waitFor();
    await turnEnd(page).waitFor();
    const told = frames.filter(({ type }) => type === "narrative");
    assert.ok(told.length > 1, `the narration came in ${told.length} piece(s)`);
    assert.equal(frames.filter(({ type }) => type === "complete").length, 1);
    assert.equal(await turnEnd(page).count(), 1);
    assert.equal(await page.locator(".thinking:visible").count(), 0);

    const { result } = frames.find(({ type, tool }) => type === "tool_result" && tool === "calculate_ranged_attack");
    assert.equal(await card.locator(".die").count(), result.roll.rolls.length);
    assert.equal(await card.locator(".die-face").count(), result.roll.dice.flat().length);
    assert.equal(await card.locator(".target-number").textContent(), String(result.final_tn));
    assert.equal(await card.locator(".ladder tbody tr").count(), result.modifiers.length + 1);
    assert.equal(await card.locator(".die-success").count(), result.successes);
    const shown = (await page.locator(".narrative").allTextContents()).join("").replace(/\s/g, "");
    assert.ok(shown.length > 0);
    await picture(page, "attack");
  });
});

test("what comes in at once is followed to its end, and who has scrolled up stays where he is", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    const [followed, stayed] = await page.evaluate(async () => {
      const log = document.querySelector("#log");
      const grow = () => {
        const block = document.createElement("div");
        block.style.height = "1000px";
        log.querySelector(".log-inner").append(block);
      };
      // After the frame in which everything that waits is drawn, and before the next one.
      const drawn = () =>
        new Promise((done) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = done;
          requestAnimationFrame(() => port2.postMessage(null));
        });
      const draw = async () => {
        for (let frame = 0; frame < 4; frame += 1) await drawn();
      };
      const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 2;
      grow();
      await draw();
      grow();
      await drawn();
      grow();
      await draw();
      const followed = isAtEnd();
      log.scrollTop = 500;
      await draw();
      grow();
      await draw();
      return [followed, log.scrollTop];
    });
    assert.ok(followed);
    assert.equal(stayed, 500);
    await page.getByRole("button", { name: "Latest" }).click();
    await page.getByRole("button", { name: "Latest" }).waitFor({ state: "hidden" });
  });
});

test("pool dice go into the sentence they are put in for, and into no other", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await addCharacter(page, "Platinum");
    await page.getByLabel("Pool dice").fill("3");

    await say(page, SHOT);
    await say(page, "Roll 4 dice against a target number of 5");

    await turnEnd(page).nth(1).waitFor();
    assert.deepEqual(await page.locator(".speech p").allTextContents(), [
      `${SHOT}, with 3 dice from my combat pool`,
      "Roll 4 dice against a target number of 5",
    ]);
  });
});

test("text of a player is text, whatever it looks like", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    const markup = '<img src="x" onerror="document.title = 1"><b>bold</b>';

    await say(page, markup);

    await turnEnd(page).waitFor();
    assert.equal(await page.locator(".speech p").textContent(), markup);
    assert.equal(await page.locator(".log img, .speech b").count(), 0);
  });
});

test("a reload restores the conversation, and nothing stands there twice", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await addCharacter(page, "Platinum");
    await say(page, SHOT);
    await turnEnd(page).waitFor();
    const before = await conversation(page);

    await page.reload();
    await connected(page);

    await page.locator(".party .member").waitFor();
    assert.deepEqual(await conversation(page), before);
  });
});

test("a connection lost in the middle of a turn comes back by itself and misses nothing", async () => {
  await withPage({}, async (page) => {
    const lines = [];
    await page.routeWebSocket(/\/game\//, (line) => {
      lines.push(line);
      line.connectToServer();
    });
    await openSession(page);
    await addCharacter(page, "Platinum");
    await say(page, SHOT);
    await page.locator(".thinking, .narrative, .turn-end").first().waitFor();

    await lines[0].close({ code: 1011, reason: "tried" });

    await turnEnd(page).waitFor();
    await connected(page);
    assert.equal(lines.length, 2);
    assert.equal(await turnEnd(page).count(), 1);
    const resumed = await conversation(page);
    await page.reload();
    await connected(page);
    assert.deepEqual(await conversation(page), resumed);
  });
});

test("two browsers at one table see the same, and each knows who spoke", async () => {
  await withPage({}, async (page, context) => {
    await openSession(page);
    const other = await context.newPage();
    await other.goto(page.url());
    await connected(other);

    await say(page, "Roll 4 dice against a target number of 5");

    await turnEnd(page).waitFor();
    await turnEnd(other).waitFor();
    // A page that lies below another draws its text when the browser lets it.
    for (const one of [page, other]) await one.locator(".narrative", { hasText: "4 dice against 5." }).waitFor();
    assert.match(await page.locator(".speech").textContent(), /^You: Roll 4/);
    assert.match(await other.locator(".speech").textContent(), /^Another player: /);
    assert.deepEqual((await conversation(other)).slice(1), (await conversation(page)).slice(1));
    await other.locator("[aria-current=page] .session-about", { hasText: "2 messages" }).waitFor();
  });
});

test("what is said while the line is down is sent, once, when it is back", async () => {
  await withPage({}, async (page) => {
    let isDown = false;
    let line;
    await page.routeWebSocket(/\/game\//, (route) => {
      if (isDown) return route.close({ code: 1011, reason: "tried" });
      line = route;
      route.connectToServer();
    });
    await openSession(page);
    isDown = true;
    await line.close({ code: 1011, reason: "tried" });
    await page.locator(".connection[data-state=lost]").waitFor();
    await say(page, "Roll 4 dice against a target number of 5");
    await page.locator(".turn-waiting").waitFor();

    isDown = false;
    await page.getByRole("button", { name: "Retry now" }).click();

    await turnEnd(page).waitFor();
    assert.equal(await page.locator(".speech").count(), 1);
    assert.equal(await page.locator(".turn-waiting").count(), 0);
  });
});

test("narration that comes twice or overlaps is shown once", async () => {
  await withPage({}, async (page) => {
    await page.goto(DICETOWER_URL);

    const told = await page.evaluate(async () => {
      const { SessionLog } = await import("/ui/log.js");
      const log = new SessionLog();
      const piece = (seq, offset, content) => ({ type: "narrative", turn_id: "t", seq, offset, content });
      const pieces = [piece(3, 0, "Die 🎲 "), piece(3, 6, "falls"), piece(3, 0, "Die 🎲 falls off")];
      const shown = pieces.map((frame) => log.accept(frame)?.content);
      const whileOpen = log.resumeAfter();
      log.accept({ type: "complete", turn_id: "t", seq: 4 });
      return {
        shown,
        whileOpen,
        afterwards: log.resumeAfter(),
        again: log.accept({ type: "complete", turn_id: "t", seq: 4 }),
      };
    });

    assert.deepEqual(told, { shown: ["Die 🎲 ", "falls", " off"], whileOpen: 2, afterwards: 4, again: null });
  });
});

test("a passage that another's doing cuts in two reads on as one", async () => {
  await withPage({}, async (page) => {
    let line;
    await page.routeWebSocket(/\/game\//, (route) => {
      line = route;
      route.connectToServer();
    });
    await openSession(page);
    const send = (frame) => line.send(JSON.stringify({ turn_id: "t", ...frame }));

    send({ type: "processing", content: "GM is thinking...", seq: 101 });
    send({ type: "narrative", content: "The lift do", offset: 0, seq: 102 });
    send({ type: "system", content: "Added Oak to session", seq: 103, turn_id: undefined });
    send({ type: "narrative", content: "or is open.", offset: 0, seq: 104 });
    send({ type: "narrative", content: "Never told", offset: 0, seq: 105 });
    send({ type: "retract", retracted_seq: 105, seq: 106 });
    send({ type: "complete", content: "Response complete", seq: 107 });

    await turnEnd(page).waitFor();
    await page.locator(".narrative p", { hasText: /^The lift door is open\.$/ }).waitFor();
    assert.equal(await page.locator(".narrative").count(), 1);
  });
});

test("an error is a card a player can read, with its trace", async () => {
  await withPage({}, async (page) => {
    let line;
    await page.routeWebSocket(/\/game\//, (route) => {
      line = route;
      route.connectToServer();
    });
    await openSession(page);
    const trace = "0b0e4b1c-3c4f-4d8e-9a77-0d4e3b9f1a2c";

    line.send(
      JSON.stringify({
        type: "error",
        content: "The game master does not answer.",
        code: 4003,
        error_type: "GROK_TIMEOUT",
        trace_id: trace,
      }),
    );

    const card = page.locator(".card-error");
    await card.getByText("The game master does not answer.").waitFor();
    assert.match(await card.textContent(), new RegExp(`4003.*${trace}`));
    assert.equal(await card.getByRole("link", { name: /^Trace/ }).getAttribute("href"), `/traces/${trace}`);
  });
});

test("the sheet opens with its sections", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await addCharacter(page, "Platinum");

    await page.getByRole("button", { name: "View the sheet of Platinum" }).click();

    const sheet = page.getByRole("dialog", { name: "Platinum" });
    for (const section of [
      "Attributes",
      "Skills",
      "Resources and status",
      "Cyberware",
      "Bioware",
      "Weapons",
      "Armour",
      "Edges and flaws",
      "Contacts",
    ]) {
      await sheet.getByRole("heading", { name: section, exact: true }).waitFor();
    }
    assert.match(await sheet.locator(".attributes").textContent(), /Reaction\s*27/);
    assert.ok(await sheet.evaluate((dialog) => dialog.contains(document.activeElement)), "the focus is in the sheet");
    await picture(page, "sheet");
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "hidden" });
  });
});

test("a turn's trace opens as a waterfall through the services", async () => {
  await withPage({}, async (page, context) => {
    await openSession(page);
    await addCharacter(page, "Platinum");
    await say(page, SHOT);
    await turnEnd(page).waitFor();

    const [trace] = await Promise.all([
      context.waitForEvent("page"),
      turnEnd(page)
        .getByRole("link", { name: /^Trace/ })
        .click(),
    ]);

    for (const service of ["gateway", "orchestrator", "character", "dice"]) {
      await trace.locator(".span-row .service-tag").getByText(service, { exact: true }).first().waitFor();
    }
    assert.match(trace.url().split("/").at(-1), UUID);
    await trace.getByRole("button", { expanded: false }).first().click();
    await trace.locator(".span-attributes").first().waitFor();
    await picture(trace, "trace");

    await trace.getByRole("link", { name: "All traces" }).click();
    await trace.getByRole("heading", { name: "Traces" }).waitFor();
    assert.ok((await trace.locator(".trace-list tbody tr").count()) > 0);
    await picture(trace, "traces");
  });
});

test("a game is shown, and pressing a valid event moves it on", async () => {
  await withPage({}, async (page) => {
    await page.goto(`${DICETOWER_URL}/#/games`);
    await page.getByLabel("Name of the new game (optional)").fill(`page-${Date.now()}`);
    await page.getByRole("button", { name: "New game" }).click();
    const state = page.locator(".state-name");
    await state.waitFor();
    const first = await state.getAttribute("data-state");

    await page.locator("[data-event=GAME_OPTIONS_CONFIRMED]").click();

    await page.locator(`.state-name:not([data-state="${first}"])`).waitFor();
    await page.locator(".history > li").first().waitFor();
    await page.locator(".game-menu p").first().waitFor();
    assert.equal(await page.locator(".game-events .button-primary").count(), 1);
    await picture(page, "game");

    await page.getByRole("link", { name: "All games" }).click();
    await page.locator(".game-cards a").first().waitFor();
    await picture(page, "games");
  });
});

test("the keyboard alone can speak, open the drawer and leave it", async () => {
  await withPage({}, async (page) => {
    await openSession(page);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "message");

    await page.keyboard.type("Roll 6 dice against a target number of 4");
    await page.keyboard.press("Enter");
    await turnEnd(page).waitFor();

    await tabTo(page, "#debug-toggle", "Shift+Tab");
    await page.keyboard.press("Enter");
    const drawer = page.getByRole("complementary", { name: "Debug drawer" });
    await drawer.waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.id === "debug"));
    await tabTo(page, ".entry summary");
    await page.keyboard.press("Enter");
    await drawer.getByRole("group", { name: /^Arguments of/ }).waitFor();
    await picture(page, "drawer");
    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement.id), "debug-toggle");
  });
});

test("nothing is wider than a phone", async () => {
  await withPage({ viewport: { width: 320, height: 640 } }, async (page) => {
    const fits = async (view) => {
      const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= screen, `${view} is ${content} pixels wide on a screen of ${screen}`);
      await picture(page, `phone-${view}`);
    };
    await page.goto(DICETOWER_URL);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await fits("start");
    await openSession(page);
    await page.getByRole("button", { name: /^Show the table/ }).click();
    await addCharacter(page, "Platinum");
    await fits("side");
    await page.getByRole("button", { name: "View the sheet of Platinum" }).click();
    await page.getByRole("heading", { name: "Attributes" }).waitFor();
    await fits("sheet");
    await page.getByRole("button", { name: "Close the sheet" }).click();
    await page.getByRole("button", { name: "Close the table panel" }).click();
    await say(page, SHOT);
    await turnEnd(page).waitFor();
    await fits("table");
    await page.goto(`${DICETOWER_URL}/#/games/${await anyGame()}`);
    await page.locator(".state-name").waitFor();
    await fits("game");
    await page.goto(`${DICETOWER_URL}/traces`);
    await page.locator(".trace-list a").first().click();
    await page.locator(".span-row").first().waitFor();
    await fits("trace");
    await page.goto(`${DICETOWER_URL}/ops`);
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    await fits("ops");
  });
});

test("an operator sees the figures, replays a log and closes a session", async () => {
  await withPage({}, async (page) => {
    await page.goto(DICETOWER_URL);
    await openSession(page);
    await say(page, SHOT);
    await turnEnd(page).waitFor();
    const session = page.url().split("/").at(-1);

    await page.goto(`${DICETOWER_URL}/ops`);
    await page.getByRole("definition").filter({ hasText: "ok" }).first().waitFor();
    await page.getByRole("cell", { name: "say", exact: true }).waitFor();
    await picture(page, "ops");
    const row = page.getByRole("row").filter({ hasText: session });
    await row.getByRole("button", { name: /^Replay/ }).click();
    await page.getByRole("status").filter({ hasText: "nothing is missing" }).waitFor();
    await row.getByRole("button", { name: /^Close/ }).click();
    await row.getByRole("cell", { name: "closed", exact: true }).waitFor();
  });
});

for (const colorScheme of ["dark", "light"]) {
  test(`axe finds nothing in ${colorScheme} colours`, async () => {
    await withPage({ colorScheme }, async (page) => {
      await page.goto(DICETOWER_URL);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await accessible(page, `${colorScheme}-start`);

      await openSession(page);
      await accessible(page, `${colorScheme}-empty-session`);
      await addCharacter(page, "Platinum");
      await say(page, SHOT);
      await turnEnd(page).waitFor();
      await page.locator("#debug-toggle").click();
      await page.locator(".entry summary").first().click();
      await accessible(page, `${colorScheme}-table`);

      await page.getByRole("button", { name: "View the sheet of Platinum" }).click();
      await page.getByRole("heading", { name: "Attributes" }).waitFor();
      await accessible(page, `${colorScheme}-sheet`);
      await page.keyboard.press("Escape");

      await page.goto(`${DICETOWER_URL}/#/games`);
      await page.locator(".game-cards > li").first().waitFor();
      await accessible(page, `${colorScheme}-games`);
      await page.goto(`${DICETOWER_URL}/#/games/${await anyGame()}`);
      await page.locator(".state-name").waitFor();
      await accessible(page, `${colorScheme}-game`);

      await page.goto(`${DICETOWER_URL}/traces`);
      await page.locator(".trace-list a").first().waitFor();
      await accessible(page, `${colorScheme}-traces`);
      await page.locator(".trace-list a").first().click();
      await page.locator(".span-name").first().click();
      await accessible(page, `${colorScheme}-trace`);
      await page.goto(`${DICETOWER_URL}/ops`);
      await page.locator(".ops-actions").first().waitFor();
      await accessible(page, `${colorScheme}-ops`);
    });
  });
}
