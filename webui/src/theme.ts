/** Light or dark: as the page was asked to open, or as the system has it, until somebody chooses; paper is light. */

import { computed, effect, signal } from "@preact/signals";

import { isPrinted, watchForPaper } from "./paper";
import { preference } from "./preferences";

export type Theme = "light" | "dark";

const chosen = preference<Theme | "system">("theme", "system");
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const system = signal<Theme>(systemIsDark.matches ? "dark" : "light");

/** What a report was asked for; whoever chooses here chooses for all pages. */
const asked = signal<Theme | null>(themeIn(document.documentElement.dataset["theme"]));

const onScreen = computed<Theme>(
  () => asked.value ?? (chosen.value === "system" ? system.value : chosen.value),
);

export const theme = computed<Theme>(() => (isPrinted.value ? "light" : onScreen.value));

/** Keep the page's colours to the theme from now on. */
export function startTheme(): void {
  watchForPaper();
  systemIsDark.addEventListener("change", (event) => (system.value = event.matches ? "dark" : "light"));
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}

export function toggleTheme(): void {
  const next = onScreen.value === "dark" ? "light" : "dark";
  asked.value = null;
  chosen.value = next === system.value ? "system" : next;
}

function themeIn(text: string | undefined): Theme | null {
  return text === "dark" || text === "light" ? text : null;
}

/** A colour of the theme as canvases need it: `colour("accent")`, `colour("accent", 0.2)`. */
export function colour(name: string, alpha = 1): string {
  const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  if (alpha === 1) return value;
  const [r, g, b] = channels(value);
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** Red, green and blue of a colour written as #rrggbb. */
export function channels(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
