// A session changes or is lost: what it would do to whom is shown first; then one action closes the
// times and offers everybody in them another one. They keep their seats until they answer.

import { atOnce } from "./api.js";
import { askFor, button, chooseOne, h } from "./dom.js";
import { isSure, peopleOf, peopleTable } from "./replanned.js";
import { Rows } from "./rows.js";
import { readDay, shortDay, t, weekday } from "./words.js";

const PLAN = ["serviceId", "practitionerId", "room", "name", "pattern", "weekdays", "monthDays", "nths", "starts", "ends", "slotMinutes", "capacity", "validFrom", "validUntil", "worksOnHolidays", "releaseDays", "releaseTime"];
const TIME = "([01]\\d|2[0-3]):?[0-5]\\d";
const DAY = "\\d{1,2}[\\/.\\-]\\d{1,2}([\\/.\\-]\\d{4})?|\\d{4}|\\d{8}";

export function replanView(desk) {
  let exceptions = [];
  let services = new Map(); // names by id, and of who gives them
  let staff = new Map();
  const outcome = h("section", { class: "outcome", "aria-live": "polite" });
  const rows = new Rows({
    label: t("replan"),
    empty: t("replan.empty"),
    columns: [
      { title: t("session"), class: "name", cell: ({ name }) => name },
      { title: t("service"), class: "service", cell: ({ serviceId }) => services.get(serviceId) ?? "" },
      { title: t("days"), class: "days", cell: daysOf },
      { title: t("hours.title"), class: "hours", cell: ({ starts, ends }) => `${starts}–${ends}` },
      { title: t("slot"), class: "slot", cell: ({ slotMinutes, capacity }) => `${t("minutes", { minutes: slotMinutes })} × ${capacity}` },
      { title: t("given"), class: "given-by", cell: ({ practitionerId, room }) => [staff.get(practitionerId), room && `${t("room")} ${room}`].filter(Boolean).join(" · ") },
      { title: t("note"), class: "note", cell: (schedule) => ofSchedule(schedule).map(exceptionText).join("; ") },
    ],
    onEnter: () => desk.run("close-days", closeDays),
  });

  /** Its own exceptions, those of who gives it, and the facility's. */
  const ofSchedule = ({ id, practitionerId }) =>
    exceptions.filter((one) => (one.scheduleId ? one.scheduleId === id : !one.practitionerId || one.practitionerId === practitionerId));

  async function refresh() {
    const [schedules, dated, offered, people] = await atOnce(["schedules", "exceptions", "services", "practitioners"], (what) => desk.caller.get(`${desk.at}/${what}`));
    exceptions = dated.data.items;
    services = new Map(offered.data.items.map(({ id, name }) => [id, name]));
    staff = new Map(people.data.items.map(({ id, title, fullName }) => [id, [title, fullName].filter(Boolean).join(" ")]));
    // what a row shows besides its own values makes it another row
    rows.update(schedules.data.items.map((one) => ({ ...one, told: ofSchedule(one).map(({ id }) => id) })));
  }

  /** Ask, preview, and on a yes do it. `change` is what the API takes besides the schedule. */
  async function replan(schedule, change, title) {
    const body = { scheduleId: schedule.id, ...change };
    const { data: would } = await desk.caller.post(`${desk.at}/replans`, { ...body, preview: true });
    const people = await peopleOf(desk, would);
    if (!(await isSure(title, would, people))) return;
    const { data: done } = await desk.caller.post(`${desk.at}/replans`, body);
    outcome.replaceChildren(h("h2", {}, `${title} – ${t("replan.done")}`), peopleTable(done, await peopleOf(desk, done)));
    await refresh();
    desk.say(t("replan.said", { moved: done.moved.length, unplaced: done.unplaced.length }), done.unplaced.length ? "bad" : "good");
  }

  async function closeDays() {
    const schedule = rows.current;
    if (!schedule || !desk.mayWrite) return;
    const asked = await askFor(`${t("replan.close")}: ${schedule.name}`, [dayField("from", t("from")), dayField("until", t("until"), false), reasonField()], { yes: t("replan.preview") });
    if (!asked) return;
    const fromOn = readDay(asked.from);
    const untilOn = asked.until ? readDay(asked.until) : fromOn;
    if (!fromOn || !untilOn) desk.say(t("day.none"), "bad");
    else await replan(schedule, { exception: { kind: "closed", fromOn, untilOn, reason: asked.reason ?? null } }, `${t("replan.close")}: ${schedule.name}, ${span(fromOn, untilOn)}`);
  }

  /** Who sits in a time that was closed otherwise, as by a holiday or a doctor's leave. */
  async function movePeople() {
    const schedule = rows.current;
    if (schedule && desk.mayWrite) await replan(schedule, {}, `${t("replan.move")}: ${schedule.name}`);
  }

  async function changeHours() {
    const schedule = rows.current;
    if (!schedule || !desk.mayWrite) return;
    const asked = await askFor(
      `${t("replan.hours")}: ${schedule.name}`,
      [
        timeField("starts", t("starts"), schedule.starts),
        timeField("ends", t("ends"), schedule.ends),
        { name: "slotMinutes", label: t("slot.minutes"), required: true, type: "number", min: 5, max: 480, value: schedule.slotMinutes },
        { name: "capacity", label: t("capacity"), required: true, type: "number", min: 1, max: 5000, value: schedule.capacity },
      ],
      { yes: t("replan.preview"), text: t("replan.from-now") },
    );
    if (!asked) return;
    const plan = Object.fromEntries(PLAN.map((name) => [name, schedule[name]]));
    const hours = { starts: readTime(asked.starts), ends: readTime(asked.ends), slotMinutes: Number(asked.slotMinutes), capacity: Number(asked.capacity) };
    await replan(schedule, { schedule: { ...plan, ...hours } }, `${t("replan.hours")}: ${schedule.name}, ${hours.starts}–${hours.ends}`);
  }

  async function addSession() {
    const schedule = rows.current;
    if (!schedule || !desk.mayWrite) return;
    const fields = [dayField("from", t("day")), timeField("starts", t("starts"), schedule.starts), timeField("ends", t("ends"), schedule.ends), reasonField()];
    const asked = await askFor(`${t("replan.extra")}: ${schedule.name}`, fields, { yes: t("replan.extra") });
    if (!asked) return;
    const on = readDay(asked.from);
    if (!on) {
      desk.say(t("day.none"), "bad");
      return;
    }
    const body = { scheduleId: schedule.id, kind: "extra", fromOn: on, untilOn: on, starts: readTime(asked.starts), ends: readTime(asked.ends), reason: asked.reason ?? null };
    await desk.caller.post(`${desk.at}/exceptions`, body);
    await refresh();
    desk.say(t("replan.added", { name: schedule.name, on: shortDay(on) }), "good");
  }

  async function takeBack() {
    const schedule = rows.current;
    const dated = schedule && desk.mayWrite ? ofSchedule(schedule) : [];
    if (!dated.length) return;
    const chosen = await chooseOne(`${t("replan.back")}: ${schedule.name}`, dated.map((one) => ({ text: exceptionText(one), value: one })));
    if (!chosen) return;
    await desk.caller.remove(`${desk.at}/exceptions/${chosen.id}`);
    await refresh();
    desk.say(t("replan.taken-back", { what: exceptionText(chosen) }), "good");
  }

  const actions = [
    ["n", "close-days", "replan.close", closeDays],
    ["h", "hours", "replan.hours", changeHours],
    ["e", "extra", "replan.extra", addSession],
    ["m", "move", "replan.move", movePeople],
    ["u", "take-back", "replan.back", takeBack],
  ];
  const buttons = desk.mayWrite ? actions.map(([key, name, text, action]) => button(t(text), key.toUpperCase(), () => desk.run(name, action))) : [];
  return {
    element: h("section", { class: "view" }, h("div", { class: "bar" }, h("h1", {}, t("replan")), buttons), rows.element, outcome),
    keys: Object.fromEntries(actions.map(([key, name, , action]) => [key, () => desk.run(name, action)])),
    hints: desk.mayWrite ? t("replan.hints") : t("read.only"),
    focus: () => rows.focus(),
    refresh,
    every: 60_000,
  };
}

function daysOf({ pattern, weekdays, monthDays, nths }) {
  const names = weekdays.length === 7 ? t("days.all") : weekdays.map(weekday).join(" ");
  if (pattern === "weekly") return names;
  if (pattern === "month-day") return t("days.month", { days: monthDays.join(", ") });
  if (pattern === "nth-weekday") return t("days.nth", { days: names, nths: nths.map((nth) => (nth < 0 ? t("days.last") : nth)).join(", ") });
  return t("days.dated");
}

function exceptionText({ kind, fromOn, untilOn, starts, ends, reason }) {
  const what = kind === "closed" ? t("exception.closed", { on: span(fromOn, untilOn) }) : t("exception.extra", { on: span(fromOn, untilOn), starts, ends });
  return reason ? `${what} (${reason})` : what;
}

function span(from, until) {
  return from === until ? shortDay(from) : `${shortDay(from)}–${shortDay(until)}`;
}

function dayField(name, label, required = true) {
  return { name, label, required, pattern: DAY, placeholder: t("day.how"), title: t("day.how"), autofocus: name === "from" };
}

function timeField(name, label, value) {
  return { name, label, value, required: true, pattern: TIME, placeholder: t("time.how"), title: t("time.how") };
}

function reasonField() {
  return { name: "reason", label: t("reason"), maxlength: 300 };
}

/** 0730 or 07:30, as the API takes it. */
function readTime(text) {
  return `${text.slice(0, 2)}:${text.slice(-2)}`;
}
