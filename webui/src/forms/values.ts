/** What somebody has typed into a form, checked and made into what `/swarm` takes. */

import type { SwarmFields } from "../api";
import { runTime } from "../format";
import type { Argument, FormModel, SwarmAnswer } from "../model";

/** A form's state: text of every field, chosen classes and shape, and the arguments by name. */
export interface FormValues {
  users: string;
  spawnRate: string;
  host: string;
  runTime: string;
  profile: string;
  maxRps: string;
  /** A rule in each line. */
  rules: string;
  userClasses: readonly string[];
  shape: string;
  arguments: Record<string, string | boolean | readonly string[]>;
}

/** What is wrong, by field: a sentence that says what to do. */
export type Mistakes = Partial<Record<string, string>>;

/** The shape that is none. */
export const NO_SHAPE = "Default";

export function valuesOf(form: FormModel): FormValues {
  return {
    users: String(form.values.user_count ?? 1),
    spawnRate: String(form.values.spawn_rate ?? 1),
    host: form.values.host ?? "",
    runTime: form.values.run_time_s ? runTime(form.values.run_time_s) : "",
    profile: form.values.profile ?? "",
    maxRps: form.limits.max_rps === null ? "" : String(form.limits.max_rps),
    rules: form.limits.rules.join("\n"),
    userClasses: form.user_classes.filter(({ is_chosen }) => is_chosen).map(({ name }) => name),
    shape: form.shape ?? NO_SHAPE,
    arguments: Object.fromEntries(form.options.map((each) => [each.name, valueOf(each)])),
  };
}

function valueOf({ kind, value }: Argument): string | boolean | readonly string[] {
  if (kind === "bool") return value === true;
  if (kind === "choices") return Array.isArray(value) ? value.map(String) : value === null ? [] : [String(value)];
  return value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value);
}

/** What may be kept of a form: secrets stay in it. */
export function withoutSecrets(form: FormModel, values: FormValues): FormValues {
  const isSecret = new Set(form.options.filter(({ is_secret }) => is_secret).map(({ name }) => name));
  const told = Object.entries(values.arguments).filter(([name]) => !isSecret.has(name));
  return { ...values, arguments: Object.fromEntries(told) };
}

/** A form with what was typed into it before; fields that there are no more, or not yet, are left as they are. */
export function withKept(values: FormValues, kept: Partial<FormValues> | null): FormValues {
  if (!kept) return values;
  const known = Object.entries(kept.arguments ?? {}).filter(([name]) => name in values.arguments);
  return { ...values, ...kept, arguments: { ...values.arguments, ...Object.fromEntries(known) } };
}

/** Whether a shape decides the number of users, so that nobody is asked for it. */
export function isShaped(form: FormModel, values: FormValues): boolean {
  if (form.picks_classes && values.shape !== form.shape) return values.shape !== NO_SHAPE;
  return form.shape !== null && !form.shape_uses_options;
}

/** What is wrong with a number of users as it was typed; undefined when nothing is. */
export function mistakeInUsers(text: string): string | undefined {
  return /^\d+$/.test(text.trim()) ? undefined : "Write a whole number of users, such as 50.";
}

export function mistakeInRate(text: string): string | undefined {
  const rate = Number(text);
  return rate > 0 && Number.isFinite(rate)
    ? undefined : "Write how many users start each second: a number above 0, such as 5.";
}

export function mistakeInMaxRps(text: string): string | undefined {
  const rate = Number(text);
  return !text.trim() || (rate > 0 && Number.isFinite(rate))
    ? undefined : "Write a number above 0, such as 500, or leave it empty for any number.";
}

export function mistakeInRunTime(text: string): string | undefined {
  return RUN_TIME.test(text.trim()) || !text.trim()
    ? undefined : "Write a time such as 90, 90s, 5m or 1h30m, or leave it empty for no limit.";
}

const RUN_TIME = /^(\d+(\.\d+)?s?|(?=\d)(\d+h)?(\d+m)?(\d+s)?)$/;

export function mistakesIn(form: FormModel, values: FormValues): Mistakes {
  const mistakes: Mistakes = {};
  const note = (field: string, mistake: string | undefined) => {
    if (mistake) mistakes[field] = mistake;
  };
  if (!isShaped(form, values)) {
    note("users", mistakeInUsers(values.users));
    note("spawnRate", mistakeInRate(values.spawnRate));
  }
  note("runTime", mistakeInRunTime(values.runTime));
  if (form.own_fields.includes("max_rps")) note("maxRps", mistakeInMaxRps(values.maxRps));
  if (form.is_host_required && !values.host.trim()) {
    mistakes["host"] = "Write where requests go, such as https://shop.example.";
  }
  if (form.picks_classes && !values.userClasses.length) mistakes["userClasses"] = "Choose at least one class of users.";
  for (const each of form.options) {
    const value = values.arguments[each.name];
    const isEmpty = value === "" || (Array.isArray(value) && !value.length);
    // A secret that is set is not told, and stays as it is where nothing is written.
    if (each.is_required && isEmpty && !(each.is_secret && each.is_set)) mistakes[`argument.${each.name}`] = "This one has to have a value.";
    else if (each.kind === "number" && !isEmpty && !Number.isFinite(Number(value))) {
      mistakes[`argument.${each.name}`] = "Write a number.";
    }
  }
  return mistakes;
}

/** A word about the host that is a doubt, not a mistake. */
export function doubtAbout(host: string): string | null {
  if (!host.trim() || /^https?:\/\/[^/\s]+/.test(host.trim())) return null;
  return "This does not look like http://… or https://…; it is used as it is.";
}

export function swarmFields(form: FormModel, values: FormValues): SwarmFields {
  const fields: SwarmFields = { host: values.host.trim() };
  if (!isShaped(form, values)) {
    fields["user_count"] = values.users.trim();
    fields["spawn_rate"] = values.spawnRate.trim();
  }
  if (values.runTime.trim()) fields["run_time"] = values.runTime.trim();
  if (values.profile.trim()) fields["profile"] = values.profile.trim();
  if (form.own_fields.includes("max_rps")) fields["max_rps"] = values.maxRps.trim();
  if (form.own_fields.includes("fail_if")) fields["fail_if"] = values.rules.split("\n");
  if (form.picks_classes) {
    fields["user_classes"] = values.userClasses;
    fields["shape_class"] = values.shape;
  }
  for (const { name, is_secret } of form.options) {
    const value = values.arguments[name];
    if (value === undefined || (is_secret && value === "")) continue;
    fields[name] = typeof value === "boolean" ? String(value) : value;
  }
  return fields;
}

/** Where the form has what `/swarm` calls that. */
const PLACES: Record<string, string> = {
  user_count: "users", spawn_rate: "spawnRate", run_time: "runTime", host: "host", max_rps: "maxRps", fail_if: "rules",
  user_classes: "userClasses", shape_class: "shape",
};

/** What the server refuses, beside the field that it is about; null where it is about none that is there. */
export function mistakeOf(form: FormModel, { field, message }: SwarmAnswer): Mistakes | null {
  if (field === undefined) return null;
  if (form.options.some(({ name }) => name === field)) return { [`argument.${field}`]: message };
  const place = PLACES[field];
  return place === undefined ? null : { [place]: message };
}
