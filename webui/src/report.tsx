/** The report: the same panels one below the other, fed by the document that lies in the page. */

import "./theme.css";

import { render } from "preact";

import { Desk, DeskProvider, useDesk } from "./desk";
import type { RunDocument } from "./document";
import { dataIn } from "./page";
import { Charts } from "./panels/Charts";
import { Configuration } from "./panels/Configuration";
import { Exceptions } from "./panels/Exceptions";
import { Failures } from "./panels/Failures";
import { Ratios } from "./panels/Ratios";
import { Statistics } from "./panels/Statistics";
import { verdictTab } from "./panels/Verdict";
import { ReportSource } from "./reported";
import { Shell, type Tab } from "./Shell";
import { Store } from "./store";
import { startTheme } from "./theme";

function Report({ document }: { document: RunDocument }) {
  const { store } = useDesk();
  const counts = store.counts.value;
  const tabs: Tab[] = [
    ...verdictTab(store.verdict.value),
    { key: "configuration", title: "Test", panel: () => <Configuration document={document} /> },
    ...(store.course.value.points.length ? [{ key: "charts", title: "Charts", panel: () => <Charts /> }] : []),
    { key: "stats", title: "Statistics", panel: () => <Statistics /> },
    { key: "failures", title: "Failures", badge: counts.failures, tone: "red", panel: () => <Failures /> },
    ...(counts.exceptions
      ? [{ key: "exceptions", title: "Exceptions", badge: counts.exceptions, tone: "red" as const,
        panel: () => <Exceptions /> }]
      : []),
    ...(document.task_ratios ? [{ key: "ratios", title: "Tasks", panel: () => <Ratios /> }] : []),
  ];
  return <Shell tabs={tabs} isOnePage />;
}

function titleOf({ host, started_epoch_s: startedS }: RunDocument): string {
  const when = startedS === null ? "" : new Date(startedS * 1000).toLocaleString();
  return ["Load test report", host, when].filter(Boolean).join(" · ");
}

const root = document.getElementById("root");
if (root) {
  startTheme();
  const run = dataIn("run") as RunDocument | null;
  if (run) {
    document.title = titleOf(run);
    const store = new Store();
    const source = new ReportSource(run);
    source.start(store);
    const desk = new Desk(store, source, [], run.shown_percentiles);
    render(<DeskProvider value={desk}><Report document={run} /></DeskProvider>, root);
  } else {
    render(<p class="nothing">There is no run in this page: gregaria report run.json makes one with it.</p>, root);
  }
}
