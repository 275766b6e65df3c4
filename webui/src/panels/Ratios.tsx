/** Which share of all tasks each of them is, by class and in all. */

import { useSignal } from "@preact/signals";

import { useDesk, usePolled } from "../desk";
import { percent } from "../format";
import type { Shares, TaskRatios } from "../model";

const EVERY_MS = 5000;

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
        <Tree shares={value.total} />
      </section>
      <section>
        <h2>Of each class</h2>
        <Tree shares={value.per_class} />
      </section>
    </div>
  );
}

function Tree({ shares }: { shares: Shares }) {
  return (
    <ul class="tree">
      {Object.entries(shares).sort(([, a], [, b]) => b.ratio - a.ratio).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          <div class="tree-line">
            <span class="break">{name}</span>
            <span class="tree-track">
              <span class="tree-bar" style={{ width: `${Math.min(ratio, 1) * 100}%` }} />
            </span>
            <span class="number">{percent(ratio, 1)}</span>
          </div>
          {tasks && Object.keys(tasks).length > 0 && <Tree shares={tasks} />}
        </li>
      ))}
    </ul>
  );
}
