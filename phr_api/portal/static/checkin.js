// Somebody comes: taken in by scan or from the list, with a number of the line.

import { Problem } from "./api.js";
import { chooseOne } from "./dom.js";
import { clockTime, t } from "./words.js";

/** Take somebody in; says the number, or lets the clerk choose which of their bookings it is. */
export async function checkIn(desk, body) {
  let answer;
  try {
    answer = await desk.caller.post(`${desk.at}/check-ins`, body);
  } catch (error) {
    if (!(error instanceof Problem) || error.slug !== "appointments/scan-unreadable") throw error;
    desk.say(`${error.message} ${t("said.typing")}`, "bad");
    return;
  }
  const { candidates, label, personName } = answer.data;
  if (!candidates) {
    await desk.refresh();
    desk.say(t("said.arrived", { name: personName ?? "", label }), "big");
    return;
  }
  const options = candidates.map((one) => ({
    text: `${clockTime(one.startsAt)} · ${one.serviceName} · ${one.personName ?? ""}`,
    value: one.bookingId,
  }));
  const bookingId = await chooseOne(t("which"), options);
  if (bookingId) await checkIn(desk, { bookingId });
}
