/** The frame around the panels: bar, glance, banners, tabs, and what opens above them. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { Banners } from "./Banners";
import { useDesk } from "./desk";
import { Dialog } from "./Dialog";
import { short } from "./format";
import { EditForm } from "./forms/EditForm";
import { StartForm } from "./forms/StartForm";
import { Glance } from "./Glance";
import { KEYS, listenToKeys } from "./keys";
import { NameDrawer } from "./panels/NameDrawer";
import { toggleTheme } from "./theme";
import { TopBar } from "./TopBar";

export interface Tab {
  key: string;
  title: string;
  /** A number beside the title, where there is something to see. */
  badge?: number;
  tone?: "red" | "amber";
  panel: () => ComponentChildren;
}

interface Props {
  tabs: readonly Tab[];
  /** What stands there instead of the tabs, such as the form before the first test. */
  instead?: ComponentChildren;
  /** Whether all panels stand below each other, and tabs lead to them. */
  isOnePage?: boolean;
}

export function Shell({ tabs, instead, isOnePage = false }: Props) {
  const desk = useDesk();
  const open = tabs.find(({ key }) => key === desk.tab.value) ?? tabs[0];
  const latest = useRef(tabs);
  latest.current = tabs;
  useEffect(() => listenToKeys(desk, () => latest.current.map(({ key }) => key), toggleTheme), []);
  useEffect(() => {
    if (instead || !desk.tab.value) return;
    if (isOnePage) {
      document.getElementById(sectionOf(desk.tab.value))?.scrollIntoView({ behavior: "smooth" });
      return;
    }
    const address = new URL(location.href);
    address.searchParams.set("tab", desk.tab.value);
    history.replaceState(null, "", address);
  }, [desk.tab.value]);
  return (
    <>
      <div class="top">
        <TopBar />
        {!instead && <Glance />}
        {!instead && <TabList tabs={tabs} open={open?.key ?? ""} />}
      </div>
      <Banners />
      <main>{isOnePage ? <Sections tabs={tabs} /> : (instead ?? open?.panel())}</main>
      <NameDrawer />
      <Dialogs />
    </>
  );
}

function Sections({ tabs }: { tabs: readonly Tab[] }) {
  return (
    <>
      {tabs.map(({ key, title, panel }) => (
        <section class="part" id={sectionOf(key)} key={key} aria-label={title}>
          <h2>{title}</h2>
          {panel()}
        </section>
      ))}
    </>
  );
}

function sectionOf(key: string): string {
  return `part-${key}`;
}

function TabList({ tabs, open }: { tabs: readonly Tab[]; open: string }) {
  const desk = useDesk();
  return (
    <nav class="tabs" aria-label="Parts of the page">
      {tabs.map(({ key, title, badge, tone }) => (
        <button
          type="button"
          key={key}
          aria-current={key === open ? "page" : undefined}
          onClick={() => (desk.tab.value = key)}
        >
          {title}
          {badge ? <span class={`badge ${tone ?? ""}`}>{short(badge)}</span> : null}
        </button>
      ))}
    </nav>
  );
}

function Dialogs() {
  const { dialog } = useDesk();
  const close = () => (dialog.value = null);
  switch (dialog.value) {
    case "new":
      return <Dialog title="New test" onClose={close}><StartForm onDone={close} /></Dialog>;
    case "edit":
      return <Dialog title="Change the running test" onClose={close}><EditForm onDone={close} /></Dialog>;
    case "keys":
      return (
        <Dialog title="Keys" onClose={close}>
          <dl class="keys">
            {KEYS.map(([key, what]) => (
              <div key={key}>
                <dt><kbd>{key}</kbd></dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      );
    default:
      return null;
  }
}
