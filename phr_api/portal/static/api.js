// The public API, as one of the clerks of this machine. Access tokens live in memory only; the
// refresh token is in a cookie that no script can read.

import { language } from "./words.js";

/** The API refused, and says why (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.title ?? String(status));
    this.status = status;
    this.slug = (body.type ?? "").replace("/problems/", "");
    this.body = body;
  }
}

/** Nobody answers: the network or the server is away. */
export class Offline extends Error {}

/** The clerk's session is over; `isLocked`: because nobody had used the page for ten minutes. */
export class SignedOut extends Error {
  constructor(isLocked) {
    super();
    this.isLocked = isLocked;
  }
}

const WAIT = 15_000;
const ONCE_MORE = 700;

let tellReach = () => {};

/** Tell `listener` after each question whether anybody answered. */
export function onReach(listener) {
  tellReach = listener;
}

/** Ask without a token. */
export async function ask(method, path, asked = {}) {
  try {
    const answer = await answered(method, path, asked);
    tellReach(true);
    return answer;
  } catch (error) {
    tellReach(!(error instanceof Offline));
    throw error;
  }
}

async function answered(method, path, { body, headers = {} }) {
  const sent = { "Accept-Language": language(), ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let answer, data;
  try {
    answer = await fetch(path, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(WAIT),
    });
    const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
    data = isJson && answer.status !== 204 ? await answer.json() : null; // 204 names a type too
  } catch {
    throw new Offline(); // the time may run out while the body comes, too
  }
  if (answer.status >= 500 && !data?.type) throw new Offline();
  if (!answer.ok) throw new Problem(answer.status, data ?? {});
  return { status: answer.status, data, etag: answer.headers.get("ETag") };
}

/** One clerk's way to the API. `seenAt`: when their hands were last seen here, 0 if not yet. */
export class Caller {
  #token = null;
  #renewing = null;
  #toldAt = 0;

  constructor(clerk, token = null) {
    this.clerk = clerk;
    this.#token = token;
    this.seenAt = 0;
    if (token) this.#toldAt = this.seenAt = Date.now(); // they signed in with their hands
  }

  /** Tell whether hands were seen that the server does not know of, since longer than `most`. */
  isUntold(most) {
    return this.seenAt > this.#toldAt && Date.now() - this.#toldAt > most;
  }

  /** A new access token by the cookie, telling when hands were last seen; SignedOut when it is over. */
  async renew() {
    const at = Date.now();
    const body = { clerk: this.clerk };
    if (this.seenAt) body.idleSeconds = Math.floor((at - this.seenAt) / 1000);
    this.#renewing ??= ask("POST", "/v1/sessions/page-renewal", { body })
      .then(({ data }) => {
        this.#token = data.accessToken;
        if (body.idleSeconds !== undefined) this.#toldAt = at;
      })
      .catch((error) => {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        throw new SignedOut(error.slug === "identity/page-locked");
      })
      .finally(() => {
        this.#renewing = null;
      });
    return this.#renewing;
  }

  /** End the session, here and there. */
  async end() {
    this.#token = null;
    await ask("DELETE", `/v1/sessions/page-renewal?clerk=${this.clerk}`);
  }

  get(path) {
    return this.#call("GET", path);
  }

  remove(path) {
    return this.#call("DELETE", path);
  }

  /** Post once: a lost answer is asked for again with the same key. */
  async post(path, body = {}, { etag = null, key = crypto.randomUUID() } = {}) {
    const headers = { "Idempotency-Key": key };
    if (etag) headers["If-Match"] = etag;
    try {
      return await this.#call("POST", path, body, headers);
    } catch (error) {
      const isBusy = error instanceof Problem && error.slug.endsWith("in-progress");
      if (!(error instanceof Offline) && !isBusy) throw error;
      await new Promise((resolve) => setTimeout(resolve, ONCE_MORE));
      return this.#call("POST", path, body, headers);
    }
  }

  async #call(method, path, body, headers = {}) {
    if (!this.#token) await this.renew();
    try {
      return await ask(method, path, { body, headers: this.#signed(headers) });
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      await this.renew();
      return ask(method, path, { body, headers: this.#signed(headers) });
    }
  }

  #signed(headers) {
    return { ...headers, Authorization: `Bearer ${this.#token}` };
  }
}

const LANES = 6;

/** Ask about each of these, a few at a time; the answers in their order. */
export async function atOnce(items, ask) {
  const answers = [];
  for (let from = 0; from < items.length; from += LANES) {
    answers.push(...(await Promise.all(items.slice(from, from + LANES).map(ask))));
  }
  return answers;
}
