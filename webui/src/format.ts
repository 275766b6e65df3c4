/** Figures as a person reads them: few digits, one unit, always the same width for the same kind. */

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const DASH = "–";

/** A count: 1,234,567. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** A count that may not be known. */
export function whole(value: number | null): string {
  return value === null ? DASH : count(value);
}

/** A count where there is little room: 999, 12k, 3.4M. */
export function short(value: number): string {
  if (value < 10_000) return count(value);
  return value < 1_000_000 ? `${Math.floor(value / 1000)}k` : `${(value / 1_000_000).toFixed(1)}M`;
}

/** A rate or another figure with as many decimals as matter: 0.42, 12.3, 1,234. */
export function figure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return WHOLE.format(value);
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A response time in milliseconds, without the unit: 0.213, 4.70, 32.5, 1,234. */
export function milliseconds(timeUs: number | null): string {
  if (timeUs === null || !Number.isFinite(timeUs)) return DASH;
  const ms = timeUs / 1000;
  if (ms >= 100) return WHOLE.format(ms);
  if (ms >= 10) return ms.toFixed(1);
  return ms >= 1 || ms === 0 ? ms.toFixed(2) : ms.toFixed(3);
}

/** A response time with its unit, for where there is room for one figure only: 213 µs, 4.70 ms, 1.23 s. */
export function time(timeUs: number | null): string {
  if (timeUs === null || !Number.isFinite(timeUs)) return DASH;
  if (timeUs < 1000) return `${Math.round(timeUs)} µs`;
  if (timeUs < 10_000_000) return `${milliseconds(timeUs)} ms`;
  return `${figure(timeUs / 1e6)} s`;
}

/** A share: 0 %, 0.02 %, 3.4 %, 100 %. Something is never told as nothing. */
export function percent(part: number, all: number): string {
  const value = all > 0 ? (100 * part) / all : part > 0 ? 100 : 0;
  if (value === 0 || value >= 100) return `${Math.round(value)} %`;
  if (value < 0.01) return "< 0.01 %";
  if (value > 99.99) return "99.99 %";
  return value < 1 ? `${value.toFixed(2)} %` : value < 10 ? `${value.toFixed(1)} %` : `${Math.floor(value)} %`;
}

/**
 * Shares in tenths of a percent that add up to `whole` of them: each by itself would be rounded to more or less than
 * that, so those that lose most by it get what is missing.
 */
export function tenths(ratios: readonly number[], whole: number): number[] {
  const sum = ratios.reduce((a, b) => a + b, 0);
  if (sum === 0) return ratios.map(() => 0);
  const exact = ratios.map((ratio) => (ratio / sum) * whole);
  // A hair more, lest 0.29 * 1000 counts as 289.
  const found = exact.map((value) => Math.floor(value + 1e-9));
  const missing = whole - found.reduce((a, b) => a + b, 0);
  const lost = exact.map((value, place) => ({ place, by: value - (found[place] ?? 0) })).sort((a, b) => b.by - a.by);
  for (const { place } of lost.slice(0, missing)) found[place] = (found[place] ?? 0) + 1;
  return found;
}

export function bytes(size: number | null): string {
  if (size === null || !Number.isFinite(size)) return DASH;
  if (size < 1024) return `${Math.round(size)} B`;
  let value = size;
  let unit = "B";
  for (const next of ["KiB", "MiB", "GiB", "TiB"]) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : WHOLE.format(value)} ${unit}`;
}

/** A time on a stopwatch: 0:07, 12:34, 1:02:03. */
export function stopwatch(seconds: number): string {
  const all = Math.max(Math.floor(seconds), 0);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const tail = String(s).padStart(2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** A stretch of time in words that are short: 45 s, 1 min 50 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const all = Math.round(seconds);
  if (all < 60) return `${seconds < 10 && seconds !== all ? seconds.toFixed(1) : all} s`;
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  if (h) return m ? `${h} h ${m} min` : `${h} h`;
  return s ? `${m} min ${s} s` : `${m} min`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A run time as options take it: 90s, 5m, 1h30m. */
export function runTime(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h ? `${h}h` : ""}${m ? `${m}m` : ""}${s || !seconds ? `${s}s` : ""}`;
}

/** The time of day: 14:03:07. */
export function clock(epochS: number | null): string {
  if (epochS === null) return DASH;
  const at = new Date(epochS * 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The time of day that is nearest: 14:03:08 for what begins at 14:03:07.9, as windows do. */
export function nearestClock(epochS: number): string {
  return clock(Math.round(epochS));
}

/** Day and time: 2026-11-25 14:03:07. */
export function moment(epochS: number | null): string {
  if (epochS === null) return DASH;
  const at = new Date(epochS * 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(epochS)}`;
}

/** What a percentile is called: p50, p99.9; the last is the maximum. */
export function percentileLabel(fraction: number): string {
  return fraction >= 1 ? "max" : `p${Number((fraction * 100).toPrecision(6))}`;
}

/** "1 worker", "3 workers". */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
