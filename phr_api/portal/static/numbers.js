// Numbers of the line that can be given while the network is away. This machine keeps numbers, no names.

import { today } from "./words.js";

const BLOCKS = "phr.blocks"; // queue id -> {id, on, prefix, next, last}
const GIVEN = "phr.given."; // by facility [{block, number, priority, at}] not yet told to the server
const COUNT = 20;
const DIGITS = 3;

/** Fetch a block of numbers for this line. */
export async function takeBlock(desk, queueId) {
  const { data } = await desk.caller.post(`${desk.at}/queues/${queueId}/blocks`, { count: COUNT });
  const blocks = read(BLOCKS, {});
  blocks[queueId] = { id: data.id, on: data.on, prefix: data.prefix, next: data.first, last: data.last };
  localStorage.setItem(BLOCKS, JSON.stringify(blocks));
}

/** How many numbers there are for today. */
export function left(queueId) {
  const block = blockOf(queueId);
  return block ? block.last - block.next + 1 : 0;
}

/** The next number of the block as it is shown, or null when there is none. */
export function giveOffline(desk, queueId, priority) {
  const blocks = read(BLOCKS, {});
  const block = blockOf(queueId);
  if (!block || block.next > block.last) return null;
  const number = block.next;
  blocks[queueId] = { ...block, next: number + 1 };
  localStorage.setItem(BLOCKS, JSON.stringify(blocks));
  const given = { block: block.id, number, priority, at: new Date().toISOString() };
  localStorage.setItem(GIVEN + desk.facility, JSON.stringify([...pending(desk), given]));
  return `${block.prefix}${String(number).padStart(DIGITS, "0")}`;
}

/** What was given and is not told yet. */
export function pending(desk) {
  return read(GIVEN + desk.facility, []);
}

/** Tell the server; what it has already it answers as it is, so telling twice does no harm. */
export async function sendGiven(desk) {
  for (const block of new Set(pending(desk).map((one) => one.block))) {
    const items = pending(desk).filter((one) => one.block === block);
    const body = { items: items.map(({ number, priority, at }) => ({ number, priority, at })) };
    await desk.caller.post(`${desk.at}/blocks/${block}/tickets`, body);
    const told = new Set(items.map(({ number }) => number));
    const kept = pending(desk).filter((one) => one.block !== block || !told.has(one.number));
    localStorage.setItem(GIVEN + desk.facility, JSON.stringify(kept));
  }
}

function blockOf(queueId) {
  const block = read(BLOCKS, {})[queueId];
  return block?.on === today() ? block : null;
}

function read(key, otherwise) {
  return JSON.parse(localStorage.getItem(key) ?? "null") ?? otherwise;
}
