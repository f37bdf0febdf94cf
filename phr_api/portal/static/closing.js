// The day's end: one action, and its undo.

import { askFor, button, h } from "./dom.js";
import { t, today } from "./words.js";
import { allPages } from "./today.js";

const CLOSED = "phr.closing."; // by facility {id, on} of what can be undone from this machine

export function closingView(desk) {
  const facts = h("dl", { class: "facts" });
  const told = h("p", { class: "told", "aria-live": "polite" });
  const closeButton = button(t("do.close"), "Ctrl+Enter", () => desk.run("close", close), { class: "main" });
  const undoButton = button(t("do.undo"), "Ctrl+Z", () => desk.run("undo", undo), { disabled: true });

  async function refresh() {
    const items = await allPages(desk, `on=${today()}`);
    const counts = new Map();
    for (const { state } of items) counts.set(state, (counts.get(state) ?? 0) + 1);
    facts.replaceChildren(...[...counts].flatMap(([state, count]) => [h("dt", {}, t(`state.${state}`)), h("dd", {}, String(count))]));
    undoButton.disabled = !last();
    closeButton.disabled = Boolean(last());
  }

  function last() {
    const kept = JSON.parse(localStorage.getItem(CLOSED + desk.facility) ?? "null");
    return kept?.on === today() ? kept : null;
  }

  async function close() {
    if (last() || !(await askFor(t("do.close"), [], { yes: t("do.close"), text: t("closing.sure") }))) return;
    const { data } = await desk.caller.post(`${desk.at}/day-closings`, { on: today() });
    localStorage.setItem(CLOSED + desk.facility, JSON.stringify({ id: data.id, on: data.on }));
    told.textContent = t("closing.done", data);
    desk.say(t("said.closed"), "good");
    await refresh();
  }

  async function undo() {
    if (!last()) return;
    const { data } = await desk.caller.post(`${desk.at}/day-closings/${last().id}/undo`);
    localStorage.removeItem(CLOSED + desk.facility);
    told.textContent = t("closing.undone", data);
    desk.say(t("said.undone"), "good");
    await refresh();
  }

  const content = desk.mayWrite ? [h("p", { class: "row" }, closeButton, undoButton), told] : [h("p", {}, t("read.only"))];
  return {
    element: h("section", { class: "view" }, h("div", { class: "bar" }, h("h1", {}, t("closing"))), facts, content),
    keys: desk.mayWrite ? { "Ctrl+Enter": () => desk.run("close", close), "Ctrl+z": () => desk.run("undo", undo) } : {},
    hints: desk.mayWrite ? t("closing.hints") : t("read.hints"),
    focus: () => (closeButton.disabled ? undoButton : closeButton).focus(),
    refresh,
    every: 30_000,
  };
}
