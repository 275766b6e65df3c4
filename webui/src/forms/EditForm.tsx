/** The form that changes a running test: how many users, how fast they come, when it ends, and how much it may ask. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { type SwarmFields, api, messageOf } from "../api";
import { useDesk } from "../desk";
import { clock, runTime } from "../format";
import { Field, type FieldAttributes } from "./Field";
import { type Mistakes, mistakeInMaxRps, mistakeInRate, mistakeInRunTime, mistakeInUsers } from "./values";

const STEPS = [-10, -1, 1, 10];
/** What `/swarm` calls the fields. */
const PLACES: Record<string, string> = { user_count: "users", spawn_rate: "rate", run_time: "left", max_rps: "cap" };

export function EditForm({ onDone }: { onDone: () => void }) {
  const { store } = useDesk();
  const run = store.run.peek();
  const hasShape = Boolean(run?.shape);
  const endsS = run?.ends_epoch_s ?? null;
  const leftS = endsS === null ? null : Math.max(Math.round(endsS - store.nowEpochS.peek()), 1);
  const left = useSignal(leftS === null ? "" : runTime(leftS));
  // Unless it is changed the end stays where it is, however long somebody thinks about the rest.
  const givenLeft = useRef(left.peek());
  const users = useSignal(String(run?.target_user_count || (run?.user_count ?? 1)));
  const rate = useSignal(String(run?.spawn_rate ?? 1));
  const cap = useSignal(run?.max_rps === null || run?.max_rps === undefined ? "" : String(run.max_rps));
  const givenCap = useRef(cap.peek());
  const hasCap = useSignal(false);
  const refused = useSignal<Mistakes>({});
  const refusal = useSignal("");
  useEffect(() => {
    // A locustfile may have an option of that name.
    api.form().then(({ own_fields: own }) => (hasCap.value = own.includes("max_rps")), () => undefined);
  }, []);
  const mistakes: Mistakes = {
    ...(hasShape
      ? {}
      : { users: mistakeInUsers(users.value), rate: mistakeInRate(rate.value), left: mistakeInRunTime(left.value) }),
    cap: mistakeInMaxRps(cap.value),
  };
  const focus = (field: string) => document.getElementById(`edit-${field}`)?.focus();
  const change = async () => {
    const wrong = Object.entries(mistakes).find(([, mistake]) => mistake);
    if (wrong) {
      focus(wrong[0]);
      return;
    }
    const fields: SwarmFields = hasShape ? {} : { user_count: users.value.trim(), spawn_rate: rate.value.trim() };
    if (!hasShape && left.value !== givenLeft.current) fields["run_time"] = left.value.trim();
    if (hasCap.value && (hasShape || cap.value !== givenCap.current)) fields["max_rps"] = cap.value.trim();
    refusal.value = "";
    refused.value = {};
    try {
      const answer = await api.swarm(fields);
      const place = PLACES[answer.field ?? ""];
      if (answer.success) onDone();
      else if (place) {
        refused.value = { [place]: answer.message };
        focus(place);
      } else refusal.value = answer.message;
    } catch (error) {
      refusal.value = messageOf(error);
    }
  };
  const input = (value: Signal<string>, inputMode: "numeric" | "decimal" | "text", placeholder = "") =>
    (attributes: FieldAttributes) => (
      <input
        {...attributes}
        inputMode={inputMode}
        placeholder={placeholder}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    );
  const mistakeIn = (field: string) => mistakes[field] ?? refused.value[field];
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void change();
      }}
    >
      {hasShape && <p class="muted">The shape {run?.shape} decides how many users there are.</p>}
      {!hasShape && (
        <>
          <div class="field-pair">
            <Field id="edit-users" label="Users" help="as many as there shall be" mistake={mistakeIn("users")}>
              {input(users, "numeric")}
            </Field>
            <Field
              id="edit-rate"
              label="Spawn rate"
              help="users started or stopped per second"
              mistake={mistakeIn("rate")}
            >
              {input(rate, "decimal")}
            </Field>
          </div>
          <div class="buttons" role="group" aria-label="Change the number of users">
            {STEPS.map((step) => (
              <button
                type="button"
                key={step}
                onClick={() => (users.value = String(Math.max((Number(users.value) || 0) + step, 0)))}
              >
                {step > 0 ? `+${step}` : `−${-step}`}
              </button>
            ))}
          </div>
          <Field
            id="edit-left"
            label="Run time left"
            help={`from now, as 90s, 5m, 1h30m; empty: no limit${
              endsS === null ? "" : `. Unchanged, the test ends at ${clock(endsS)}`}`}
            mistake={mistakeIn("left")}
          >
            {input(left, "text", "no limit")}
          </Field>
        </>
      )}
      {hasCap.value && (
        <Field
          id="edit-cap"
          label="Requests per second"
          help="at most, over all users and workers; empty: any number"
          mistake={mistakeIn("cap")}
        >
          {input(cap, "decimal", "any number")}
        </Field>
      )}
      {refusal.value && <p class="banner banner-red" role="alert">{refusal.value}</p>}
      <button type="submit" class="main large">Change</button>
    </form>
  );
}
