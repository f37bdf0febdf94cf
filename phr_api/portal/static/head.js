// The head of the page: where, which views, who; and the list of keys.

import { actingClerk, clerks } from "./clerks.js";
import { button, dialog, h } from "./dom.js";
import { t } from "./words.js";

/** Draw the head: `views` are [key, name]; `to` has what its buttons do. */
export function drawHead({ views, opened, to }) {
  const now = actingClerk();
  const tabs = views.map(([key, name]) =>
    button(t(name), key, () => to.show(name), { class: "tab", "aria-current": opened === name ? "page" : null }),
  );
  const names = clerks.map((clerk) =>
    button(clerk === now ? clerk.name : givenName(clerk.name), `Alt+${clerk.caller.clerk + 1}`, () => to.handOver(clerk.caller.clerk), {
      class: "clerk",
      title: clerk.name,
      "aria-label": clerk.name,
      "aria-pressed": String(clerk === now),
    }),
  );
  document.querySelector("#head").replaceChildren(
    place(now, to),
    h("p", { class: "who", role: "group", "aria-label": t("clerks") }, names, now ? button("+", null, to.signInAnother, { "aria-label": t("clerk.more") }) : null),
    now ? h("nav", { "aria-label": t("views") }, tabs) : "",
  );
  document.title = now ? `${t(opened)} – ${now.name}` : t("title");
}

function place(now, to) {
  if (!now) return h("p", { class: "where" }, h("strong", {}, t("title")));
  const role = now.role === "desk" ? null : h("span", { class: "role" }, t(`role.${now.role}`));
  const { name } = now.facility;
  const facility =
    now.works.length > 1
      ? button(name, "Alt+F", to.otherFacility, { class: "tab facility", title: name })
      : h("strong", { title: name }, name);
  return h("p", { class: "where" }, facility, role);
}

/** Vietnamese call each other by the last word of the name; six whole ones have no room. */
function givenName(name) {
  return name.split(" ").at(-1);
}

/** Every key there is. */
export function showKeys(views) {
  const lines = [...views.map(([key, name]) => [key, t(name)]), ...t("help").split("|").map((line) => line.split("="))];
  return dialog(t("help.title"), (close) => [
    h("dl", { class: "keys" }, lines.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
    h("p", { class: "row" }, button(t("back"), "Esc", () => close())),
  ]);
}
