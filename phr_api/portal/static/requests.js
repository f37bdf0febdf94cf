// The requests of the night, who waits longest first; many are confirmed at once, each with its outcome.

import { cardCell, hearing, notes, open, runOn } from "./bookings.js";
import { button, h } from "./dom.js";
import { Rows } from "./rows.js";
import { allPages } from "./today.js";
import { clockTime, day, lasting, t } from "./words.js";

const MOST_AT_ONCE = 200;

export function requestsView(here) {
  const desk = hearing(here, ({ id, state }) => {
    if (state !== "requested") outcomes.set(id, { outcome: "answered", state });
  });
  const chosen = new Set();
  const outcomes = new Map(); // id -> {outcome, state}; stays in sight until the list is read anew
  let waiting = [];
  const count = h("p", { class: "count" });
  const rows = new Rows({
    label: t("requests"),
    empty: t("requests.empty"),
    columns: [
      { title: t("chosen"), class: "pick", cell: ({ id }) => pickCell(id) },
      { title: t("waits"), class: "waits", cell: ({ waitingMinutes, isOverdue }) => h(isOverdue ? "strong" : "span", {}, lasting(waitingMinutes ?? 0)) },
      { title: t("wanted"), class: "wanted", cell: ({ startsAt }) => `${clockTime(startsAt)} ${day(startsAt)}` },
      { title: t("name"), class: "name", cell: ({ person }) => person.name ?? t("nameless") },
      { title: t("service"), class: "service", cell: ({ service }) => service.name },
      { title: t("card"), class: "card", cell: cardCell },
      { title: t("outcome"), class: "outcome", cell: (booking) => (outcomes.has(booking.id) ? outcomeCell(outcomes.get(booking.id)) : notes(booking)) },
    ],
    onEnter: (booking) => desk.run("open", () => open(desk, booking)),
    mark: ({ id }) => [chosen.has(id) && "is-chosen", outcomes.has(id) && `came-${outcomes.get(id).outcome}`].filter(Boolean).join(" "),
  });
  const confirmButton = button(t("do.confirm-all"), "Ctrl+Enter", () => desk.run("confirm", confirmChosen), { class: "main", disabled: true });

  function pickCell(id) {
    if (outcomes.has(id)) return "";
    return chosen.has(id) ? h("span", { role: "img", "aria-label": t("chosen") }, "☑") : "☐";
  }

  function draw() {
    rows.update(waiting);
    count.textContent = t("requests.count", { all: waiting.length - outcomes.size, chosen: chosen.size });
    confirmButton.disabled = chosen.size === 0;
  }

  async function refresh() {
    const fresh = await allPages(desk, "state=requested");
    const known = new Map(fresh.map((booking) => [booking.id, booking]));
    // whoever was answered meanwhile stays where the clerk's eyes are, greyed, until U
    const stay = waiting.map((booking) => known.get(booking.id) ?? booking);
    for (const { id } of waiting) {
      if (!known.has(id) && !outcomes.has(id)) outcomes.set(id, { outcome: "gone" });
      if (!known.has(id)) chosen.delete(id);
    }
    const here = new Set(waiting.map(({ id }) => id));
    waiting = [...stay, ...fresh.filter(({ id }) => !here.has(id))];
    draw();
  }

  async function anew() {
    waiting = [];
    outcomes.clear();
    await refresh();
  }

  function choose(id) {
    if (!id || outcomes.has(id) || !desk.mayWrite) return;
    if (chosen.has(id)) chosen.delete(id);
    else chosen.add(id);
    draw();
  }

  function chooseAll() {
    if (!desk.mayWrite) return;
    const open = rows.visible.filter((id) => !outcomes.has(id));
    const isWhole = open.every((id) => chosen.has(id));
    chosen.clear();
    if (!isWhole) open.forEach((id) => chosen.add(id));
    draw();
  }

  async function confirmChosen() {
    const items = waiting.filter(({ id }) => chosen.has(id)).map(({ id, version }) => ({ id, version }));
    if (!items.length || !desk.mayWrite) return;
    let confirmed = 0;
    for (let from = 0; from < items.length; from += MOST_AT_ONCE) {
      const body = { items: items.slice(from, from + MOST_AT_ONCE) };
      const { data } = await desk.caller.post(`${desk.at}/bookings/confirmations`, body);
      for (const row of data.items) {
        outcomes.set(row.id, row);
        chosen.delete(row.id);
        confirmed += row.outcome === "confirmed";
      }
    }
    draw();
    const lost = items.length - confirmed;
    desk.say(lost ? t("said.bulk-lost", { confirmed, lost }) : t("said.bulk", { confirmed }), lost ? "bad" : "good");
  }

  const run = (key) => () => runOn(desk, rows.current, key);
  return {
    element: h("section", { class: "view" }, h("div", { class: "bar" }, h("h1", {}, t("requests")), count, desk.mayWrite ? confirmButton : null), rows.element),
    keys: {
      " ": () => choose(rows.current?.id),
      "Ctrl+a": chooseAll,
      "Ctrl+Enter": () => desk.run("confirm", confirmChosen),
      d: run("d"),
      p: run("p"),
      c: run("c"),
      u: () => desk.run("anew", anew),
    },
    hints: desk.mayWrite ? t("requests.hints") : t("read.hints"),
    focus: () => rows.focus(),
    refresh,
    every: 10_000,
  };
}

function outcomeCell(row) {
  if (row.outcome === "answered") return h("span", { class: "good" }, `✔ ${t(`state.${row.state}`)}`);
  if (row.outcome === "confirmed") return h("span", { class: "good" }, `✔ ${t("outcome.confirmed")}`);
  const now = row.state ? `: ${t(`state.${row.state}`)}` : "";
  return h("span", { class: "alarm" }, `✖ ${t(`outcome.${row.outcome}`)}${now}`);
}
