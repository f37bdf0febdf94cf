// The hall's screen: numbers and rooms only. Its key stands behind #, which no server log ever sees.

import { ask } from "./api.js";
import { h } from "./dom.js";
import { loadWords, t } from "./words.js";

const EVERY = 3000;
const MOST = 5;

async function draw() {
  const key = encodeURIComponent(location.hash.slice(1));
  try {
    const { data } = await ask("GET", `/v1/screens/${key}`);
    const calls = data.calling.slice(0, MOST);
    const lines = calls.map(({ label, room }) => h("li", {}, h("span", {}, label), h("span", {}, room ?? "")));
    document.querySelector("#calling").replaceChildren(...lines);
    document.querySelector("#next").textContent = data.next.length ? t("screen.next", { next: data.next.join("  ") }) : "";
  } catch {
    document.querySelector("#next").textContent = t("screen.away");
  }
  setTimeout(draw, EVERY);
}

await loadWords();
draw();
