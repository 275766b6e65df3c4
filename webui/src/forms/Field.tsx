/** A labelled input with its word of help, and what is wrong with it. */

import type { ComponentChildren } from "preact";

/** What ties an input to its label, its help and its mistake. */
export interface FieldAttributes {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby"?: string;
}

interface Props {
  id: string;
  label: string;
  help?: ComponentChildren;
  mistake?: string | undefined;
  children: (attributes: FieldAttributes) => ComponentChildren;
}

export function Field({ id, label, help, mistake, children }: Props) {
  const described = [help && `${id}-help`, mistake && `${id}-mistake`].filter(Boolean).join(" ");
  return (
    <div class={mistake ? "field field-wrong" : "field"}>
      <label for={id}>{label}</label>
      {children({ id, "aria-invalid": Boolean(mistake), ...(described ? { "aria-describedby": described } : {}) })}
      {help && <span class="muted help" id={`${id}-help`}>{help}</span>}
      {mistake && <span class="mistake" id={`${id}-mistake`} role="alert"><Words text={mistake} /></span>}
    </div>
  );
}

/** What is wrong, and below it the text with the place that is: there nothing may be wrapped. */
function Words({ text }: { text: string }) {
  const end = text.indexOf("\n");
  if (end < 0) return <>{text}</>;
  return <>{text.slice(0, end)}<code class="pointed" tabIndex={0}>{text.slice(end + 1)}</code></>;
}
