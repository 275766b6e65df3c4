/** A window above the page, closed by Esc, its button or a click beside it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    box.current?.showModal();
    // What was opened to be filled in does not begin with the button that closes it.
    box.current?.querySelector<HTMLElement>("form input")?.focus();
  }, []);
  return (
    <dialog
      ref={box}
      aria-label={title}
      onClose={onClose}
      onMouseDown={(event) => {
        if (event.target === box.current) onClose();
      }}
    >
      <div class="dialog-inside">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet icon" onClick={onClose} aria-label="Close" title="Close (Esc)">✕</button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
