// The keyboard: one-letter commands, and a scanner that types like a very fast clerk.
//
// A scanner's characters come a few milliseconds apart and end in Enter. Until a character has been
// alone for GAP it might be a scan's first one, so commands wait that long; what a scan typed into a
// field is taken out again, since a card's text stays nowhere.

const GAP = 80; // milliseconds between two keys of one burst
const AVERAGE = 40; // nobody types eight keys faster than this
const SHORTEST = 8; // characters of a scan

const layers = [];
let onScan = () => {};
let burst = "";
let began = 0;
let last = 0;
let waiting = 0;
let lone = null; // a character that is a command unless a second one comes at once
let before = null;

/** Commands by key from now on; what lies below is silent (a dialog above a view). */
export function pushKeys(keys) {
  layers.push(keys);
}

/** Back to the commands below. */
export function popKeys() {
  layers.pop();
}

/** Replace the commands of the page itself. */
export function setKeys(keys) {
  layers[0] = keys;
}

/** Tell whether a dialog is open. */
export function isCovered() {
  return layers.length > 1;
}

/** Listen to everything; scans go to `scanned`. */
export function listen(scanned) {
  onScan = scanned;
  addEventListener("keydown", heard, true);
}

function heard(event) {
  if (event.isComposing || event.key === "Shift") return;
  const isFast = event.timeStamp - last < GAP;
  if (event.key === "Enter" && isFast && isScan(event.timeStamp)) {
    take(event);
    return;
  }
  if (event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey) {
    if (!isFast) flush();
    typed(event, isFast);
    return;
  }
  flush(); // before the focus moves: it was meant for the row where it was
  burst = "";
  command(event);
}

function isScan(now) {
  return burst.length >= SHORTEST && (now - began) / burst.length <= AVERAGE;
}

function take(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  const text = burst;
  burst = "";
  if (before) before.field.value = before.value;
  onScan(text);
}

function typed(event, isFast) {
  clearTimeout(waiting);
  lone = null;
  if (!isFast || !burst) {
    burst = "";
    began = event.timeStamp;
    before = isField(event.target) ? { field: event.target, value: event.target.value } : null;
  }
  burst += event.key;
  last = event.timeStamp;
  if (isField(event.target)) return;
  event.preventDefault();
  if (burst.length > 1 || event.repeat) return;
  lone = event.key;
  waiting = setTimeout(flush, GAP);
}

function flush() {
  clearTimeout(waiting);
  const key = lone;
  if (key === null) return;
  lone = null;
  burst = "";
  const focused = document.activeElement;
  if (key === " " && focused?.matches("button, summary")) focused.click();
  else layers.at(-1)?.[key.toLowerCase()]?.();
}

function command(event) {
  const name = [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.key].filter(Boolean).join("+");
  const action = layers.at(-1)?.[name];
  if (!action || (isField(event.target) && event.key === "Enter" && !event.ctrlKey)) return;
  event.preventDefault();
  if (!event.repeat) action();
}

function isField(element) {
  return element instanceof Element && element.matches("input:not([type=checkbox]), textarea, select");
}
