// The line: who is called where, who is next. Commands go to the row in focus; N calls the next one.

import { Problem } from "./api.js";
import { askFor, button, chooseOne, h } from "./dom.js";
import { Rows } from "./rows.js";
import { t } from "./words.js";

const ROOM = "phr.room."; // by facility, on this machine
const LINE = "phr.queue.";
const ORDER = ["called", "in-room", "waiting", "skipped"];

export function queueView(desk) {
  let queues = [];
  let queue = null;
  const title = h("h1", {}, t("queue"));
  const now = h("p", { class: "now", "aria-live": "polite" });
  const rows = new Rows({
    label: t("queue"),
    empty: t("queue.empty"),
    columns: [
      { title: t("number"), class: "number", cell: ({ label }) => label },
      { title: t("state"), class: "state", cell: ({ state, room }) => h("span", { class: `chip state-${state}` }, t(`ticket.${state}`), room && state !== "waiting" ? ` ${room}` : "") },
      { title: t("priority"), class: "priority", cell: ({ priority }) => (priority === "none" ? "" : h("strong", {}, t(`priority.${priority}`))) },
      { title: t("name"), class: "name", cell: ({ personName }) => personName ?? "" },
      { title: t("by"), class: "by", cell: ({ by }) => by ?? "" },
    ],
    mark: ({ state }) => `is-${state}`,
  });

  async function refresh() {
    ({ items: queues } = (await desk.caller.get(`${desk.at}/queues`)).data);
    queue = queues.find(({ id }) => id === (queue?.id ?? localStorage.getItem(LINE + desk.facility))) ?? queues[0] ?? null;
    title.textContent = queue ? `${t("queue")} ${queue.prefix} – ${queue.name}` : t("queue.none");
    if (!queue) return;
    const { data } = await desk.caller.get(`${desk.at}/queues/${queue.id}/tickets`);
    const here = data.items.filter(({ state }) => ORDER.includes(state));
    rows.update(ORDER.flatMap((state) => here.filter((ticket) => ticket.state === state)));
    const called = here.filter(({ state }) => state === "called").map(({ label, room }) => `${label} → ${room}`);
    const waiting = here.filter(({ state }) => state === "waiting").length;
    now.textContent = t("queue.now", { called: called.join(", ") || "–", waiting, room: room() || "–" });
  }

  function room() {
    return localStorage.getItem(ROOM + desk.facility) ?? "";
  }

  async function askRoom() {
    const known = (queue?.rooms ?? []).join(", ");
    const asked = await askFor(t("room.mine"), [{ name: "room", label: `${t("room")} (${known})`, value: room(), required: true, maxlength: 40 }]);
    if (asked) localStorage.setItem(ROOM + desk.facility, asked.room);
    await refresh();
  }

  async function next() {
    if (!queue || !desk.mayCall) return;
    if (!room()) await askRoom();
    if (!room()) return;
    const { status, data } = await desk.caller.post(`${desk.at}/queues/${queue.id}/next`, { room: room() });
    await refresh();
    if (status === 204) {
      desk.say(t("said.nobody"), "bad");
      return;
    }
    rows.focus(data.id);
    desk.say(t("said.called", { label: data.label, room: data.room }), "big");
  }

  async function change(action, body = {}) {
    const ticket = rows.current;
    if (!ticket || !desk.mayCall) return;
    try {
      const { data } = await desk.caller.post(`${desk.at}/tickets/${ticket.id}/${action}`, body, { etag: ticket.etag });
      desk.say(t(`said.${action}`, { label: data.label, room: data.room ?? "" }), "good");
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 409) throw error;
      desk.say(t("said.ticket", { label: ticket.label, title: error.message }), "bad");
    }
    await refresh();
  }

  async function move() {
    const ticket = rows.current;
    if (!ticket || !desk.mayCall) return;
    const places = (queue.rooms ?? []).map((text) => ({ text: `${t("room")} ${text}`, value: { room: text } }));
    const lines = queues.filter(({ id }) => id !== queue.id).map(({ id, name }) => ({ text: `${t("queue")} ${name}`, value: { queueId: id } }));
    const chosen = await chooseOne(`${ticket.label} → ?`, [...places, ...lines]);
    if (chosen) await change("room", chosen);
  }

  async function leave() {
    const ticket = rows.current;
    if (!ticket || !desk.mayCall) return;
    const sure = await askFor(t("do.leave"), [], { yes: t("do.leave"), text: `${ticket.label} ${ticket.personName ?? ""}` });
    if (sure) await change("leave");
  }

  async function otherLine() {
    const chosen = await chooseOne(t("queue"), queues.map(({ id, name, prefix }) => ({ text: `${prefix} – ${name}`, value: id })));
    if (!chosen) return;
    queue = queues.find(({ id }) => id === chosen);
    localStorage.setItem(LINE + desk.facility, chosen);
    await refresh();
  }

  const screen = () => queue && open(`/desk/screen.html#${queue.screenKey}`, "_blank", "noopener");
  const run = (name, action = () => change(name)) => () => desk.run(name, action);
  const buttons = desk.mayCall
    ? [
        button(t("do.next"), "N", run("next", next), { class: "main" }),
        button(t("do.skip"), "S", run("skip")),
        button(t("do.return"), "R", run("return")),
        button(t("do.start"), "G", run("start")),
        button(t("do.done"), "K", run("done")),
        button(t("do.move"), "M", run("move", move)),
      ]
    : [];
  return {
    element: h("section", { class: "view" }, h("div", { class: "bar" }, title, buttons), now, rows.element),
    keys: {
      n: run("next", next),
      s: run("skip"),
      r: run("return"),
      g: run("start"),
      k: run("done"),
      x: run("leave", leave),
      m: run("move", move),
      p: run("room", askRoom),
      o: run("line", otherLine),
      w: screen,
    },
    hints: desk.mayCall ? t("queue.hints") : t("queue.read"),
    focus: () => rows.focus(),
    refresh,
    every: 4_000,
  };
}
