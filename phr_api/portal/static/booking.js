// A booking for somebody who calls: a service, a free time, a name and a phone number.

import { Problem } from "./api.js";
import { h, labelled, phoneNumber, valuesOf } from "./dom.js";
import { freeTimes, Times } from "./times.js";
import { BIRTHDAY, clockTime, day, readBirthday, t } from "./words.js";

const GONE = ["appointments/slot-full", "appointments/slot-not-open"];

export function bookingView(desk) {
  let services = [];
  let slot = null;
  const service = h("select", { id: "field-serviceId", required: true });
  const taken = h("output", { class: "taken", "aria-live": "polite" });
  const board = new Times((one) => take(one));
  const form = h(
    "form",
    { class: "caller", onsubmit: (event) => sent(event) },
    h("p", { class: "field" }, h("label", { for: "field-serviceId" }, t("service")), service),
    h("p", { class: "field" }, h("span", {}, t("wanted")), taken),
    labelled({ name: "fullName", label: t("name"), required: true, maxlength: 100 }),
    labelled({ name: "phone", label: t("phone"), required: true, inputmode: "tel", pattern: "\\+?[\\d .\\-]{8,20}", title: t("phone.how") }),
    labelled({ name: "birth", label: t("birth"), pattern: BIRTHDAY, placeholder: t("birth.how"), title: t("birth.how") }),
    labelled({ name: "reason", label: t("reason"), maxlength: 1000 }),
    h("p", { class: "row" }, h("button", { type: "submit", class: "main" }, t("do.book"), h("kbd", {}, "Enter"))),
  );
  service.addEventListener("change", () => desk.run(`times ${service.value}`, times));
  board.element.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || !event.target.matches(".time")) return;
    event.preventDefault(); // on to the name, with this time
    event.target.click();
  });
  service.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    board.focus();
  });

  async function refresh() {
    if (!desk.mayWrite || slot || board.element.contains(document.activeElement)) return; // in the middle of it
    if (!services.length) {
      ({ items: services } = (await desk.caller.get(`${desk.at}/services`)).data);
      service.replaceChildren(...services.map(({ id, name, minutes }) => h("option", { value: id }, `${name} · ${t("minutes", { minutes })}`)));
    }
    if (services.length) await times();
    else desk.say(t("booking.nothing"), "bad");
  }

  async function times() {
    take(null);
    board.fill(await freeTimes(desk, service.value, () => true));
  }

  function take(one) {
    slot = one;
    taken.textContent = one ? `${clockTime(one.startsAt)} · ${day(one.startsAt)}` : t("booking.untaken");
    board.mark(one?.id);
    if (one) form.elements.fullName.focus();
  }

  function sent(event) {
    event.preventDefault();
    if (!slot) {
      desk.say(t("booking.untaken"), "bad");
      board.focus();
    } else if (form.reportValidity()) desk.run("book", book);
  }

  async function book() {
    const asked = slot;
    const { birth, ...person } = valuesOf(form);
    person.phone = phoneNumber(person.phone);
    const body = { serviceId: service.value, slotId: asked.id, ...person, birth: birth ? readBirthday(birth) : null };
    try {
      const { data } = await desk.caller.post(`${desk.at}/bookings`, body);
      const kept = service.value;
      form.reset();
      service.value = kept;
      desk.say(t("said.booked", { name: data.person.name, at: `${clockTime(data.startsAt)} ${day(data.startsAt)}` }), "big");
    } catch (error) {
      if (!(error instanceof Problem) || !GONE.includes(error.slug)) throw error;
      desk.say(error.message, "bad"); // somebody was quicker; what was typed stays
    }
    await times();
    focus();
  }

  function focus() {
    if (services.length > 1 || !board.focus()) service.focus();
  }

  const content = desk.mayWrite ? h("div", { class: "columns caller" }, form, board.element) : h("p", {}, t("read.only"));
  return {
    element: h("section", { class: "view" }, h("div", { class: "bar" }, h("h1", {}, t("booking")), h("p", { class: "count" }, t("booking.about"))), content),
    keys: {},
    hints: desk.mayWrite ? t("booking.hints") : t("read.hints"),
    focus,
    refresh,
    every: 60_000,
  };
}
