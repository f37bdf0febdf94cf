// A number for somebody who stands there, with or without a phone; numbers for when the network is away.

import { Offline } from "./api.js";
import { button, h, labelled, phoneNumber, valuesOf } from "./dom.js";
import { giveOffline, left, pending, sendGiven, takeBlock } from "./numbers.js";
import { BIRTHDAY, readBirthday, t } from "./words.js";

const PRIORITIES = ["none", "emergency", "under-6", "pregnant", "severe-disability", "aged-75", "merit"];

export function walkinView(desk) {
  let queues = [];
  const given = h("p", { class: "given", "aria-live": "assertive" });
  const spare = h("p", { class: "faint" });
  const line = h("select", { id: "field-queueId", name: "queueId", required: true });
  const form = h(
    "form",
    { class: "walkin", onsubmit: (event) => sent(event) },
    labelled({ name: "fullName", label: t("name"), maxlength: 100, placeholder: t("walkin.unnamed") }),
    labelled({ name: "birth", label: t("birth"), pattern: BIRTHDAY, placeholder: t("birth.how"), title: t("birth.how") }),
    labelled({ name: "phone", label: t("phone"), inputmode: "tel", pattern: "\\+?[\\d .\\-]{8,20}", title: t("phone.how") }),
    labelled({ name: "priority", label: t("priority"), options: PRIORITIES.map((value) => ({ value, text: t(`priority.${value}`) })) }),
    h("p", { class: "field" }, h("label", { for: "field-queueId" }, t("queue")), line),
    h("p", { class: "row" }, h("button", { type: "submit", class: "main" }, t("do.number"), h("kbd", {}, "Enter"))),
  );

  async function refresh() {
    try {
      if (pending(desk).length) await sendGiven(desk);
      ({ items: queues } = (await desk.caller.get(`${desk.at}/queues`)).data);
    } finally {
      fill();
    }
  }

  function fill() {
    const ids = queues.map(({ id }) => id).join();
    if (line.dataset.ids !== ids) {
      line.dataset.ids = ids;
      line.replaceChildren(...queues.map(({ id, prefix, name }) => h("option", { value: id }, `${prefix} – ${name}`)));
    }
    spare.textContent = t("walkin.spare", { left: left(line.value), pending: pending(desk).length });
  }

  function sent(event) {
    event.preventDefault();
    if (form.reportValidity()) desk.run("give", give);
  }

  async function give() {
    const { queueId, priority, ...guest } = valuesOf(form);
    guest.phone = phoneNumber(guest.phone);
    if (guest.birth) guest.birth = readBirthday(guest.birth);
    const body = { queueId, priority, guest: guest.fullName ? guest : null };
    let label;
    try {
      ({ label } = (await desk.caller.post(`${desk.at}/tickets`, body)).data);
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      label = giveOffline(desk, queueId, priority); // a number and no name: nothing of anybody stays here
      if (!label) throw error;
      desk.say(t("said.offline", { label }), "bad");
    }
    given.textContent = label;
    form.reset();
    line.value = queueId;
    form.elements.fullName.focus();
    fill();
    if (label && !pending(desk).length) desk.say(t("said.given", { label }), "big");
  }

  const block = () =>
    desk.run("block", async () => {
      await takeBlock(desk, line.value);
      fill();
    });
  const content = desk.mayWrite ? [form, spare, button(t("do.block"), "Alt+B", block)] : [h("p", {}, t("read.only"))];
  return {
    element: h("section", { class: "view two" }, h("div", { class: "bar" }, h("h1", {}, t("walkin"))), h("div", { class: "columns" }, h("div", {}, content), given)),
    keys: desk.mayWrite ? { "Alt+b": block } : {},
    hints: t("walkin.hints"),
    focus: () => form.elements.fullName.focus(),
    refresh,
    every: 15_000,
  };
}
