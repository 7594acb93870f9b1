/** Light, dark, or as the system has it; the choice is kept in this browser. */

const key = "hftedge-theme";
const choices = ["auto", "dark", "light"] as const;
export type Theme = (typeof choices)[number];

const system = matchMedia("(prefers-color-scheme: light)");

export function chosenTheme(): Theme {
  const kept = localStorage.getItem(key);
  return choices.find((choice) => choice === kept) ?? "auto";
}

export function applyTheme(): void {
  const theme = chosenTheme();
  const resolved = theme === "auto" ? (system.matches ? "light" : "dark") : theme;
  document.documentElement.dataset["theme"] = resolved;
}

export function nextTheme(): Theme {
  const next = choices[(choices.indexOf(chosenTheme()) + 1) % choices.length]!;
  localStorage.setItem(key, next);
  return next;
}

/** Calls back when the system's own choice changes. */
export function onSystemTheme(listener: () => void): void {
  system.addEventListener("change", listener);
}
