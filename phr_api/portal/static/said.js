// The line at the bottom, and whether there is a connection.

import { h } from "./dom.js";
import { t } from "./words.js";

const MARKS = { good: "✔ ", bad: "⚠ ", big: "", plain: "" };

let isAway = false;

/** Say something in the line at the bottom. */
export function say(text, kind = "plain") {
  const line = document.querySelector("#said");
  line.className = kind;
  line.textContent = `${MARKS[kind]}${text}`;
}

/** What the line says now. */
export function saying() {
  return document.querySelector("#said").textContent;
}

/** Show that nobody answers, or that somebody does again. */
export function away(isSo) {
  if (isAway === isSo) return;
  document.querySelector("#net").replaceChildren(...(isSo ? [h("strong", {}, t("net.away"))] : []));
  if (!isSo) say(t("said.back"), "good");
  isAway = isSo;
}
