/** The line below the header: only there when something must not be overlooked. */
import { keepToken } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, setAttribute, setHidden } from "../dom.ts";
import { moment, span } from "../instant.ts";
import { oldAfterMs } from "./header.ts";

export function notice({ live }: Context): Part {
  const root = document.querySelector<HTMLElement>("#notice")!;
  const form = tokenForm(() => live.connect());
  let shown = "";

  function say(words: string, state: string, withForm = false): void {
    document.body.classList.toggle("old", state === "critical");
    setHidden(root, words === "");
    setAttribute(root, "data-state", state);
    const key = words + String(withForm);
    if (key === shown) return;
    shown = key;
    root.replaceChildren(words, ...(withForm ? [form] : []));
  }

  function update(): void {
    const nowMs = Date.now();
    const { state, status, arrivedMs } = live;
    const ageMs = nowMs - arrivedMs;
    if (state.kind === "lost") {
      const old =
        status === undefined
          ? ""
          : ` What is shown is as of ${moment(status.atMs, nowMs)} UTC, ${span(ageMs)} old.`;
      const needsToken = state.reason.startsWith("HTTP 401");
      const words = needsToken
        ? "This run asks for its token (http.token). It is kept in this tab only. "
        : `Disconnected: ${state.reason}. Trying again.${old}`;
      return say(words, "critical", needsToken);
    }
    if (state.kind === "connecting") {
      // A reconnection that is quick need not be told of; a page without numbers must say why.
      return status === undefined ? say("", "unknown") : undefined;
    }
    if (status !== undefined && ageMs > oldAfterMs) {
      return say(`The run sends nothing: the numbers are ${span(ageMs)} old.`, "critical");
    }
    const reasons = status?.readiness.reasons ?? [];
    const words = reasons.map(({ part, message }) => `${part}: ${message}`).join("  ·  ");
    say(words, "warning");
  }

  return { root, update };
}

function tokenForm(onToken: () => void): HTMLFormElement {
  const input = element("input", {
    type: "password",
    "aria-label": "Token",
    autocomplete: "off",
    placeholder: "token",
  });
  const form = element("form", { class: "token" }, input, element("button", {}, "Use it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    input.value = "";
    onToken();
  });
  return form;
}
