/** The form that changes a running test: how many users, how fast they come, and when it ends. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { type SwarmFields, api, messageOf } from "../api";
import { useDesk } from "../desk";
import { clock, runTime } from "../format";
import { Field, type FieldAttributes } from "./Field";
import { mistakeInRate, mistakeInRunTime, mistakeInUsers } from "./values";

const STEPS = [-10, -1, 1, 10];

export function EditForm({ onDone }: { onDone: () => void }) {
  const { store } = useDesk();
  const run = store.run.peek();
  const endsS = run?.ends_epoch_s ?? null;
  const leftS = endsS === null ? null : Math.max(Math.round(endsS - store.nowEpochS.peek()), 1);
  const left = useSignal(leftS === null ? "" : runTime(leftS));
  // Unless it is changed the end stays where it is, however long somebody thinks about the rest.
  const givenLeft = useRef(left.peek());
  const users = useSignal(String(run?.target_user_count || (run?.user_count ?? 1)));
  const rate = useSignal(String(run?.spawn_rate ?? 1));
  const refusal = useSignal("");
  const mistakes = {
    users: mistakeInUsers(users.value), rate: mistakeInRate(rate.value), left: mistakeInRunTime(left.value),
  };
  const change = async () => {
    const wrong = Object.entries(mistakes).find(([, mistake]) => mistake);
    if (wrong) {
      document.getElementById(`edit-${wrong[0]}`)?.focus();
      return;
    }
    const fields: SwarmFields = { user_count: users.value.trim(), spawn_rate: rate.value.trim() };
    if (left.value !== givenLeft.current) fields["run_time"] = left.value.trim();
    try {
      const answer = await api.swarm(fields);
      if (answer.success) onDone();
      else refusal.value = answer.message;
    } catch (error) {
      refusal.value = messageOf(error);
    }
  };
  const input = (value: typeof users, inputMode: "numeric" | "decimal" | "text") => (attributes: FieldAttributes) => (
    <input
      {...attributes}
      inputMode={inputMode}
      value={value.value}
      onInput={(event) => (value.value = event.currentTarget.value)}
    />
  );
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void change();
      }}
    >
      <div class="field-pair">
        <Field id="edit-users" label="Users" help="as many as there shall be" mistake={mistakes.users}>
          {input(users, "numeric")}
        </Field>
        <Field id="edit-rate" label="Spawn rate" help="users started or stopped per second" mistake={mistakes.rate}>
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
        mistake={mistakes.left}
      >
        {input(left, "text")}
      </Field>
      {refusal.value && <p class="banner banner-red" role="alert">{refusal.value}</p>}
      <button type="submit" class="main large">Change</button>
    </form>
  );
}
