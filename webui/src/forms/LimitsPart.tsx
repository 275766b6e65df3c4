/** The part of the start form that says what must not be, and what the test may not do. */

import { duration } from "../format";
import type { FormModel } from "../model";
import { Field } from "./Field";
import type { FormValues, Mistakes } from "./values";

/** Lines that the field for rules has at least, and at most without scrolling. */
const FEWEST_LINES = 2;
const MOST_LINES = 8;

interface Props {
  form: FormModel;
  values: FormValues;
  mistakes: Mistakes;
  idOf: (field: string) => string;
  onChange: (part: Partial<FormValues>) => void;
}

export function LimitsPart({ form, values, mistakes, idOf, onChange }: Props) {
  const { own_fields: own } = form;
  const facts = factsOf(form);
  const most = form.limits.most_rps;
  const isSet = Boolean(values.maxRps || values.rules.trim() || facts.length);
  if (!own.length && !facts.length) return null;
  const lines = values.rules.split("\n").length;
  return (
    <details open={isSet}>
      <summary>Limits and rules</summary>
      <div class="field-rows">
        {own.includes("max_rps") && (
          <Field
            id={idOf("maxRps")}
            label="Requests per second"
            help={`at most, over all users and workers; ${most === null ? "empty: any number" : `no more than ${most}, by --max-rps`}`}
            mistake={mistakes["maxRps"]}
          >
            {(attributes) => (
              <input
                {...attributes}
                inputMode="decimal"
                placeholder={most === null ? "any number" : ""}
                value={values.maxRps}
                onInput={(event) => onChange({ maxRps: event.currentTarget.value })}
              />
            )}
          </Field>
        )}
        {own.includes("fail_if") && (
          <Field
            id={idOf("rules")}
            label="Fail if"
            help={<>a rule in each line, as <code>p95 &gt; 500ms</code> or <code>fail_ratio &gt; 1%</code></>}
            mistake={mistakes["rules"]}
          >
            {(attributes) => (
              <textarea
                {...attributes}
                class="mono"
                rows={Math.min(Math.max(lines, FEWEST_LINES), MOST_LINES)}
                spellcheck={false}
                value={values.rules}
                onInput={(event) => onChange({ rules: event.currentTarget.value })}
              />
            )}
          </Field>
        )}
        {facts.length > 0 && (
          <dl class="pairs">
            {facts.map(([name, value]) => (
              <div key={`${name} ${value}`}>
                <dt>{name}</dt>
                <dd class="break">{value}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </details>
  );
}

/** What was set elsewhere, and is only shown. */
function factsOf({ limits }: FormModel): [string, string][] {
  const { warmup_s: warmupS, baseline, allow_hosts: hosts, other_rules: others } = limits;
  return [
    ...(warmupS ? [["Warm-up", `${duration(warmupS)} that no rule looks at`] as [string, string]] : []),
    ...(baseline ? [["Baseline", baseline] as [string, string]] : []),
    ...(hosts.length ? [["Hosts allowed", hosts.join(", ")] as [string, string]] : []),
    ...others.map(({ rule, source }): [string, string] => [`By ${source}`, rule]),
  ];
}
