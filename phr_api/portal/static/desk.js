// The desk's page: who is signed in, which view is open, what the keys and the scanner do.

import { Offline, Problem, SignedOut } from "./api.js";
import { button, chooseOne, dialog, h } from "./dom.js";
import { isCovered, listen, setKeys } from "./keys.js";
import { closingView } from "./closing.js";
import { queueView } from "./queue.js";
import { requestsView } from "./requests.js";
import { comeBack, findClerks, freePlace, leavePlace, leaveToSignIn, MOST_CLERKS, Refused, staffProviders } from "./signin.js";
import { todayView } from "./today.js";
import { walkinView } from "./walkin.js";
import { clockTime, language, loadWords, switchLanguage, t } from "./words.js";

const VIEWS = [
  ["F1", "today", todayView],
  ["F2", "requests", requestsView],
  ["F3", "queue", queueView],
  ["F4", "walkin", walkinView],
  ["F5", "closing", closingView],
];
const IDLE = 10 * 60_000;
const RANK = ["desk", "doctor", "viewer"];
const MARKS = { good: "✔ ", bad: "⚠ ", big: "", plain: "" };

const clerks = []; // {caller, name, role, facility, seenAt}
let now = null; // the clerk who acts
let view = null;
let opened = "today";
const made = new Map(); // views by name, with what they showed last
let madeFor = ""; // in one clerk's rights and one language
let timer = 0;
let isAway = false;
const pending = new Set(); // names of commands under way
let line = Promise.resolve(); // they and scans wait in it, none is lost

/** What views work with; `caller` and rights are the acting clerk's. */
const desk = {
  get caller() {
    return now.caller;
  },
  get at() {
    return `/v1/facilities/${now.facility.code}`;
  },
  get mayWrite() {
    return now.role === "desk";
  },
  get mayCall() {
    return now.role !== "viewer";
  },
  say,
  run,
  checkIn,
  refresh: () => refresh(),
};

function say(text, kind = "plain") {
  const line = document.querySelector("#said");
  line.className = kind;
  line.textContent = `${MARKS[kind]}${text}`;
}

/** Do something for the clerk; what goes wrong is said in the line at the bottom. */
async function attempt(action) {
  try {
    await action();
    away(false);
  } catch (error) {
    await failed(error);
  }
}

/** Commands one after the other; the same one twice, by a tired hand, calls one person and not two. */
function run(name, action) {
  if (pending.has(name)) return;
  pending.add(name);
  line = line.then(() => attempt(action)).finally(() => pending.delete(name));
}

async function failed(error) {
  if (error instanceof Offline) {
    away(true);
    say(t("said.away"), "bad");
  } else if (error instanceof SignedOut) {
    await gone(now);
  } else if (error instanceof Problem) {
    say(error.message, "bad");
  } else {
    say(t("said.failed"), "bad");
    throw error;
  }
}

function away(isSo) {
  if (isAway !== isSo) document.body.classList.toggle("away", isSo);
  if (isAway && !isSo) say(t("said.back"), "good");
  isAway = isSo;
}

async function refresh() {
  clearTimeout(timer);
  if (!view) return;
  const shown = view;
  await attempt(() => shown.refresh());
  if (shown !== view) return;
  if (document.activeElement === document.body && !isCovered()) shown.focus(); // never without a place for the keys
  clearTimeout(timer);
  timer = setTimeout(tick, shown.every);
}

function tick() {
  if (document.hidden || isCovered()) timer = setTimeout(tick, 1000);
  else refresh();
}

function scanned(text) {
  if (!now || isCovered()) return;
  if (!desk.mayWrite) say(t("read.only"), "bad");
  else line = line.then(() => attempt(() => checkIn({ scan: text })));
}

/** Take somebody in by scan or list; says the number, or lets the clerk choose which booking. */
async function checkIn(body) {
  let answer;
  try {
    answer = await desk.caller.post(`${desk.at}/check-ins`, body);
  } catch (error) {
    const hint = error instanceof Problem && error.slug === "appointments/scan-unreadable" ? ` ${t("said.typing")}` : "";
    if (!hint) throw error;
    say(error.message + hint, "bad");
    return;
  }
  const { candidates, label, personName } = answer.data;
  if (!candidates) {
    await refresh();
    say(t("said.arrived", { name: personName ?? "", label }), "big");
    return;
  }
  const options = candidates.map((one) => ({
    text: `${clockTime(one.startsAt)} · ${one.serviceName} · ${one.personName ?? ""}`,
    value: one.bookingId,
  }));
  const bookingId = await chooseOne(t("which"), options);
  if (bookingId) await checkIn({ bookingId });
}

async function show(name) {
  opened = name;
  const [, , make] = VIEWS.find(([, one]) => one === name);
  if (madeFor !== `${now.caller.clerk} ${language()}`) made.clear();
  madeFor = `${now.caller.clerk} ${language()}`;
  if (!made.has(name)) made.set(name, make(desk));
  view = made.get(name);
  document.querySelector("#view").replaceChildren(view.element);
  document.querySelector("#hints").textContent = `${view.hints} · ${t("hints")}`;
  setKeys({ ...everywhere(), ...view.keys });
  head();
  const shown = view;
  await refresh();
  if (shown === view && !isCovered()) view.focus();
}

function everywhere() {
  const keys = { "?": help, l: () => attempt(otherLanguage), "Alt+q": () => attempt(signOut), "+": () => attempt(signInAnother) };
  for (const [key, name] of VIEWS) keys[key] = () => show(name);
  for (let place = 0; place < MOST_CLERKS; place += 1) keys[`Alt+${place + 1}`] = () => handOver(place);
  return keys;
}

function head() {
  const tabs = VIEWS.map(([key, name]) =>
    button(t(name), key, () => show(name), { class: "tab", "aria-current": opened === name ? "page" : null }),
  );
  const names = clerks.map((clerk) =>
    button(clerk === now ? clerk.name : givenName(clerk.name), `Alt+${clerk.caller.clerk + 1}`, () => handOver(clerk.caller.clerk), {
      class: "clerk",
      title: clerk.name,
      "aria-label": clerk.name,
      "aria-pressed": String(clerk === now),
    }),
  );
  const role = now.role === "desk" ? "" : ` · ${t(`role.${now.role}`)}`;
  document.querySelector("#head").replaceChildren(
    h("p", { class: "where" }, h("strong", {}, now.facility.name), h("span", {}, role)),
    h("nav", { "aria-label": t("views") }, tabs),
    h("p", { class: "who", role: "group", "aria-label": t("clerks") }, names, button("+", null, () => attempt(signInAnother), { "aria-label": t("clerk.more") })),
  );
  document.title = `${t(opened)} – ${now.name}`;
}

/** Vietnamese call each other by the last word of the name; six whole ones have no room. */
function givenName(name) {
  return name.split(" ").at(-1);
}

function handOver(place) {
  const clerk = clerks.find(({ caller }) => caller.clerk === place);
  if (!clerk) {
    say(t("clerk.nobody", { place: place + 1 }), "bad");
    return;
  }
  now = clerk;
  clerk.seenAt = Date.now();
  sessionStorage.setItem("phr.now", String(place));
  show(opened).then(() => say(t("clerk.now", { name: clerk.name }), "good"));
}

async function otherLanguage() {
  await switchLanguage();
  await show(opened);
  say(t("said.language"));
}

function help() {
  const lines = [...VIEWS.map(([key, name]) => [key, t(name)]), ...t("help").split("|").map((line) => line.split("="))];
  dialog(t("help.title"), (close) => [
    h("dl", { class: "keys" }, lines.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
    button(t("back"), "Esc", () => close()),
  ]);
}

async function signInAnother() {
  const place = freePlace();
  if (place === null) say(t("clerk.full"), "bad");
  else await signInAt(place);
}

async function signInAt(place) {
  const providers = await staffProviders();
  const options = providers.map((provider) => ({ text: provider.label, value: provider }));
  const provider = providers.length === 1 ? providers[0] : await chooseOne(t("sign-in"), options);
  if (provider) await leaveToSignIn(provider, place);
}

async function signOut() {
  const clerk = now;
  await clerk.caller.end();
  await gone(clerk);
}

/** This clerk's session is over: the next one acts, or nobody. */
async function gone(clerk) {
  const at = clerks.indexOf(clerk);
  if (at < 0) return;
  clerks.splice(at, 1);
  leavePlace(clerk.caller.clerk);
  if (clerk !== now) {
    head();
    return;
  }
  now = clerks[0] ?? null;
  if (!now) {
    welcome(t("said.signed-out"));
    return;
  }
  await show(opened);
  say(t("clerk.gone", { name: clerk.name, next: now.name }), "bad");
}

function welcome(text = "") {
  clearTimeout(timer);
  view = null;
  made.clear();
  document.querySelector("#head").replaceChildren(h("p", { class: "where" }, h("strong", {}, t("title"))));
  document.querySelector("#hints").textContent = t("welcome.hints");
  const enter = button(t("sign-in"), "Enter", () => attempt(() => signInAt(freePlace() ?? 0)), { class: "main" });
  document.querySelector("#view").replaceChildren(h("section", { class: "welcome" }, h("h1", {}, t("title")), h("p", {}, t("welcome")), enter));
  setKeys({ l: () => attempt(async () => welcome(await switchLanguage())) });
  enter.focus();
  say(text);
}

/** The clerk behind a session, or null when they work nowhere. */
async function clerkOf(caller) {
  const { data } = await caller.get("/v1/me");
  const works = data.memberships.filter(({ role }) => RANK.includes(role));
  works.sort((a, b) => RANK.indexOf(a.role) - RANK.indexOf(b.role));
  if (!works.length) {
    leavePlace(caller.clerk);
    await caller.end();
    return null;
  }
  const [{ facility, role, displayName }] = works;
  return { caller, facility, role, name: displayName, seenAt: Date.now() };
}

/** Whoever has not touched the keys for ten minutes is signed out; their place is free. */
function watchIdle() {
  addEventListener("keydown", () => now && (now.seenAt = Date.now()), true);
  addEventListener("pointerdown", () => now && (now.seenAt = Date.now()), true);
  setInterval(() => {
    for (const clerk of clerks.filter(({ seenAt }) => Date.now() - seenAt > IDLE)) {
      attempt(async () => {
        await clerk.caller.end().catch(() => {});
        await gone(clerk);
      });
    }
  }, 5000);
}

async function begin() {
  await loadWords();
  document.documentElement.lang = language();
  listen(scanned);
  watchIdle();
  addEventListener("online", () => view && refresh());
  let fresh = null;
  try {
    fresh = await comeBack();
    for (const caller of await findClerks(fresh)) {
      const clerk = await clerkOf(caller);
      if (clerk) clerks.push(clerk);
    }
  } catch (error) {
    if (error instanceof Problem || error instanceof Refused) say(error.message || t("said.refused"), "bad");
    else say(t("said.away"), "bad");
  }
  const place = fresh?.clerk ?? Number(sessionStorage.getItem("phr.now") ?? 0);
  now = clerks.find(({ caller }) => caller.clerk === place) ?? clerks[0] ?? null;
  if (!now) {
    const said = document.querySelector("#said").textContent;
    welcome(said || (fresh ? t("clerk.nowhere") : ""));
    return;
  }
  sessionStorage.setItem("phr.now", String(now.caller.clerk));
  await show("today");
}

begin();
