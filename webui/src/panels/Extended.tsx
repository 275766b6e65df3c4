/** A tab that a locustfile has added: its tables, filled from what it adds to the statistics. */

import { useSignal } from "@preact/signals";

import { api } from "../api";
import { usePolled } from "../desk";

const EVERY_MS = 2000;

export interface ExtendedTable {
  key: string;
  structure: readonly { key: string; title: string }[];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

export function Extended({ table }: { table: ExtendedTable }) {
  const rows = useSignal<readonly Record<string, unknown>[]>([]);
  usePolled(async () => {
    const { extended_stats: stats = [] } = await api.locustStats();
    rows.value = stats.find(({ key }) => key === table.key)?.data ?? [];
  }, EVERY_MS);
  return (
    <div class="panel scroll-x">
      <table class="plain">
        <thead>
          <tr>{table.structure.map(({ key, title }) => <th scope="col" key={key}>{title}</th>)}</tr>
        </thead>
        <tbody>
          {rows.value.map((row, at) => (
            <tr key={at}>{table.structure.map(({ key }) => <td key={key}>{textOf(row[key])}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
