/** The level of a line of a log. */

export const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

export type Level = (typeof LEVELS)[number];

const LEVEL = /^\[[^\]]*\] [^ ]*?\/?(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b/;

/** Null for a line that has none, such as one of a traceback. */
export function levelOf(line: string): Level | null {
  const found = LEVEL.exec(line)?.[1];
  return (found as Level | undefined) ?? null;
}
