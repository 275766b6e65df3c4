/** The runs of this session that are over: look at them, take them home, compare two. */

import { useSignal } from "@preact/signals";

import { api } from "../api";
import { useDesk, usePolled } from "../desk";
import { DownloadLink } from "../DownloadLink";
import { count, duration, moment, percent } from "../format";
import type { Comparison as Compared, KeptRun } from "../model";
import { Comparison } from "./Comparison";

const EVERY_MS = 5000;

export function Runs() {
  const desk = useDesk();
  const runs = useSignal<readonly KeptRun[]>([]);
  const chosen = useSignal<readonly string[]>([]);
  const compared = useSignal<Compared | null>(null);
  usePolled(async () => void (runs.value = await api.runs()), EVERY_MS);
  const choose = (id: string) => {
    const without = chosen.value.filter((each) => each !== id);
    chosen.value = without.length < chosen.value.length ? without : [...without.slice(-1), id];
    compared.value = null;
  };
  // The older of the two is what the other is compared with.
  const [a, b] = [...chosen.value].sort((x, y) => place(runs.value, y) - place(runs.value, x));
  if (!runs.value.length) {
    return <div class="panel"><p class="nothing">A run is kept here when it is over.</p></div>;
  }
  return (
    <div class="panel">
      <div class="tools">
        <span class="muted">Choose two runs to compare them.</span>
        <span class="tools-gap" />
        <button
          type="button"
          class="main"
          disabled={!a || !b}
          onClick={() => a && b && void desk.attempt(async () => void (compared.value = await api.compare(a, b)))}
        >
          Compare
        </button>
      </div>
      <div class="scroll-x">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col"><span class="only-heard">Chosen</span></th>
              <th scope="col">Run</th>
              <th scope="col">Started</th>
              <th scope="col" class="number">Took</th>
              <th scope="col">Host</th>
              <th scope="col" class="number">Users</th>
              <th scope="col" class="number">Requests</th>
              <th scope="col" class="number">Failed</th>
              <th scope="col">Look</th>
              <th scope="col">Download</th>
            </tr>
          </thead>
          <tbody>
            {runs.value.map((run) => (
              <tr key={run.id}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Compare run ${run.number}`}
                    checked={chosen.value.includes(run.id)}
                    onChange={() => choose(run.id)}
                  />
                </td>
                <th scope="row">{run.number}</th>
                <td class="when">{moment(run.started_epoch_s)}</td>
                <td class="number">{lengthOf(run)}</td>
                <td class="break">{run.host ?? "–"}</td>
                <td class="number">{count(run.users)}</td>
                <td class="number">{count(run.num_requests)}</td>
                <td class={`number ${run.num_failures ? "red" : ""}`}>{percent(run.num_failures, run.num_requests)}</td>
                <td><a href={`api/runs/${run.id}/report`} target="_blank" rel="noreferrer">Report</a></td>
                <td>
                  <DownloadLink href={`api/runs/${run.id}/report?download=1`}>HTML</DownloadLink>{" · "}
                  <DownloadLink href={`api/runs/${run.id}/document`}>JSON</DownloadLink>{" · "}
                  <DownloadLink href={`api/runs/${run.id}/requests.csv`}>CSV</DownloadLink>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {compared.value && <Comparison comparison={compared.value} />}
    </div>
  );
}

function place(runs: readonly KeptRun[], id: string): number {
  return runs.findIndex((run) => run.id === id);
}

function lengthOf({ started_epoch_s: from, ended_epoch_s: to }: KeptRun): string {
  return from === null || to === null ? "–" : duration(to - from);
}
