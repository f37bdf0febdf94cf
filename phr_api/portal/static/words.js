// The page's words: Vietnamese first, English by choice, kept on this machine.

const KEPT = "phr.language";
let words = {};
let chosen = localStorage.getItem(KEPT) === "en" ? "en" : "vi";

/** The language of the page: vi or en. */
export function language() {
  return chosen;
}

/** Read the words of a language; it is the page's from the moment that they are there. */
export async function loadWords(wanted = chosen) {
  const answer = await fetch(`/desk/words.${wanted}.json`);
  words = await answer.json();
  chosen = wanted;
  document.documentElement.lang = wanted;
}

/** The other language from now on. */
export async function switchLanguage() {
  await loadWords(chosen === "vi" ? "en" : "vi");
  localStorage.setItem(KEPT, chosen);
}

/** The words of a key with their values filled in; the key itself if there are none. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The words of a key, or else these. */
export function said(key, otherwise) {
  return words[key] ?? otherwise;
}

const ZONE = "Asia/Ho_Chi_Minh";
const LOCALE = { vi: "vi-VN", en: "en-GB" };

/** Hour and minute in Viet Nam. */
export function clockTime(moment) {
  return format(moment, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** Weekday, day and month in Viet Nam. */
export function day(moment) {
  return format(moment, { weekday: "short", day: "2-digit", month: "2-digit" });
}

/** Tell whether this moment is today in Viet Nam. */
export function isToday(moment) {
  return dayOf(new Date(moment)) === today();
}

/** A date of birth as people write it, as far as it is known: 1990, 02/1990, 28/02/1990. */
export function birthday(text) {
  return text ? text.split("-").reverse().join("/") : "";
}

/** A field's pattern for what people write of a birthday. */
export const BIRTHDAY = "((\\d{2}[\\/.\\-]?)?\\d{2}[\\/.\\-]?)?\\d{4}";

/** What people write of a birthday, as the API takes it: 1990, 02/1990, 28/02/1990, 28021990. */
export function readBirthday(text) {
  const parts = /^(?:(?:(\d\d)[/.-]?)?(\d\d)[/.-]?)?(\d{4})$/.exec(text);
  return parts ? parts.slice(1).reverse().filter(Boolean).join("-") : text;
}

/** What people write of a coming day (2611, 26/11, 26/11/2026) as the API takes it, or null. */
export function readDay(text) {
  const parts = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?$/.exec(text) ?? /^(\d\d)(\d\d)(\d{4})?$/.exec(text);
  if (!parts) return null;
  const [date, month] = [parts[1], parts[2]].map((part) => part.padStart(2, "0"));
  const year = Number(today().slice(0, 4));
  const next = `${year}-${month}-${date}` < today() ? year + 1 : year;
  const found = `${parts[3] ?? next}-${month}-${date}`;
  const read = new Date(`${found}T00:00:00Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(found) ? found : null;
}

/** A day as people write it: 26/11, with the year when it is another one. */
export function shortDay(text) {
  const [year, month, date] = text.split("-");
  return year === today().slice(0, 4) ? `${date}/${month}` : `${date}/${month}/${year}`;
}

/** The day so many days after this one, as the API writes dates. */
export function daysAfter(text, count) {
  const at = new Date(`${text}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}

/** A weekday's short name; 1 is Monday. */
export function weekday(number) {
  return format(`2024-01-0${number}T12:00:00+07:00`, { weekday: "short" }); // that year began on a Monday
}

/** Weekday, day and month of a date. */
export function dayName(text) {
  return day(`${text}T12:00:00+07:00`);
}

/** Today in Viet Nam, as the API writes dates. */
export function today() {
  return dayOf(new Date());
}

function dayOf(moment) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE }).format(moment);
}

/** A length of time in minutes, as people say it. */
export function lasting(minutes) {
  const hours = Math.floor(minutes / 60);
  return hours ? t("hours", { hours, minutes: minutes % 60 }) : t("minutes", { minutes });
}

function format(moment, options) {
  return new Intl.DateTimeFormat(LOCALE[chosen], { timeZone: ZONE, ...options }).format(new Date(moment));
}
