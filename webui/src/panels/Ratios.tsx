/** Which share of all tasks each of them is, by class and in all. */

import { useSignal } from "@preact/signals";

import { useDesk, usePolled } from "../desk";
import { tenths } from "../format";
import type { Shares, TaskRatios } from "../model";

const EVERY_MS = 5000;
/** Tenths of a percent that all shares are. */
const ALL = 1000;

export function Ratios() {
  const { source } = useDesk();
  const ratios = useSignal<TaskRatios | null>(null);
  usePolled(async () => void (ratios.value = await source.tasks()), EVERY_MS);
  const { value } = ratios;
  if (!value) return <div class="panel"><p class="nothing">Nothing is known of tasks.</p></div>;
  return (
    <div class="panel columns-2">
      <section>
        <h2>Of all users</h2>
        <Tree shares={value.total} whole={ALL} isOfAll />
      </section>
      <section>
        <h2>Of each class</h2>
        <Tree shares={value.per_class} whole={ALL} />
      </section>
    </div>
  );
}

interface TreeProps {
  shares: Shares;
  /** What they add up to, in tenths of a percent. */
  whole: number;
  /** Whether shares of a share are still those of all users. */
  isOfAll?: boolean;
}

function Tree({ shares, whole, isOfAll = false }: TreeProps) {
  const entries = Object.entries(shares).sort(([, a], [, b]) => b.ratio - a.ratio);
  const parts = tenths(entries.map(([, { ratio }]) => ratio), whole);
  return (
    <ul class="tree">
      {entries.map(([name, { ratio, tasks }], place) => (
        <li key={name}>
          <div class="tree-line">
            <span class="break">{name}</span>
            <span class="tree-track">
              <span class="tree-bar" style={{ width: `${Math.min(ratio, 1) * 100}%` }} />
            </span>
            <span class="number">{share(parts[place] ?? 0, ratio)}</span>
          </div>
          {tasks && Object.keys(tasks).length > 0 && (
            <Tree shares={tasks} whole={isOfAll ? (parts[place] ?? 0) : ALL} isOfAll={isOfAll} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** 12.5 %, and never nothing of something. */
function share(part: number, ratio: number): string {
  return part === 0 && ratio > 0 ? "< 0.1 %" : `${part / 10} %`;
}
