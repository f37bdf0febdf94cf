// The desk's page: which view is open, what the keys and the scanner do, who acts.

import { Offline, onReach, Problem, SignedOut } from "./api.js";
import { bookingView } from "./booking.js";
import { checkIn } from "./checkin.js";
import { actingClerk, askFacility, clerkAt, clerks, lastPlace, letAct, letIn, letOut } from "./clerks.js";
import { closingView } from "./closing.js";
import { chooseOne } from "./dom.js";
import { drawHead, showKeys } from "./head.js";
import { isCovered, listen, setKeys } from "./keys.js";
import { watchHands } from "./lock.js";
import { queueView } from "./queue.js";
import { replanView } from "./replan.js";
import { requestsView } from "./requests.js";
import { away, say, saying } from "./said.js";
import { comeBack, findClerks, freePlace, leaveToSignIn, MOST_CLERKS, Refused, staffProviders } from "./signin.js";
import { todayView } from "./today.js";
import { walkinView } from "./walkin.js";
import { drawWelcome } from "./welcome.js";
import { language, loadWords, switchLanguage, t } from "./words.js";

const VIEWS = [
  ["F1", "today", todayView],
  ["F2", "requests", requestsView],
  ["F3", "queue", queueView],
  ["F4", "walkin", walkinView],
  ["F5", "closing", closingView],
  ["F6", "booking", bookingView],
  ["F7", "replan", replanView],
];

const AGAIN = 3000;

let view = null;
let opened = "today";
const made = new Map(); // views by name, with what they showed last
let madeFor = ""; // in one clerk's rights at one facility and one language
let timer = 0;
const pending = new Set(); // names of commands under way
let line = Promise.resolve(); // they and scans wait in it, none is lost

const to = {
  show: (name) => show(name),
  handOver: (place) => run(`hand-over ${place}`, () => handOver(place, true)), // behind what was asked before, in its asker's name
  signIn: () => attempt(() => signInAt(freePlace() ?? 0)),
  signInAnother: () => attempt(signInAnother),
  otherFacility: () => attempt(otherFacility),
};

/** What views work with; `caller` and rights are the acting clerk's. */
const desk = {
  get caller() {
    if (!actingClerk()) throw new SignedOut(false); // out, in the middle of something
    return actingClerk().caller;
  },
  get facility() {
    if (!actingClerk()) throw new SignedOut(false);
    return actingClerk().facility.code;
  },
  get at() {
    return `/v1/facilities/${this.facility}`;
  },
  get mayWrite() {
    return actingClerk().role === "desk";
  },
  get mayCall() {
    return actingClerk().role !== "viewer";
  },
  say,
  run,
  checkIn: (body) => checkIn(desk, body),
  refresh: () => refresh(),
};

/** Do something for the clerk; what goes wrong is said in the line at the bottom. */
async function attempt(action) {
  const whose = actingClerk();
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Offline) || whose === actingClerk()) failed(error); // else nobody waits for it
  }
}

/** Commands one after the other; the same one twice, by a tired hand, calls one person and not two. */
function run(name, action) {
  if (pending.has(name)) return;
  pending.add(name);
  line = line.then(() => attempt(action)).finally(() => pending.delete(name));
}

function failed(error) {
  if (error instanceof Offline) {
    say(t("said.away"), "bad");
  } else if (error instanceof SignedOut) {
    gone(actingClerk(), error.isLocked);
  } else if (error instanceof Problem) {
    say(error.message, "bad");
  } else {
    say(t("said.failed"), "bad");
    throw error;
  }
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
  if (!actingClerk() || isCovered()) return;
  if (!desk.mayWrite) say(t("read.only"), "bad");
  else line = line.then(() => attempt(() => checkIn(desk, { scan: text })));
}

async function show(name) {
  opened = name;
  const whose = `${desk.caller.clerk} ${desk.facility} ${language()}`;
  if (madeFor !== whose) made.clear();
  madeFor = whose;
  const [, , make] = VIEWS.find(([, one]) => one === name);
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
  const keys = {
    "?": () => showKeys(VIEWS),
    l: () => run("language", otherLanguage),
    "Alt+q": () => attempt(signOut),
    "Alt+f": to.otherFacility,
    "+": to.signInAnother,
  };
  for (const [key, name] of VIEWS) keys[key] = () => show(name);
  return { ...keys, ...places() };
}

function places() {
  return Object.fromEntries([...Array(MOST_CLERKS).keys()].map((place) => [`Alt+${place + 1}`, () => to.handOver(place)]));
}

function head() {
  drawHead({ views: VIEWS, opened, to });
}

/** Who sits at this place acts from now on; they first say where, if that is not known. */
async function handOver(place, isByHand) {
  const clerk = clerkAt(place);
  if (!clerk) {
    say(t("clerk.nobody", { place: place + 1 }), "bad");
    return;
  }
  if (!clerk.facility && !(await askFacility(clerk))) {
    if (!actingClerk()) welcome(t("facility.none"));
    return;
  }
  if (isByHand) clerk.caller.seenAt = Date.now();
  letAct(clerk);
  await show(opened);
  if (actingClerk() === clerk) say(t("clerk.now", { name: clerk.name }), "good");
}

async function otherFacility() {
  const clerk = actingClerk();
  if (clerk.works.length < 2 || !(await askFacility(clerk))) return;
  await show(opened);
  say(clerk.facility.name, "good");
}

async function otherLanguage() {
  await switchLanguage();
  await show(opened);
  say(t("said.language"));
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
  const clerk = actingClerk();
  await clerk.caller.end();
  gone(clerk, false);
}

/** This clerk's session is over. Nobody else acts in their place before they say so themselves. */
function gone(clerk, isLocked) {
  const acted = clerk && clerk === actingClerk();
  if (!clerk || !letOut(clerk)) return;
  const told = t(isLocked ? "clerk.locked" : "clerk.gone", { name: clerk.name });
  if (acted) {
    welcome(told);
    return;
  }
  if (actingClerk()) head();
  else welcome();
  say(told, isLocked ? "bad" : "plain");
}

/** Nobody acts: nothing of anybody is in sight. */
function welcome(text = saying()) {
  clearTimeout(timer);
  view = null;
  made.clear();
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  head();
  drawWelcome(to);
  setKeys({ l: () => attempt(async () => welcome(await switchLanguage())), "+": to.signInAnother, ...places() });
  say(text);
}

/** Find who is signed in here, and let the last one go on; without a connection, again in a while. */
async function enter(fresh) {
  const { callers, isLocked } = await findClerks(fresh);
  let told = isLocked ? t("said.locked") : "";
  for (const caller of callers) {
    const isIn = await letIn(caller, { isNew: caller === fresh });
    if (!isIn && caller === fresh) told = t("clerk.nowhere");
  }
  const clerk = clerkAt(fresh?.clerk ?? lastPlace());
  if (clerk) await handOver(clerk.caller.clerk, false);
  else welcome(told);
}

async function tryToEnter(fresh) {
  try {
    await enter(fresh);
  } catch (error) {
    welcome(error instanceof Problem ? error.message : t("said.away"));
    if (error instanceof Offline) setTimeout(() => actingClerk() || tryToEnter(fresh), AGAIN);
  }
}

async function begin() {
  await loadWords();
  listen(scanned);
  onReach((isReached) => away(!isReached));
  watchHands({ acting: actingClerk, clerks, lock: (clerk) => gone(clerk, true) });
  addEventListener("online", () => view && refresh());
  try {
    await tryToEnter(await comeBack());
  } catch (error) {
    await tryToEnter(null);
    say(error instanceof Problem ? error.message : t(error instanceof Refused ? "said.refused" : "said.away"), "bad");
  }
}

begin();
