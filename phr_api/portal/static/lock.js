// The idle lock. Whoever's hands rest for ten minutes is out: here by the clock, and for the server by
// what renewals tell of hands, so that a closed tab's cookie opens nothing.

import { SignedOut } from "./api.js";

const IDLE = 10 * 60_000;
const TELL = 5 * 60_000; // well before the server's own ten minutes are over
const LOOK = 5000;

/** Watch keys and mouse: they are those of who acts. `lock(clerk)` is called for who rests. */
export function watchHands({ acting, clerks, lock }) {
  const touch = () => {
    const clerk = acting();
    if (clerk) clerk.caller.seenAt = Date.now();
  };
  addEventListener("keydown", touch, true);
  addEventListener("pointerdown", touch, true);
  setInterval(() => {
    for (const clerk of [...clerks]) look(clerk, lock);
  }, LOOK);
}

function look(clerk, lock) {
  const { caller } = clerk;
  if (Date.now() - Math.max(caller.seenAt, clerk.since) > IDLE) {
    lock(clerk); // the server ends it by itself, unless the same hands work in another tab
  } else if (caller.isUntold(TELL)) {
    caller.renew().catch((error) => {
      if (error instanceof SignedOut) lock(clerk); // any other failure is tried again by the next look
    });
  }
}
