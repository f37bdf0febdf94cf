// What a replan does to whom: shown before it is done, and after.

import { atOnce } from "./api.js";
import { button, dialog, h } from "./dom.js";
import { clockTime, day, t } from "./words.js";

const COLUMNS = [["name", "name"], ["phone", "phone"], ["was", "was"], ["offered", "offered"], ["answer-until", "answer-until"]];
const MOST_AT_A_GLANCE = 8; // more are scrolled, by keys too

/** Show what would happen to whom; Ctrl+Enter is a yes that no second Enter says by mistake. */
export function isSure(title, would, people) {
  const keys = {};
  const fill = (close) => {
    keys["Ctrl+Enter"] = () => close(true);
    return [
      h("p", { class: "told" }, t("replan.would", { closed: would.closedSlots, moved: would.moved.length, unplaced: would.unplaced.length })),
      peopleTable(would, people),
      h("p", { class: "row" }, button(t("replan.do"), "Ctrl+Enter", () => close(true), { class: "main" }), button(t("back"), "Esc", () => close(), { autofocus: true })),
    ];
  };
  return dialog(title, fill, keys, "wide");
}

/** The bookings that a replan speaks of, by id: their names, times and phones. */
export async function peopleOf(desk, { moved, unplaced }) {
  const ids = [...moved.map(({ bookingId }) => bookingId), ...unplaced];
  const read = await atOnce(ids, (id) => desk.caller.get(`${desk.at}/bookings/${id}`));
  return new Map(read.map(({ data }) => [data.id, data]));
}

/** Whom it concerns, who is to be called first. */
export function peopleTable({ moved, unplaced }, people) {
  const line = (id, offered, until, kind) => {
    const { person, startsAt } = people.get(id);
    const cells = [person.name ?? t("nameless"), person.phone ?? "", when(startsAt), offered, until];
    return h("tr", { class: kind }, cells.map((cell, index) => h("td", { class: COLUMNS[index][1] }, cell)));
  };
  const lines = [
    ...unplaced.map((id) => line(id, h("strong", { class: "alarm" }, `⚠ ${t("replan.call")}`), "", "is-unplaced")),
    ...moved.map(({ bookingId, proposedStartsAt, until }) => line(bookingId, when(proposedStartsAt), when(until), "is-moved")),
  ];
  if (!lines.length) return h("p", { class: "faint" }, t("replan.nobody"));
  const heads = COLUMNS.map(([title, kind]) => h("th", { scope: "col", class: kind }, t(title)));
  return h("div", { class: "people", tabindex: lines.length > MOST_AT_A_GLANCE ? "0" : null }, h("table", { "aria-label": t("replan.people") }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, lines)));
}

function when(moment) {
  return `${clockTime(moment)} ${day(moment)}`;
}
