// Reads Prometheus' text, and works out rates and quantiles from two readings of it.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/// The samples of a page: [{name, labels, value}].
export function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : LINE.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(LABEL)) labels[name] = value.replaceAll(/\\(.)/g, "$1");
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

/// The value of a metric without labels, or undefined.
export const value = (samples, name) => samples.find((sample) => sample.name === name)?.value;

/// The histograms of a name, told apart by what `key` makes of their labels: Map of key to {count, buckets: [[le, n]]}.
/// Series that share a key are added up.
export function histograms(samples, name, key) {
  const found = new Map();
  const of = (labels) => {
    const id = key(labels);
    if (!found.has(id)) found.set(id, { count: 0, buckets: new Map() });
    return found.get(id);
  };
  for (const { name: is, labels, value } of samples) {
    if (is === `${name}_count`) of(labels).count += value;
    if (is === `${name}_bucket`) {
      const { buckets } = of(labels);
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  }
  return found;
}

/// What happened between two readings of a histogram; without an earlier one, since the start.
export function difference(now, before) {
  const buckets = new Map();
  for (const [bound, count] of now.buckets) buckets.set(bound, count - (before?.buckets.get(bound) ?? 0));
  return { count: now.count - (before?.count ?? 0), buckets };
}

/// The time, in seconds, below which this share of a histogram lies; undefined for an empty one.
export function quantile({ count, buckets }, share) {
  if (count <= 0) return undefined;
  const wanted = share * count;
  let [lower, below] = [0, 0];
  for (const [bound, upTo] of [...buckets].sort(([one], [other]) => one - other)) {
    if (wanted <= upTo) {
      // Spread evenly within its bucket; beyond the last bound nothing is known but that bound.
      return bound === Infinity ? lower : lower + ((bound - lower) * (wanted - below)) / Math.max(1, upTo - below);
    }
    [lower, below] = [bound, upTo];
  }
  return lower;
}
