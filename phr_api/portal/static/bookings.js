// What the desk does with one booking: see it, take it in, answer it. Two views show bookings.

import { Problem } from "./api.js";
import { askFor, button, dialog, h } from "./dom.js";
import { freeTimes, pickTime } from "./times.js";
import { birthday, clockTime, day, isToday, said, t } from "./words.js";

const OPEN = ["requested", "confirmed"];

/** The state in words, with its own colour. */
export function stateChip(state) {
  return h("span", { class: `chip state-${state}` }, t(`state.${state}`));
}

/** The card: its number's end, and in words when it is over on the day of the visit. */
export function cardCell({ card }) {
  if (!card) return h("span", { class: "faint" }, t("card.none"));
  if (card.isExpired) return h("strong", { class: "alarm" }, t("card.expired"));
  return t("card.valid");
}

/** What to know of a booking besides: an unanswered proposal, a time that was closed, a late answer of ours. */
export function notes(booking) {
  const told = [];
  if (booking.proposal) told.push(t("note.proposal", { at: clockTime(booking.proposal.startsAt) }));
  else if (booking.isStranded) told.push(t("note.stranded"));
  if (booking.isOverdue) told.push(t("note.overdue"));
  if (booking.stillComing === "yes") told.push(t("note.coming"));
  return told.join(" · ");
}

/** The actions that this booking allows now, by key. */
function actionsOf(desk, booking) {
  if (!desk.mayWrite) return [];
  const actions = [];
  if (booking.state === "requested") actions.push({ key: "c", text: t("do.confirm"), run: () => confirm(desk, booking) });
  if (OPEN.includes(booking.state) && isToday(booking.startsAt)) actions.push({ key: "a", text: t("do.arrive"), run: () => arrive(desk, booking) });
  if (booking.state === "requested") actions.push({ key: "d", text: t("do.decline"), run: () => decline(desk, booking) });
  if (OPEN.includes(booking.state) && !booking.proposal) actions.push({ key: "p", text: t("do.propose"), run: () => propose(desk, booking) });
  if (booking.state === "confirmed" && isToday(booking.startsAt) && hasBegun(booking)) actions.push({ key: "v", text: t("do.noshow"), run: () => noShow(desk, booking) });
  if (OPEN.includes(booking.state)) actions.push({ key: "x", text: t("do.cancel"), run: () => cancel(desk, booking) });
  return actions;
}

function hasBegun({ startsAt }) {
  return new Date(startsAt) <= new Date();
}

/** The desk with an ear for the answers that are given from one view: `answered(booking as it is now)`. */
export function hearing(desk, answered) {
  return Object.create(desk, { answered: { value: answered } });
}

/** Run the action with this key on a booking, if it is there: the one in focus when the key was pressed. */
export function runOn(desk, booking, key) {
  const action = booking && actionsOf(desk, booking).find((one) => one.key === key);
  if (action) desk.run(`${key} ${booking.id}`, action.run);
}

/** Everything about one booking, and what can be done. */
export async function open(desk, { id }) {
  const { data: booking } = await desk.caller.get(`${desk.at}/bookings/${id}`);
  const facts = [
    [t("time"), `${clockTime(booking.startsAt)} – ${clockTime(booking.endsAt)}, ${day(booking.startsAt)}`],
    [t("service"), booking.service.name],
    [t("birth"), birthday(booking.person.birth)],
    [t("phone"), booking.person.phone],
    [t("reason"), booking.reason],
    [t("card"), booking.card ? cardLine(booking.card) : null],
    [t("note"), notes(booking)],
  ].filter(([, value]) => value);
  const actions = actionsOf(desk, booking);
  const keys = {};
  let chosen = null;
  await dialog(
    booking.person.name ?? t("nameless"),
    (close) => {
      const pick = (action) => {
        chosen = action;
        close();
      };
      actions.forEach((action) => {
        keys[action.key] = () => pick(action);
      });
      return [
        h("p", {}, stateChip(booking.state)),
        h("dl", {}, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
        h("h3", {}, t("history")),
        h("ol", { class: "history" }, (booking.history ?? []).map(happened)),
        h("p", { class: "row" }, actions.map((action) => button(action.text, action.key.toUpperCase(), () => pick(action))), button(t("back"), "Esc", () => close())),
      ];
    },
    keys,
  );
  if (chosen) await chosen.run();
}

function cardLine({ number, validUntil, isExpired }) {
  const until = validUntil ? t("card.until", { on: birthday(validUntil) }) : "";
  return h("span", { class: isExpired ? "alarm" : null }, [number, isExpired ? t("card.expired") : "", until].filter(Boolean).join(" · "));
}

function happened({ at, what, by, note }) {
  const who = by ? ` – ${by}` : "";
  return h("li", {}, `${day(at)} ${clockTime(at)} · ${said(`what.${what}`, what)}${who}${note ? ` (${note})` : ""}`);
}

async function arrive(desk, booking) {
  await desk.checkIn({ bookingId: booking.id });
}

async function confirm(desk, booking) {
  await change(desk, booking, "confirmation", {}, t("said.confirmed", { name: booking.person.name }));
}

async function decline(desk, booking) {
  const asked = await askFor(t("do.decline"), [reason(t("reason"))], { yes: t("do.decline"), text: booking.person.name });
  if (asked) await change(desk, booking, "decline", asked, t("said.declined", { name: booking.person.name }));
}

async function cancel(desk, booking) {
  const asked = await askFor(t("do.cancel"), [reason(t("reason"))], { yes: t("do.cancel"), text: booking.person.name });
  if (asked) await change(desk, booking, "cancellation", asked, t("said.cancelled", { name: booking.person.name }));
}

/** Another time, of those that are free in the next days; both seats are kept until the answer. */
async function propose(desk, booking) {
  const free = await freeTimes(desk, booking.service.id, (slot) => slot.isOpen && slot.id !== booking.slotId);
  if (!free.length) {
    desk.say(t("said.full"), "bad");
    return;
  }
  const slot = await pickTime(`${t("do.propose")}: ${booking.person.name ?? t("nameless")}`, free, { text: `${booking.service.name} · ${clockTime(booking.startsAt)} ${day(booking.startsAt)}`, near: booking.startsAt });
  if (slot) await change(desk, booking, "proposal", { slotId: slot.id }, t("said.proposed", { name: booking.person.name }));
}

async function noShow(desk, booking) {
  const sure = await askFor(t("do.noshow"), [], { yes: t("do.noshow"), text: booking.person.name });
  if (sure) await change(desk, booking, "no-show", {}, t("said.noshow", { name: booking.person.name }));
}

function reason(label) {
  return { name: "reason", label, required: true, maxlength: 500, autofocus: true };
}

const CHANGED = ["appointments/state-changed", "appointments/wrong-state"];

/** Change one booking's state; whoever was quicker is shown. */
async function change(desk, booking, action, body, told) {
  const one = `${desk.at}/bookings/${booking.id}`;
  try {
    const etag = booking.etag ?? (await desk.caller.get(one)).etag;
    const { data } = await desk.caller.post(`${one}/${action}`, body, { etag });
    desk.answered?.(data);
    desk.say(told, "good");
  } catch (error) {
    if (!(error instanceof Problem) || !CHANGED.includes(error.slug)) throw error;
    desk.say(t("said.changed", { name: booking.person.name, state: t(`state.${error.body.state}`) }), "bad");
  }
  await desk.refresh();
}
