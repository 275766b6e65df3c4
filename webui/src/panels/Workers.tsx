/** The processes that make the load, and which of them is out of line. */

import { useDesk } from "../desk";
import { bytes, count, time } from "../format";
import { outliers } from "./outliers";

const BUSY_PERCENT = 90;
const LATE_S = 0.05;

export function Workers() {
  const { store } = useDesk();
  const workers = [...store.workers.value].sort((a, b) => a.index - b.index);
  const odd = outliers(workers);
  if (!workers.length) {
    return <div class="panel"><p class="nothing">No worker is there: start one with --worker.</p></div>;
  }
  return (
    <div class="panel">
      {odd.size > 0 && (
        <ul class="banner banner-amber">
          {workers.filter(({ id }) => odd.has(id)).map(({ id }) => (
            <li key={id}><b>{id}</b> {odd.get(id)?.join(", and ")}</li>
          ))}
        </ul>
      )}
      <div class="scroll-x">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col" class="number">Users</th>
              <th scope="col" class="number">CPU</th>
              <th scope="col" class="number">Memory</th>
              <th scope="col" class="number">Loop delay</th>
              <th scope="col">Host</th>
              <th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {workers.map((worker) => (
              <tr key={worker.id} class={odd.has(worker.id) ? "odd-one" : ""}>
                <th scope="row" class="mono">{worker.id}</th>
                <td class={worker.state === "missing" ? "amber" : ""}>{worker.state}</td>
                <td class="number">{count(worker.user_count)}</td>
                <td class={`number ${(worker.cpu_usage ?? 0) >= BUSY_PERCENT ? "amber" : ""}`}>
                  {worker.cpu_usage === null ? "–" : (
                    <>
                      <meter value={worker.cpu_usage} min={0} max={100} aria-hidden="true" />{" "}
                      {Math.round(worker.cpu_usage)} %
                    </>
                  )}
                </td>
                <td class="number">{bytes(worker.memory_bytes)}</td>
                <td class={`number ${(worker.loop_delay_s ?? 0) > LATE_S ? "amber" : ""}`}>
                  {time(worker.loop_delay_s === null ? null : worker.loop_delay_s * 1e6)}
                </td>
                <td>{worker.host ?? "–"}</td>
                <td>{worker.version ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
