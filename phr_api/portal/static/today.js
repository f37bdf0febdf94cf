// A day's list: everybody who is expected, with state and card. It begins with today.

import { cardCell, notes, open, runOn, stateChip } from "./bookings.js";
import { h } from "./dom.js";
import { Rows } from "./rows.js";
import { birthday, clockTime, dayName, daysAfter, t, today } from "./words.js";

const MOST_PAGES = 20;
const COMING = 60; // days

export function todayView(desk) {
  let ahead = 0;
  const title = h("h1", {}, t("today"));
  const count = h("p", { class: "count" });
  const rows = new Rows({
    label: t("today"),
    empty: t("today.empty"),
    columns: [
      { title: t("time"), class: "time", cell: (booking) => clockTime(booking.startsAt) },
      { title: t("name"), class: "name", cell: (booking) => booking.person.name ?? t("nameless") },
      { title: t("birth"), class: "birth", cell: (booking) => birthday(booking.person.birth) },
      { title: t("service"), class: "service", cell: (booking) => booking.service.name },
      { title: t("state"), class: "state", cell: (booking) => stateChip(booking.state) },
      { title: t("card"), class: "card", cell: cardCell },
      { title: t("note"), class: "note", cell: notes },
    ],
    onEnter: (booking) => desk.run("open", () => open(desk, booking)),
    mark: (booking) => `is-${booking.state}`,
  });
  const filter = h("input", { id: "filter", type: "search", "aria-label": t("filter"), placeholder: `${t("filter")}  /`, autocomplete: "off" });
  filter.addEventListener("input", () => rows.filter(filter.value));
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Escape") {
      filter.value = "";
      rows.filter("");
    }
    rows.focus();
  });

  async function refresh() {
    const asked = ahead;
    const on = daysAfter(today(), asked);
    const items = await allPages(desk, `on=${on}`);
    if (asked !== ahead) return; // another day was asked for meanwhile
    title.textContent = asked ? dayName(on) : t("today");
    rows.update(items);
    const arrived = items.filter(({ state }) => ["arrived", "in-room", "done"].includes(state)).length;
    const expired = items.filter(({ card }) => card?.isExpired).length;
    count.textContent = t("today.count", { all: items.length, arrived, expired });
  }

  /** To another day; 0 is today's. */
  function go(to) {
    ahead = Math.min(Math.max(to, 0), COMING);
    desk.refresh();
  }

  const run = (key) => () => runOn(desk, rows.current, key);
  return {
    element: h("section", { class: "view" }, h("div", { class: "bar" }, title, count, filter), rows.element),
    keys: {
      "/": () => filter.focus(),
      ArrowRight: () => go(ahead + 1),
      ArrowLeft: () => go(ahead - 1),
      t: () => go(0),
      ...Object.fromEntries(["a", "c", "d", "p", "v", "x"].map((key) => [key, run(key)])),
    },
    hints: desk.mayWrite ? t("today.hints") : t("today.read"),
    focus: () => rows.focus(),
    refresh,
    every: 10_000,
  };
}

/** Every page of a list of bookings. */
export async function allPages(desk, query) {
  const items = [];
  let after = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { data } = await desk.caller.get(`${desk.at}/bookings?${query}&limit=200${after}`);
    items.push(...data.items);
    if (!data.next) break;
    after = `&after=${encodeURIComponent(data.next)}`;
  }
  return items;
}
