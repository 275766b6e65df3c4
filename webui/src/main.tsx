/** The page of a test that goes on: fed by the server's events. */

import "./theme.css";

import { render } from "preact";
import { useEffect } from "preact/hooks";

import { Desk, DeskProvider, useDesk } from "./desk";
import { StartForm } from "./forms/StartForm";
import { goBack, hasKept } from "./login-trip";
import { isActive } from "./model";
import { Charts } from "./panels/Charts";
import { Downloads } from "./panels/Downloads";
import { Exceptions } from "./panels/Exceptions";
import { Extended, type ExtendedTable } from "./panels/Extended";
import { Failures } from "./panels/Failures";
import { Logs } from "./panels/Logs";
import { Ratios } from "./panels/Ratios";
import { Runs } from "./panels/Runs";
import { Statistics } from "./panels/Statistics";
import { verdictTab } from "./panels/Verdict";
import { Workers } from "./panels/Workers";
import { dataIn } from "./page";
import { Shell, type Tab } from "./Shell";
import { LiveSource } from "./source";
import { Store } from "./store";
import { startTheme } from "./theme";

/** What a locustfile has added to the page. */
interface PageArguments {
  extended_tabs?: { key: string; title: string }[];
  extended_tables?: ExtendedTable[];
  extended_csv_files?: { href: string; title: string }[];
  stats_history_enabled?: boolean;
  all_profiles?: string[];
  percentiles_to_statistics?: number[];
  percentiles_to_chart?: number[];
}

function Page({ added }: { added: PageArguments }) {
  const { store, dialog } = useDesk();
  const run = store.run.value;
  const counts = store.counts.value;
  const tabs: Tab[] = [
    { key: "stats", title: "Statistics", panel: () => <Statistics /> },
    { key: "charts", title: "Charts", panel: () => <Charts /> },
    { key: "failures", title: "Failures", badge: counts.failures, tone: "red", panel: () => <Failures /> },
    { key: "exceptions", title: "Exceptions", badge: counts.exceptions, tone: "red", panel: () => <Exceptions /> },
    { key: "ratios", title: "Tasks", panel: () => <Ratios /> },
    ...verdictTab(store.verdict.value),
    ...(run?.is_distributed
      ? [{ key: "workers", title: "Workers", badge: store.workers.value.length, panel: () => <Workers /> }]
      : []),
    { key: "logViewer", title: "Logs", badge: counts.log_warnings, panel: () => <Logs /> },
    {
      key: "reports",
      title: "Downloads",
      panel: () => (
        <Downloads hasFullHistory={Boolean(added.stats_history_enabled)} added={added.extended_csv_files ?? []} />
      ),
    },
    { key: "runs", title: "Runs", panel: () => <Runs /> },
    ...(added.extended_tabs ?? []).map(({ key, title }): Tab => {
      const table = added.extended_tables?.find((each) => each.key === key);
      return { key, title, panel: () => table && <Extended table={table} /> };
    }),
  ];
  const isBeforeFirst = run?.state === "ready" && run.started_epoch_s === null;
  useEffect(() => {
    // What was typed before the login ran out; where a test runs by now it waits for the next one.
    if (run && !isBeforeFirst && !isActive(run.state) && hasKept()) dialog.value = "new";
  }, [run === null]);
  return isBeforeFirst ? <Shell tabs={tabs} instead={<Beginning />} /> : <Shell tabs={tabs} />;
}

/** Before the first test. */
function Beginning() {
  const { store } = useDesk();
  const run = store.run.value;
  return (
    <div class="beginning">
      <section class="sheet">
        <h1>Start a test</h1>
        <p class="muted">{run?.locustfiles.map((path) => path.replace(/^.*\//, "")).join(", ")}</p>
        <StartForm onDone={() => undefined} />
      </section>
      <p class="muted version">Gregaria {store.version.value}</p>
    </div>
  );
}

const root = document.getElementById("root");
if (root && !goBack()) {
  startTheme();
  const store = new Store();
  const source = new LiveSource();
  const added: PageArguments = dataIn("template_args") ?? {};
  const { percentiles_to_statistics: table, percentiles_to_chart: chart } = added;
  const desk = new Desk(store, source, added.all_profiles, table && chart && { table, chart });
  desk.tab.value = new URL(location.href).searchParams.get("tab") ?? "";
  source.start(store);
  render(<DeskProvider value={desk}><Page added={added} /></DeskProvider>, root);
}
