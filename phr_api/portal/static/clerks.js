// Who is signed in on this machine, at which facility each works, and who acts.

import { chooseOne } from "./dom.js";
import { leavePlace } from "./signin.js";
import { t } from "./words.js";

const RANK = ["desk", "doctor", "viewer"];
const ACTING = "phr.now"; // of this tab: which place acts
const CHOSEN = "phr.facilities"; // of this tab: facility by place

export const clerks = []; // {caller, name, role, facility, works, since}
let acting = null;

/** The clerk who acts, or null. */
export function actingClerk() {
  return acting;
}

/** From now on this clerk acts, or nobody. */
export function letAct(clerk) {
  acting = clerk;
  if (clerk) sessionStorage.setItem(ACTING, String(clerk.caller.clerk));
}

/** The place that acted last in this tab. */
export function lastPlace() {
  return Number(sessionStorage.getItem(ACTING) ?? 0);
}

/** Who sits at this place, or undefined. */
export function clerkAt(place) {
  return clerks.find(({ caller }) => caller.clerk === place);
}

/** Let the person of this session in; false when they work nowhere. */
export async function letIn(caller, { isNew = false } = {}) {
  if (clerkAt(caller.clerk)) return true; // before the connection went
  const { data } = await caller.get("/v1/me");
  const works = data.memberships.filter(({ role }) => RANK.includes(role));
  works.sort((a, b) => RANK.indexOf(a.role) - RANK.indexOf(b.role));
  const best = works.filter((one, index) => works.findIndex(({ facility }) => facility.code === one.facility.code) === index);
  if (!best.length) {
    leavePlace(caller.clerk);
    await caller.end();
    return false;
  }
  if (isNew) choose(caller.clerk, null); // whom this place belonged to before chose for themselves
  const clerk = { caller, works: best, since: Date.now() };
  const kept = best.find(({ facility }) => facility.code === chosen()[caller.clerk]);
  if (kept || best.length === 1) settle(clerk, kept ?? best[0]);
  else clerk.name = best[0].displayName;
  clerks.push(clerk);
  return true;
}

/** Let the clerk say where they work now, kept for this tab; false when they did not. */
export async function askFacility(clerk) {
  const options = clerk.works.map((work) => ({ text: `${work.facility.name} · ${t(`role.${work.role}`)}`, value: work }));
  const work = await chooseOne(t("facility.which"), options);
  if (!work) return false;
  settle(clerk, work);
  choose(clerk.caller.clerk, work.facility.code);
  return true;
}

/** This clerk is out; their place is free. False when they were out already. */
export function letOut(clerk) {
  const at = clerks.indexOf(clerk);
  if (at < 0) return false;
  clerks.splice(at, 1);
  leavePlace(clerk.caller.clerk);
  choose(clerk.caller.clerk, null);
  if (clerk === acting) acting = null;
  return true;
}

function settle(clerk, { facility, role, displayName }) {
  Object.assign(clerk, { facility, role, name: displayName });
}

function chosen() {
  return JSON.parse(sessionStorage.getItem(CHOSEN) ?? "{}");
}

function choose(place, code) {
  sessionStorage.setItem(CHOSEN, JSON.stringify({ ...chosen(), [place]: code }));
}
