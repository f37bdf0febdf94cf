// Small pieces of document: elements, dialogs. No markup is ever made of text that came from outside.

import { t } from "./words.js";
import { popKeys, pushKeys } from "./keys.js";

/** Make an element: `on...` are listeners, true is an attribute without value, null is left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button with its key in sight. */
export function button(text, key, action, more = {}) {
  return h(
    "button",
    { type: "button", onclick: action, ...more },
    text,
    key ? h("kbd", {}, key) : null,
  );
}

/** Show a dialog; resolves to what `close(value)` was called with, or null after Escape. */
export function dialog(title, fill, keys = {}, kind = null) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    let answer = null;
    const box = h("dialog", { "aria-label": title, class: kind });
    const close = (value = null) => {
      answer = value;
      box.close();
    };
    box.append(h("h2", {}, title), ...[fill(close)].flat());
    box.addEventListener("close", () => {
      popKeys();
      box.remove();
      if (before?.isConnected) before.focus();
      resolve(answer);
    });
    document.body.append(box);
    pushKeys(keys);
    box.showModal();
    (box.querySelector("[autofocus], [tabindex='0']") ?? box.querySelector("input, select, button"))?.focus();
  });
}

/** A question with fields; resolves to their values by name, or null. */
export function askFor(title, fields, { yes = t("ok"), text = null } = {}) {
  return dialog(title, (close) => {
    const controls = fields.map(labelled);
    const send = (event) => {
      event.preventDefault();
      if (form.reportValidity()) close(valuesOf(form));
    };
    const form = h(
      "form",
      { onsubmit: send },
      text ? h("p", {}, text) : null,
      controls,
      h(
        "p",
        { class: "row" },
        h("button", { type: "submit", class: "main", autofocus: !fields.length }, yes, h("kbd", {}, "Enter")),
        button(t("back"), "Esc", () => close()),
      ),
    );
    return form;
  });
}

/** One of several, by arrows and Enter; resolves to its value, or null. */
export function chooseOne(title, options) {
  return dialog(title, (close) => {
    const buttons = options.map(({ text, value }) =>
      h("button", { type: "button", class: "choice", onclick: () => close(value) }, text),
    );
    const move = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = buttons.indexOf(document.activeElement);
      buttons[(at + step + buttons.length) % buttons.length].focus();
    };
    return h("div", { class: "choices", onkeydown: move }, buttons);
  });
}

/** A field with its label; `options` make it a list. */
export function labelled({ name, label, options, ...more }) {
  const id = `field-${name}`;
  const control = options
    ? h(
        "select",
        { id, name, ...more },
        options.map(({ value, text }) => h("option", { value }, text)),
      )
    : h("input", { id, name, autocomplete: "off", ...more });
  return h("p", { class: "field" }, h("label", { for: id }, label), control);
}

/** The filled-in fields of a form by name, without spaces around. */
export function valuesOf(form) {
  const filled = [...new FormData(form)].map(([name, value]) => [name, value.trim()]);
  return Object.fromEntries(filled.filter(([, value]) => value));
}

/** A phone number as the API takes it: callers say it, and clerks write it, in groups. */
export function phoneNumber(text) {
  return text?.replace(/[\s.-]/g, "");
}

/** Text as people type it in a hurry: without diacritics and case. */
export function plain(text) {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[đĐ]/g, "d")
    .toLowerCase();
}
