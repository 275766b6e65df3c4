/** A link that saves a file. */

import type { ComponentChildren } from "preact";

import { api } from "./api";
import { useDesk } from "./desk";

interface Props {
  href: string;
  class?: string;
  children: ComponentChildren;
}

/** Saves only what there is: where the login has run out the page goes to it, else a banner says what is wrong. */
export function DownloadLink({ href, class: kind, children }: Props) {
  const desk = useDesk();
  return (
    <a
      href={href}
      class={kind}
      download
      onClick={(event) => {
        event.preventDefault();
        void desk.attempt(async () => {
          await api.knock();
          const link = document.createElement("a");
          link.href = href;
          link.download = "";
          link.click();
        });
      }}
    >
      {children}
    </a>
  );
}
