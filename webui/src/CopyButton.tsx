/** A button that copies a text, and says that it did. */

import { useSignal } from "@preact/signals";

interface Props {
  label: string;
  text: () => string;
}

const SAID_MS = 1500;

export function CopyButton({ label, text }: Props) {
  const said = useSignal("");
  const copy = async () => {
    said.value = (await copied(text())) ? "Copied" : "Not allowed here";
    setTimeout(() => (said.value = ""), SAID_MS);
  };
  return <button type="button" onClick={() => void copy()}>{said.value || label}</button>;
}

async function copied(text: string): Promise<boolean> {
  // Without TLS and off this machine browsers have no clipboard: select and copy does, if anything.
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way where there is no secure context
    const isDone = document.execCommand("copy");
    area.remove();
    return isDone;
  }
}
