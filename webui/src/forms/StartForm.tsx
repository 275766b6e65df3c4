/** The form that a test is started with. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import { api, messageOf } from "../api";
import { useDesk } from "../desk";
import type { Argument, FormModel } from "../model";
import { keepOverLogin, takeKept } from "../login-trip";
import { Field } from "./Field";
import { LimitsPart } from "./LimitsPart";
import {
  type FormValues, type Mistakes, NO_SHAPE, doubtAbout, isShaped, mistakeOf, mistakesIn, swarmFields, valuesOf,
  withKept, withoutSecrets,
} from "./values";

/** As many arguments are shown without being asked for. */
const FEW_ARGUMENTS = 6;

/** Loads what the form needs to know, each time anew: last values are the server's to remember. */
export function StartForm({ onDone }: { onDone: () => void }) {
  const form = useSignal<FormModel | null>(null);
  const trouble = useSignal("");
  useEffect(() => {
    api.form().then((model) => (form.value = model), (error: unknown) => (trouble.value = messageOf(error)));
  }, []);
  if (trouble.value) return <p class="banner banner-red" role="alert">{trouble.value}</p>;
  return form.value ? <Fields form={form.value} onDone={onDone} /> : <p class="nothing">Loading…</p>;
}

function Fields({ form, onDone }: { form: FormModel; onDone: () => void }) {
  const { store, profiles } = useDesk();
  const [kept] = useState(() => takeKept() as Partial<FormValues> | null);
  const values = useSignal<FormValues>(withKept(valuesOf(form), kept));
  useEffect(() => keepOverLogin(() => withoutSecrets(form, values.peek())), []);
  const mistakes = useSignal<Mistakes>({});
  const refusal = useSignal("");
  const isBusy = useSignal(false);
  const box = useRef<HTMLFormElement>(null);
  // A dialog had nothing else to go to than its button before the form was there.
  useEffect(() => box.current?.closest("dialog")?.querySelector<HTMLElement>("form input")?.focus(), []);
  const run = store.run.value;
  const workers = store.workers.value.filter(({ state }) => state !== "missing").length;
  const expected = Math.max(run?.expected_workers ?? 1, 1);
  const isWaiting = Boolean(run?.is_distributed) && workers < expected;
  const now = values.value;
  const wrong = mistakes.value;
  const set = (part: Partial<FormValues>) => (values.value = { ...values.value, ...part });
  const setArgument = (name: string, value: FormValues["arguments"][string]) =>
    set({ arguments: { ...values.value.arguments, [name]: value } });
  const text = (key: "users" | "spawnRate" | "host" | "runTime" | "profile") => ({
    value: now[key],
    onInput: (event: InputEvent) => set({ [key]: (event.currentTarget as HTMLInputElement).value }),
  });

  const show = (found: Mistakes) => {
    mistakes.value = found;
    const [first] = Object.keys(found);
    const field = first === undefined ? null : document.getElementById(idOf(first));
    const part = field?.closest("details");
    if (part) part.open = true;
    field?.focus();
    return first !== undefined;
  };
  const start = async () => {
    refusal.value = "";
    if (show(mistakesIn(form, values.value))) return;
    isBusy.value = true;
    try {
      const answer = await api.swarm(swarmFields(form, values.value));
      const found = mistakeOf(form, answer);
      if (answer.success) onDone();
      else if (found) show(found);
      else refusal.value = answer.message;
    } catch (error) {
      refusal.value = messageOf(error);
    }
    isBusy.value = false;
  };

  const shaped = isShaped(form, now);
  return (
    <form
      ref={box}
      class="start-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      {shaped
        ? <p class="muted">The shape {form.picks_classes ? now.shape : form.shape} decides how many users there are.</p>
        : (
          <div class="field-pair">
            <Field id={idOf("users")} label="Users" help="at the peak" mistake={wrong["users"]}>
              {(attributes) => <input {...attributes} inputMode="numeric" required {...text("users")} />}
            </Field>
            <Field
              id={idOf("spawnRate")}
              label="Spawn rate"
              help="users started per second"
              mistake={wrong["spawnRate"]}
            >
              {(attributes) => <input {...attributes} inputMode="decimal" required {...text("spawnRate")} />}
            </Field>
          </div>
        )}
      <div class="field-pair field-pair-wide">
        <Field
          id={idOf("host")}
          label="Host"
          help={doubtAbout(now.host) ?? "where requests go"}
          mistake={wrong["host"]}
        >
          {(attributes) => (
            <input {...attributes} type="url" placeholder="https://shop.example" autocomplete="url" {...text("host")} />
          )}
        </Field>
        <Field id={idOf("runTime")} label="Run time" help="90s, 5m, 1h30m; empty: no limit" mistake={wrong["runTime"]}>
          {(attributes) => <input {...attributes} placeholder="no limit" {...text("runTime")} />}
        </Field>
      </div>
      {form.picks_classes && <ClassPicker form={form} values={now} mistake={wrong["userClasses"]} onChange={set} />}
      {form.options.length > 0 && (
        <details open={form.options.some(({ is_required }) => is_required) || form.options.length <= FEW_ARGUMENTS}>
          <summary>Arguments of the locustfile</summary>
          <div class="field-grid">
            {form.options.map((each) => (
              <ArgumentField
                key={each.name}
                argument={each}
                value={now.arguments[each.name]}
                mistake={wrong[`argument.${each.name}`]}
                onChange={(value) => setArgument(each.name, value)}
              />
            ))}
          </div>
        </details>
      )}
      <LimitsPart form={form} values={now} mistakes={wrong} idOf={idOf} onChange={set} />
      <details open={Boolean(now.profile)}>
        <summary>Advanced</summary>
        <Field id={idOf("profile")} label="Profile" help="a word that stands in the reports">
          {(attributes) => <input {...attributes} list="profiles" {...text("profile")} />}
        </Field>
        <datalist id="profiles">{profiles.map((each) => <option key={each} value={each} />)}</datalist>
      </details>
      {kept && (
        <p class="banner banner-amber" role="status">
          The login had run out before this was sent: here it is again, but for secrets.
        </p>
      )}
      {refusal.value && <p class="banner banner-red" role="alert">{refusal.value}</p>}
      {isWaiting && (
        <p class="banner banner-amber">
          Waiting for workers: {workers} of {expected} are there. Start them with --worker.
        </p>
      )}
      <button type="submit" class="main large" disabled={isBusy.value || isWaiting}>
        {isBusy.value ? "Starting…" : "Start the test"}
      </button>
    </form>
  );
}

function idOf(field: string): string {
  return `start-${field}`;
}

interface PickerProps {
  form: FormModel;
  values: FormValues;
  mistake: string | undefined;
  onChange: (part: Partial<FormValues>) => void;
}

function ClassPicker({ form, values, mistake, onChange }: PickerProps) {
  const toggle = (name: string) => {
    const chosen = values.userClasses;
    onChange({ userClasses: chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name] });
  };
  // Those that are the form's own say nothing.
  const hasHosts = form.user_classes.some(({ host }) => host && host !== form.values.host);
  return (
    <fieldset
      class={mistake ? "field field-wrong" : "field"}
      id={idOf("userClasses")}
      tabIndex={-1}
      aria-describedby={mistake && `${idOf("userClasses")}-mistake`}
    >
      <legend>User classes</legend>
      <div class="scroll-x">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col"><span class="only-heard">Chosen</span></th>
              <th scope="col">Class</th>
              <th scope="col" class="number">Weight</th>
              {hasHosts && <th scope="col">Host</th>}
              <th scope="col">Tasks</th>
            </tr>
          </thead>
          <tbody>
            {form.user_classes.map((each) => (
              <tr key={each.name}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={each.name}
                    checked={values.userClasses.includes(each.name)}
                    onChange={() => toggle(each.name)}
                  />
                </td>
                <th scope="row">{each.name}</th>
                <td class="number">{each.fixed_count ? `${each.fixed_count} fixed` : each.weight}</td>
                {hasHosts && <td class="break">{each.host ?? ""}</td>}
                <td class="muted">{tasksOf(form.user_tasks[each.name] ?? [])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {mistake && <span class="mistake" id={`${idOf("userClasses")}-mistake`} role="alert">{mistake}</span>}
      {form.shapes.length > 0 && (
        <Field id={idOf("shape")} label="Shape" help={`${NO_SHAPE}: the number of users above`}>
          {(attributes) => (
            <select
              {...attributes}
              value={values.shape}
              onChange={(event) => onChange({ shape: event.currentTarget.value })}
            >
              {[NO_SHAPE, ...form.shapes].map((each) => <option key={each}>{each}</option>)}
            </select>
          )}
        </Field>
      )}
    </fieldset>
  );
}

/** Tasks that stand there several times, for their weight, once: look ×5, ask. */
function tasksOf(names: readonly string[]): string {
  const weights = new Map<string, number>();
  for (const name of names) weights.set(name, (weights.get(name) ?? 0) + 1);
  return [...weights].map(([name, weight]) => (weight > 1 ? `${name} ×${weight}` : name)).join(", ");
}

interface ArgumentProps {
  argument: Argument;
  value: FormValues["arguments"][string] | undefined;
  mistake: string | undefined;
  onChange: (value: FormValues["arguments"][string]) => void;
}

function ArgumentField({ argument, value, mistake, onChange }: ArgumentProps) {
  const { kind, help, choices } = argument;
  const id = idOf(`argument.${argument.name}`);
  const label = argument.name.replaceAll("_", " ");
  if (kind === "bool") {
    return (
      <Field id={id} label={label} help={help} mistake={mistake}>
        {(attributes) => (
          <input
            {...attributes}
            type="checkbox"
            checked={value === true}
            onChange={(event) => onChange(event.currentTarget.checked)}
          />
        )}
      </Field>
    );
  }
  const held = value === undefined || typeof value === "boolean" ? "" : value;
  return (
    <Field id={id} label={label} help={help} mistake={mistake}>
      {(attributes) =>
        kind === "choice" || kind === "choices"
          ? (
            <select
              {...attributes}
              multiple={kind === "choices"}
              onChange={(event) => {
                const picked = [...event.currentTarget.selectedOptions].map((option) => option.value);
                onChange(kind === "choices" ? picked : (picked[0] ?? ""));
              }}
            >
              {choices?.map((each) => (
                <option key={each} selected={Array.isArray(held) ? held.includes(each) : held === each}>{each}</option>
              ))}
            </select>
          )
          : (
            <input
              {...attributes}
              type={argument.is_secret ? "password" : "text"}
              autocomplete={argument.is_secret ? "new-password" : "off"}
              inputMode={kind === "number" ? "decimal" : "text"}
              required={argument.is_required}
              placeholder={argument.is_secret && argument.is_set ? "as it is" : ""}
              value={String(held)}
              onInput={(event) => onChange(event.currentTarget.value)}
            />
          )}
    </Field>
  );
}
