/** What a person has chosen on this page, remembered by the browser where it allows that. */

import { type Signal, effect, signal } from "@preact/signals";

const PREFIX = "gregaria.";

/** A signal whose value outlives the page. */
export function preference<T>(name: string, initial: T): Signal<T> {
  const held = signal<T>((read(name) as T | null) ?? initial);
  effect(() => write(name, held.value));
  return held;
}

function read(name: string): unknown {
  // A page from disk, or one in a private window, may not keep anything; what is kept may be another version's.
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Then it is forgotten with the page.
  }
}
