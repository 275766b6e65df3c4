/** Exceptions that escaped tasks: mistakes of the test, not of the target. */

import { CopyButton } from "../CopyButton";
import { useDesk, useFailures } from "../desk";
import { count } from "../format";

export function Exceptions() {
  const desk = useDesk();
  useFailures();
  const exceptions = [...desk.failures.value.exceptions].sort((a, b) => b.count - a.count);
  return (
    <div class="panel">
      {exceptions.length === 0 && <p class="nothing good">No task has raised an exception.</p>}
      <ul class="cards">
        {exceptions.map((each) => (
          <li class="card red-edge" key={each.traceback}>
            <div class="tools">
              <b class="red card-count">{count(each.count)}×</b>
              <span class="card-main">{each.message}</span>
              {each.nodes.length > 0 && <span class="muted">on {each.nodes.join(", ")}</span>}
              <CopyButton label="Copy" text={() => each.traceback} />
            </div>
            <pre tabIndex={0}>{each.traceback}</pre>
          </li>
        ))}
      </ul>
    </div>
  );
}
