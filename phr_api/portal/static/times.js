// Free times on a board: a column a day, arrows in all directions, Enter takes one.

import { button, dialog, h } from "./dom.js";
import { clockTime, dayName, daysAfter, t, today } from "./words.js";

const DAYS = 28;

/** The free times of a service in the next weeks, by day; `isWanted(slot)` leaves others out. */
export async function freeTimes(desk, serviceId, isWanted) {
  const until = daysAfter(today(), DAYS - 1);
  const { data } = await desk.caller.get(`${desk.at}/services/${serviceId}/slots?until=${until}`);
  const days = data.days.map(({ date, slots }) => ({ date, slots: slots.filter((slot) => slot.left > 0 && isWanted(slot)) }));
  return days.filter(({ slots }) => slots.length);
}

/** Let the clerk take one of these times, from the day of `near` on; resolves to its slot, or null. */
export function pickTime(title, days, { text, near }) {
  return dialog(title, (close) => {
    const board = new Times(close);
    board.fill(days, near);
    return [h("p", {}, text), board.element, h("p", { class: "row" }, button(t("back"), "Esc", () => close()))];
  }, {}, "wide");
}

export class Times {
  #columns = []; // of buttons
  #onTake;

  /** `onTake(slot)` gets what Enter takes. */
  constructor(onTake) {
    this.#onTake = onTake;
    this.element = h("div", { class: "times", role: "group", "aria-label": t("times"), onkeydown: (event) => this.#moved(event) });
  }

  /** `near`: a moment; the focus comes on the first time of that day or later, else on the first. */
  fill(days, near = "") {
    this.#columns = days.map(({ slots }) => slots.map((slot) => this.#time(slot)));
    const shown = days.map(({ date, slots }, index) =>
      h(
        "section",
        { class: "day", role: "group", "aria-label": dayName(date) },
        h("h3", {}, dayName(date), h("span", { class: "faint" }, t("times.left", { left: slots.reduce((sum, { left }) => sum + left, 0) }))),
        this.#columns[index],
      ),
    );
    this.element.replaceChildren(...(shown.length ? shown : [h("p", { class: "empty" }, t("times.none"))]));
    this.#place(Math.max(0, days.findIndex(({ date }) => date >= near.slice(0, 10))), 0);
  }

  /** Put the focus on the first time; false when there is none. */
  focus() {
    const first = this.element.querySelector('[tabindex="0"]');
    first?.focus();
    return Boolean(first);
  }

  /** Show which one was taken. */
  mark(slotId) {
    for (const time of this.#columns.flat()) time.setAttribute("aria-pressed", String(time.dataset.id === slotId));
  }

  #time(slot) {
    const where = [slot.practitioner, slot.room && `${t("room")} ${slot.room}`].filter(Boolean).join(" · ");
    return h(
      "button",
      {
        type: "button",
        class: "time",
        tabindex: "-1",
        "data-id": slot.id,
        title: where || null,
        "aria-label": [clockTime(slot.startsAt), t("times.left", { left: slot.left }), where].filter(Boolean).join(", "),
        onclick: () => this.#onTake(slot),
      },
      clockTime(slot.startsAt),
      slot.left > 1 ? h("small", {}, `×${slot.left}`) : null,
    );
  }

  #place(column, row) {
    for (const time of this.#columns.flat()) time.tabIndex = -1;
    const time = this.#columns[column]?.[row];
    if (time) time.tabIndex = 0;
    return time;
  }

  #moved(event) {
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across === undefined) return;
    event.preventDefault();
    const column = this.#columns.findIndex((times) => times.includes(event.target));
    if (column < 0) return;
    const row = this.#columns[column].indexOf(event.target);
    const next = Math.min(Math.max(column + across, 0), this.#columns.length - 1);
    const at = Math.min(Math.max(row + down, 0), this.#columns[next].length - 1);
    const time = this.#place(next, at);
    time.focus();
    time.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}
