/** The form that changes a running test: how many users, and how fast they come. */

import { useSignal } from "@preact/signals";

import { api, messageOf } from "../api";
import { useDesk } from "../desk";
import { Field } from "./Field";

const STEPS = [-10, -1, 1, 10];

export function EditForm({ onDone }: { onDone: () => void }) {
  const { store } = useDesk();
  const run = store.run.peek();
  const users = useSignal(String(run?.target_user_count || (run?.user_count ?? 1)));
  const rate = useSignal(String(run?.spawn_rate ?? 1));
  const refusal = useSignal("");
  const usersAreWrong = !/^\d+$/.test(users.value.trim());
  const rateIsWrong = !(Number(rate.value) > 0 && Number.isFinite(Number(rate.value)));
  const change = async () => {
    if (usersAreWrong || rateIsWrong) return;
    try {
      const fields = { user_count: users.value.trim(), spawn_rate: rate.value.trim(), host: run?.host ?? "" };
      const answer = await api.swarm(fields);
      if (answer.success) onDone();
      else refusal.value = answer.message;
    } catch (error) {
      refusal.value = messageOf(error);
    }
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void change();
      }}
    >
      <div class="field-pair">
        <Field
          id="edit-users"
          label="Users"
          help="as many as there shall be"
          mistake={usersAreWrong ? "Write a whole number of users, such as 50." : undefined}
        >
          {(attributes) => (
            <input
              {...attributes}
              inputMode="numeric"
              value={users.value}
              onInput={(event) => (users.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <Field
          id="edit-rate"
          label="Spawn rate"
          help="users started or stopped per second"
          mistake={rateIsWrong ? "Write a number above 0, such as 5." : undefined}
        >
          {(attributes) => (
            <input
              {...attributes}
              inputMode="decimal"
              value={rate.value}
              onInput={(event) => (rate.value = event.currentTarget.value)}
            />
          )}
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
      {refusal.value && <p class="banner banner-red" role="alert">{refusal.value}</p>}
      <button type="submit" class="main large">Change</button>
    </form>
  );
}
