// Small questions in a dialog: a few fields, one button that does it, one that does not.

import { h, icon } from "./dom.js";

let counter = 0;

/// Asks for values. `fields` are `{ name, label, type, value, options, required, maxlength, hint }`; a type is text,
/// password, textarea, select, radio or checkbox. `extra` holds elements, and buttons `{ label, act }` that are told the
/// values and leave the dialog open. Answers the values by name, or null if the dialog was left.
export function ask({ title, text, fields = [], extra = [], submit = "OK", isDangerous = false }) {
  counter += 1;
  const id = `dialog-${counter}`;
  return new Promise((resolve) => {
    let answer = null;
    const values = () => Object.fromEntries(fields.map((field) => [field.name, valueOf(form, field)]));
    const isButton = (item) => typeof item.act === "function";
    const form = h(
      "form",
      {
        method: "dialog",
        class: "ask-form",
        on: {
          submit: () => {
            answer = values();
          },
        },
      },
      h(
        "div",
        { class: "ask-head" },
        h("h2", { id }, title),
        h(
          "button",
          { class: "icon-button", type: "button", "aria-label": "Close", on: { click: () => dialog.close() } },
          icon("cross"),
        ),
      ),
      text && h("p", { class: "dim" }, text),
      fields.map((field) => fieldOf(field, id)),
      extra.filter((item) => !isButton(item)),
      h(
        "div",
        { class: "ask-buttons" },
        extra
          .filter(isButton)
          .map(({ label, act }) =>
            h("button", { class: "button", type: "button", on: { click: () => act(values()) } }, label),
          ),
        h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Cancel"),
        h("button", { class: `button ${isDangerous ? "button-stop" : "button-primary"}`, type: "submit" }, submit),
      ),
    );
    const dialog = h(
      "dialog",
      {
        class: "ask",
        "aria-labelledby": id,
        on: {
          close: () => {
            dialog.remove();
            resolve(answer);
          },
          click: ({ target }) => target === dialog && dialog.close(),
        },
      },
      form,
    );
    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("input:not([type=radio]), textarea, select") ?? form.querySelector(".ask-buttons .button")).focus();
  });
}

function fieldOf(field, dialog) {
  const { name, label, type = "text", value = "", options = [], required = false, maxlength, hint } = field;
  const id = `${dialog}-${name}`;
  if (type === "radio") {
    return h(
      "fieldset",
      { class: "ask-field" },
      h("legend", {}, label),
      options.map(({ value: option, label: text, hint: about }) =>
        h(
          "label",
          { class: "ask-choice" },
          h("input", { type: "radio", name, value: option, checked: option === value }),
          h("span", {}, h("strong", {}, text), about && h("span", { class: "dim" }, about)),
        ),
      ),
    );
  }
  if (type === "checkbox") {
    return h(
      "label",
      { class: "ask-choice", for: id },
      h("input", { id, name, type, checked: Boolean(value) }),
      h("span", {}, h("strong", {}, label), hint && h("span", { class: "dim" }, hint)),
    );
  }
  const attributes = { id, name, class: "input", required, maxlength, autocomplete: "off" };
  const input =
    type === "select"
      ? h(
          "select",
          attributes,
          options.map(({ value: option, label: text }) => h("option", { value: option, selected: option === value }, text)),
        )
      : type === "textarea"
        ? h("textarea", { ...attributes, rows: "3" }, value)
        : h("input", { ...attributes, type, value });
  return h("label", { class: "ask-field", for: id }, label, input, hint && h("span", { class: "dim" }, hint));
}

function valueOf(form, { name, type }) {
  const element = form.elements[name];
  return type === "checkbox" ? element.checked : element.value.trim();
}
