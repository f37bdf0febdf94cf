// The page's words: Vietnamese first, English by choice, kept on this machine.

const KEPT = "phr.language";
let words = {};
let chosen = localStorage.getItem(KEPT) === "en" ? "en" : "vi";

/** The language of the page: vi or en. */
export function language() {
  return chosen;
}

/** Read the words of the chosen language. */
export async function loadWords() {
  const answer = await fetch(`/desk/words.${chosen}.json`);
  words = await answer.json();
  document.documentElement.lang = chosen;
}

/** The other language from now on. */
export async function switchLanguage() {
  chosen = chosen === "vi" ? "en" : "vi";
  localStorage.setItem(KEPT, chosen);
  await loadWords();
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

/** What people write of a birthday, as the API takes it: 1990, 02/1990, 28/02/1990, 28021990. */
export function readBirthday(text) {
  const parts = /^(?:(?:(\d\d)[/.-]?)?(\d\d)[/.-]?)?(\d{4})$/.exec(text);
  return parts ? parts.slice(1).reverse().filter(Boolean).join("-") : text;
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
