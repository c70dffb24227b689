// The odds of a roll: asked for once for each notation, drawn as a small chart.

import { api } from "./api.js";
import { h, s } from "./dom.js";
import { toNumber } from "./rolls.js";

const WIDTH = 132;
const HEIGHT = 34;
/// Bars of a chart; more totals than that share bars.
const MAX_BARS = 44;
/// Totals at both ends that are rarer than this altogether are left out of a chart.
const RARE = 0.0005;
/// Notations whose odds are remembered.
const MAX_KNOWN = 500;

const known = new Map();

/// The odds of a notation, or the error where there are none: it is no roll, or they take too long.
export function oddsOf(notation, dialect = "standard") {
  const key = `${dialect} ${notation}`;
  if (!known.has(key)) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, ask({ notation, dialect, distribution: true }));
  }
  return known.get(key);
}

async function ask(body) {
  try {
    const odds = await api("/api/tools/get_odds", { method: "POST", body });
    const outcomes = odds.outcomes.map(({ total, chance, at_least: atLeast }) => ({
      total: toNumber(total),
      chance,
      atLeast,
    }));
    return { ...odds, outcomes };
  } catch (error) {
    return { error };
  }
}

/// What waits to be seen, and what is to be done then.
const waiting = new WeakMap();
const watcher =
  typeof IntersectionObserver === "undefined"
    ? null
    : new IntersectionObserver(
        (entries) => {
          for (const { isIntersecting, target } of entries) {
            if (!isIntersecting) continue;
            watcher.unobserve(target);
            waiting.get(target)?.();
          }
        },
        { rootMargin: "200px" },
      );

/// A place for the odds of a roll, filled when it is first seen: a long log asks for what is looked at alone.
export function oddsPlace({ notation, value }) {
  const place = h("div", { class: "odds" });
  const fill = async () => {
    const odds = await oddsOf(notation);
    if (odds.error || odds.outcomes.length === 0) place.remove();
    else place.replaceChildren(...oddsFigure(odds, value));
  };
  waiting.set(place, fill);
  watcher?.observe(place);
  return place;
}

/// The chart and a line of figures. `value` is what was rolled, if it was.
export function oddsFigure(odds, value) {
  const wasRolled = value !== undefined && value !== null;
  const better = wasRolled && percent(odds.outcomes.find(({ total }) => total >= value)?.atLeast ?? 0);
  const mean = figure(odds.mean);
  // Repeats have each the same odds; those of all together nobody asks for.
  const each = /^\d+x /.test(odds.notation) ? "each " : "";
  const spoken = [
    `Odds of ${odds.notation}: ${each}${odds.lowest} to ${odds.highest}, ${mean} on average`,
    wasRolled && `${figure(value)} or better in ${better} of rolls`,
  ];
  return [
    chart(odds, value, spoken.filter(Boolean).join("; ")),
    h(
      "p",
      { class: "odds-text", "aria-hidden": "true" },
      wasRolled ? [h("b", {}, better), ` for ${figure(value)} or better`] : [each, h("b", {}, mean), " on average"],
      h(
        "span",
        { class: "dim" },
        wasRolled ? `${mean} on average` : `${odds.lowest} to ${odds.highest}, ± ${figure(odds.deviation)}`,
      ),
    ),
  ];
}

/// Bars of all totals but the rarest; those that are as good as what was rolled stand out.
function chart(odds, value, label) {
  const shown = trimmed(odds.outcomes);
  const share = Math.ceil(shown.length / MAX_BARS);
  const bars = [];
  for (let index = 0; index < shown.length; index += share) {
    const part = shown.slice(index, index + share);
    bars.push({
      chance: part.reduce((sum, { chance }) => sum + chance, 0),
      low: part[0].total,
      high: part.at(-1).total,
    });
  }
  const most = Math.max(...bars.map(({ chance }) => chance));
  const width = WIDTH / bars.length;
  return s(
    "svg",
    { class: "odds-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    bars.map(({ chance, low, high }, index) => {
      const height = Math.max(1, (chance / most) * (HEIGHT - 1));
      const isRolled = low <= value && value <= high;
      const tone = isRolled ? "rolled" : value !== undefined && low > value ? "better" : "other";
      return s(
        "rect",
        {
          class: `odds-bar odds-${tone}`,
          x: (index * width).toFixed(2),
          y: (HEIGHT - height).toFixed(2),
          width: Math.max(0.8, width - Math.min(1.5, width / 4)).toFixed(2),
          height: height.toFixed(2),
        },
        s("title", {}, `${low === high ? figure(low) : `${figure(low)} to ${figure(high)}`}: ${percent(chance)}`),
      );
    }),
  );
}

function trimmed(outcomes) {
  let [from, to] = [0, outcomes.length];
  for (let rare = 0; from < to - 1 && (rare += outcomes[from].chance) < RARE; ) from += 1;
  for (let rare = 0; from < to - 1 && (rare += outcomes[to - 1].chance) < RARE; ) to -= 1;
  return outcomes.slice(from, to);
}

/// A chance in percent, with as many figures as one can use.
export function percent(chance) {
  const hundredths = chance * 100;
  if (hundredths === 0 || hundredths === 100) return `${hundredths} %`;
  if (hundredths < 0.01) return "under 0.01 %";
  if (hundredths > 99.99) return "over 99.99 %";
  return `${Number(hundredths.toPrecision(3))} %`;
}

/// A number with at most two places behind the point, and a true minus.
const figure = (number) => String(Number(Number(number).toFixed(2))).replace("-", "−");
