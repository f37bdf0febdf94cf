// Signing in with the staff's provider: away from here and back, with the code in the address.

import { ask, Caller, Offline, SignedOut } from "./api.js";
import { t } from "./words.js";

const WAITING = "phr.signing-in"; // of this tab, until the provider sends it back
const MACHINE = "phr.machine";
const PLACES = "phr.places"; // which clerks' places are taken: numbers, no names

export const MOST_CLERKS = 6;

/** The provider let nobody in. */
export class Refused extends Error {}

/** The providers that staff sign in with. */
export async function staffProviders() {
  const { data } = await ask("GET", "/v1/sign-in/providers");
  return data.items.filter((provider) => provider.audience === "staff");
}

/** Go to the provider; the page ends here and begins anew when it comes back. */
export async function leaveToSignIn(provider, clerk) {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const { data } = await ask("POST", "/v1/sign-in/attempts", {
    body: {
      provider: provider.id,
      codeChallenge: base64url(new Uint8Array(digest)),
      redirectUri: `${location.origin}/desk`,
      device: { installationId: machine(), name: t("title"), platform: "web" },
    },
  });
  sessionStorage.setItem(WAITING, JSON.stringify({ attempt: data.id, verifier, clerk }));
  location.assign(data.authorizationUrl);
}

/** Finish when the address holds what a provider sent back; the clerk's place, or null. */
export async function comeBack() {
  const sent = new URLSearchParams(location.search);
  const waiting = JSON.parse(sessionStorage.getItem(WAITING) ?? "null");
  history.replaceState(null, "", "/desk");
  sessionStorage.removeItem(WAITING);
  if (waiting && sent.has("error")) throw new Refused();
  if (!waiting || !sent.has("code")) return null;
  const { data } = await ask("POST", `/v1/sign-in/attempts/${waiting.attempt}/page-completion`, {
    body: {
      code: sent.get("code"),
      state: sent.get("state") ?? "",
      codeVerifier: waiting.verifier,
      clerk: waiting.clerk,
    },
  });
  takePlace(waiting.clerk);
  return new Caller(waiting.clerk, data.accessToken);
}

/** Who is signed in on this machine, as far as the server still says so; and whether one was locked. */
export async function findClerks(known) {
  const callers = [];
  let isLocked = false;
  for (const place of places()) {
    if (place === known?.clerk) {
      callers.push(known);
      continue;
    }
    const caller = new Caller(place);
    try {
      await caller.renew();
      callers.push(caller);
    } catch (error) {
      if (error instanceof Offline) throw error;
      isLocked ||= error instanceof SignedOut && error.isLocked;
      leavePlace(place);
    }
  }
  return { callers, isLocked };
}

/** The first free place, or null. */
export function freePlace() {
  const taken = places();
  return [...Array(MOST_CLERKS).keys()].find((place) => !taken.includes(place)) ?? null;
}

/** Nobody sits at this place any more. */
export function leavePlace(clerk) {
  keepPlaces(places().filter((place) => place !== clerk));
}

function takePlace(clerk) {
  keepPlaces([...new Set([...places(), clerk])].sort());
}

function places() {
  return JSON.parse(localStorage.getItem(PLACES) ?? "[]");
}

function keepPlaces(list) {
  localStorage.setItem(PLACES, JSON.stringify(list));
}

function machine() {
  const id = localStorage.getItem(MACHINE) ?? crypto.randomUUID();
  localStorage.setItem(MACHINE, id);
  return id;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
