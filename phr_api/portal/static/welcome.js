// What stands there while nobody acts: the way in, and who of this machine may go on.

import { clerks } from "./clerks.js";
import { button, h } from "./dom.js";
import { t } from "./words.js";

/** Draw it; `to` has what its buttons do. The focus is on the first of them. */
export function drawWelcome(to) {
  const others = clerks.map((clerk) =>
    button(clerk.name, `Alt+${clerk.caller.clerk + 1}`, () => to.handOver(clerk.caller.clerk), { class: "choice" }),
  );
  const enter = button(t("sign-in"), others.length ? "+" : "Enter", to.signIn, { class: "main" });
  const box = h(
    "section",
    { class: "welcome" },
    h("h1", {}, others.length ? t("welcome.who") : t("title")),
    h("p", {}, others.length ? t("welcome.others") : t("welcome")),
    others.length ? h("div", { class: "choices" }, others) : null,
    enter,
  );
  document.querySelector("#view").replaceChildren(box);
  document.querySelector("#hints").textContent = t(others.length ? "welcome.others-hints" : "welcome.hints");
  (others[0] ?? enter).focus();
}
