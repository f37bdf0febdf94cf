// A long list by keyboard: arrows, one row in focus, rows that stay where they are while they change.

import { h, plain } from "./dom.js";

const PAGE = 10;

export class Rows {
  #columns;
  #shown = new Map(); // id -> {row, text, item, seen}
  #order = [];
  #focused = null;
  #wanted = "";
  #empty;

  /** `columns`: [{title, cell(item) -> node or text, class?}]; `onEnter(item)`; `mark(item)` a row's class. */
  constructor({ label, columns, onEnter = () => {}, mark = () => "", empty = "" }) {
    this.#columns = columns;
    this.onEnter = onEnter;
    this.mark = mark;
    this.body = h("tbody", { onkeydown: (event) => this.#moved(event), onfocusin: (event) => this.#entered(event) });
    const heads = columns.map(({ title, class: kind }) => h("th", { scope: "col", class: kind }, title));
    this.#empty = h("p", { class: "empty", hidden: true }, empty); // until it is known that there is none
    const table = h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, heads)), this.body);
    this.element = h("div", { class: "rows" }, table, this.#empty);
  }

  /** The items in their order; what has not changed is not touched, the focus stays on its row. */
  update(items) {
    const hadFocus = this.body.contains(document.activeElement);
    const ids = new Set(items.map((item) => item.id));
    const at = this.#order.indexOf(this.#focused);
    for (const [id, kept] of this.#shown) {
      if (ids.has(id)) continue;
      kept.row.remove();
      this.#shown.delete(id);
    }
    this.#order = items.map((item) => item.id);
    items.forEach((item, index) => this.#put(item, index));
    if (!ids.has(this.#focused)) this.#focused = this.#order[Math.min(Math.max(at, 0), this.#order.length - 1)] ?? null;
    this.#empty.hidden = items.length > 0;
    this.#filtered();
    this.#roving();
    if (hadFocus && !this.body.contains(document.activeElement)) this.focus();
  }

  /** The item in focus, or null. */
  get current() {
    return this.#shown.get(this.#focused)?.item ?? null;
  }

  /** Put the focus on a row, or on the one that had it last. */
  focus(id = this.#focused) {
    const kept = this.#shown.get(id) ?? this.#shown.get(this.#visible()[0]);
    if (!kept) return;
    this.#focused = kept.item.id;
    this.#roving();
    kept.row.focus();
    kept.row.scrollIntoView({ block: "nearest" });
  }

  /** Show only rows that hold this text, typed without diacritics or with. */
  filter(text) {
    this.#wanted = plain(text);
    this.#filtered();
    this.#roving();
  }

  /** Ids of the rows in sight, in order. */
  get visible() {
    return this.#visible();
  }

  #put(item, index) {
    const text = JSON.stringify(item) + this.mark(item);
    let kept = this.#shown.get(item.id);
    if (!kept) {
      kept = { row: h("tr", { tabindex: "-1", "data-id": item.id }), text: "", item, seen: "" };
      this.#shown.set(item.id, kept);
    }
    kept.item = item;
    if (kept.text !== text) {
      kept.text = text;
      kept.row.className = this.mark(item);
      kept.row.replaceChildren(...this.#columns.map(({ cell, class: kind }) => h("td", { class: kind }, cell(item))));
      kept.seen = plain(kept.row.textContent);
    }
    if (this.body.children[index] !== kept.row) this.body.insertBefore(kept.row, this.body.children[index] ?? null);
  }

  #visible() {
    return this.#order.filter((id) => !this.#shown.get(id).row.hidden);
  }

  #filtered() {
    for (const { row, seen } of this.#shown.values()) row.hidden = !seen.includes(this.#wanted);
    const visible = this.#visible();
    if (!visible.includes(this.#focused)) this.#focused = visible[0] ?? null;
  }

  #roving() {
    for (const [id, { row }] of this.#shown) row.tabIndex = id === this.#focused ? 0 : -1;
  }

  #entered(event) {
    const row = event.target.closest("tr");
    if (!row) return;
    this.#focused = row.dataset.id;
    this.#roving();
  }

  #moved(event) {
    if (event.key === "Enter" && !event.ctrlKey) {
      event.preventDefault();
      if (this.current) this.onEnter(this.current);
      return;
    }
    const visible = this.#visible();
    const at = visible.indexOf(this.#focused);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + PAGE,
      PageUp: at - PAGE,
      Home: 0,
      End: visible.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.focus(visible[Math.min(Math.max(to, 0), visible.length - 1)]);
  }
}
