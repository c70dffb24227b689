// Sets a game master's text: paragraphs, lists, headings, emphasis. Built from text nodes; nothing in it is markup.

import { h } from "./dom.js";

/// The text as elements. Marks that are not closed stay as they are, so a text may be set while it still grows.
export function prose(text) {
  return text
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== "")
    .map((block) => setBlock(block.replace(/^\n+|\s+$/g, "")));
}

function setBlock(block) {
  const lines = block.split("\n");
  if (lines.every((line) => /^\s*[-*•] /.test(line))) {
    return h(
      "ul",
      {},
      lines.map((line) => h("li", {}, inline(line.replace(/^\s*[-*•] /, "")))),
    );
  }
  if (lines.every((line) => /^\s*\d+[.)] /.test(line))) {
    return h(
      "ol",
      {},
      lines.map((line) => h("li", {}, inline(line.replace(/^\s*\d+[.)] /, "")))),
    );
  }
  const heading = /^#{1,6} (.*)$/.exec(block);
  if (heading) return h("p", { class: "prose-heading" }, inline(heading[1]));
  return h(
    "p",
    {},
    lines.map((line, index) => [index > 0 && h("br"), inline(line)]),
  );
}

const MARKS = /(\*\*[^*\n]+\*\*|\*[^*\s][^*\n]*\*|`[^`\n]+`)/;

function inline(line) {
  return line.split(MARKS).map((part, index) => {
    if (index % 2 === 0) return part;
    if (part.startsWith("**")) return h("strong", {}, part.slice(2, -2));
    if (part.startsWith("*")) return h("em", {}, part.slice(1, -1));
    return h("code", {}, part.slice(1, -1));
  });
}
