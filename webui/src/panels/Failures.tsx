/** What failed, how often and how exactly: groups of failures with the first exchanges of each. */

import { useSignal } from "@preact/signals";

import { CopyButton } from "../CopyButton";
import { curlOf } from "../curl";
import { useDesk, useFailures } from "../desk";
import { bytes, clock, count, moment, plural, time } from "../format";
import type { Exchange, Failure, Half } from "../model";

export function Failures() {
  const desk = useDesk();
  useFailures();
  const { failures, generator_errors: ownErrors } = desk.failures.value;
  const filter = useSignal("");
  const open = useSignal<string | null>(null);
  const wanted = filter.value.toLowerCase();
  const shown = [...failures]
    .filter(({ method, name, error }) => `${method} ${name} ${error}`.toLowerCase().includes(wanted))
    .sort((a, b) => b.occurrences - a.occurrences);
  return (
    <div class="panel">
      {failures.length > 0 && (
        <div class="tools">
          <input
            id="filter"
            type="search"
            placeholder="Filter failures ( / )"
            aria-label="Filter failures"
            value={filter.value}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
          <span class="muted">{plural(shown.length, "group")} of failures, the commonest first</span>
        </div>
      )}
      {failures.length === 0 && <p class="nothing good">Nothing has failed.</p>}
      <FailureList failures={shown} open={open} />
      {ownErrors.length > 0 && (
        <section>
          <h2 class="amber">Generator errors</h2>
          <p class="muted">
            Requests that a limit of the generator's own machine kept from being made. They say nothing about the
            target.
          </p>
          <ul class="cards">
            {ownErrors.map((each) => (
              <li class="card amber-edge" key={`${each.method} ${each.name} ${each.error}`}>
                <b>{count(each.occurrences)}×</b> {each.method} {each.name}
                <div>{each.error}</div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

export function FailureList({ failures, open }: {
  failures: readonly Failure[];
  open: { value: string | null };
}) {
  return (
    <ul class="cards">
      {failures.map((failure) => {
        const key = `${failure.method} ${failure.name} ${failure.error}`;
        const isOpen = open.value === key;
        return (
          <li class="card red-edge" key={key}>
            <button
              type="button"
              class="card-head"
              aria-expanded={isOpen}
              onClick={() => (open.value = isOpen ? null : key)}
            >
              <b class="red card-count">{count(failure.occurrences)}×</b>
              <span class="card-main">
                <span><span class="method">{failure.method}</span> {failure.name}</span>
                <span class="card-error">{failure.error}</span>
              </span>
              <span class="muted card-when">
                {clock(failure.first_seen_epoch_s)} – {clock(failure.last_seen_epoch_s)}
              </span>
              <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span>
            </button>
            {isOpen && <Details failure={failure} />}
          </li>
        );
      })}
    </ul>
  );
}

function Details({ failure }: { failure: Failure }) {
  const at = useSignal(0);
  const { exchanges } = failure;
  const exchange = exchanges[Math.min(at.value, exchanges.length - 1)];
  return (
    <div class="card-body">
      {failure.sample !== failure.error && <p><span class="muted">One of them as it came:</span> {failure.sample}</p>}
      {exchange
        ? (
          <>
            <div class="tools">
              <div class="buttons" role="group" aria-label="Kept exchanges">
                {exchanges.map((_, number) => (
                  <button
                    type="button"
                    key={number}
                    aria-pressed={number === at.value}
                    onClick={() => (at.value = number)}
                  >
                    {number + 1}
                  </button>
                ))}
              </div>
              <span class="muted">
                {moment(exchange.epoch_s)} · took {time(exchange.duration_us)}
                {exchange.status ? ` · status ${exchange.status}` : " · no answer"}
              </span>
              <span class="tools-gap" />
              <CopyButton label="Copy as curl" text={() => curlOf(exchange)} />
            </div>
            <p class="mono break">{exchange.url}</p>
            <div class="halves">
              <HalfView title="Request" half={exchange.request} none={NO_REQUEST} />
              <HalfView title="Response" half={exchange.response} none={noResponse(exchange)} />
            </div>
          </>
        )
        : <p class="muted">No exchange was kept of these.</p>}
    </div>
  );
}

const NO_REQUEST = "Nothing is known of what was sent.";

function noResponse(exchange: Exchange): string {
  return exchange.request ? "Nothing came back." : "Nothing is known of what came back.";
}

function HalfView({ title, half, none }: { title: string; half: Half | null; none: string }) {
  return (
    <section>
      <h3>{title}</h3>
      {half
        ? (
          <>
            <pre tabIndex={0}>
              {half.head.join("\n")}
              {half.lines_left_out > 0 && `\n… ${plural(half.lines_left_out, "line")} more`}
            </pre>
            {half.body === null && <p class="muted">The body was not kept.</p>}
            {half.body && <pre tabIndex={0}>{half.body}</pre>}
            {half.bytes_left_out > 0 && (
              <p class="muted">… {bytes(half.bytes_left_out)} of {bytes(half.body_bytes)} are not kept</p>
            )}
          </>
        )
        : <p class="muted">{none}</p>}
    </section>
  );
}
