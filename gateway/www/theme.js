// Applies the chosen colours before the first paint, and drives the button that changes them.
// A plain script, not a module: a module would run after the page has been painted in the wrong colours.
"use strict";

(() => {
  const KEY = "dicetower-theme";
  const CHOICES = ["auto", "light", "dark"];
  const LABELS = { auto: "as the system", light: "light", dark: "dark" };
  const PATHS = {
    auto: "M12 3a9 9 0 1 0 0 18Zm0 0a9 9 0 0 1 0 18",
    light:
      "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v3M12 19v3M2 12h3M19 12h3M4.9 4.9 7 7M17 17l2.1 2.1M4.9 19.1 7 17M17 7l2.1-2.1",
    dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  };

  const stored = () => {
    try {
      const choice = localStorage.getItem(KEY);
      return CHOICES.includes(choice) ? choice : "auto";
    } catch {
      return "auto"; // Storage may be forbidden.
    }
  };

  const apply = (choice) => {
    document.documentElement.dataset.theme = choice;
  };
  apply(stored());

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    svg.append(path);
    button.append(svg);

    const show = (choice) => {
      path.setAttribute("d", PATHS[choice]);
      path.setAttribute("class", choice === "auto" ? "icon-half" : "");
      button.setAttribute("aria-label", `Colours: ${LABELS[choice]}. Change`);
      button.title = `Colours: ${LABELS[choice]}`;
    };
    show(stored());

    button.addEventListener("click", () => {
      const choice = CHOICES[(CHOICES.indexOf(document.documentElement.dataset.theme) + 1) % CHOICES.length];
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // The choice then lasts for this page only.
      }
      apply(choice);
      show(choice);
    });
  });
})();
