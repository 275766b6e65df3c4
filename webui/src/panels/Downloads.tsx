/** What can be taken home of the run that is shown. */

import { useDesk } from "../desk";
import { DownloadLink } from "../DownloadLink";

export interface Download {
  href: string;
  title: string;
  hint: string;
}

const DOWNLOADS: readonly Download[] = [
  {
    href: "stats/report?download=1", title: "Report",
    hint: "One file that opens offline: everything that this page shows, for the ticket",
  },
  { href: "stats/requests/csv", title: "Statistics", hint: "CSV, a row for each name" },
  { href: "stats/failures/csv", title: "Failures", hint: "CSV, a row for each group" },
  { href: "exceptions/csv", title: "Exceptions", hint: "CSV, with tracebacks" },
];

const FULL_HISTORY: Download = {
  href: "stats/requests_full_history/csv", title: "Full history", hint: "CSV, every second of every name",
};

interface Props {
  hasFullHistory: boolean;
  /** Those that the locustfile has added. */
  added: readonly { href: string; title: string }[];
}

export function Downloads({ hasFullHistory, added }: Props) {
  const { store } = useDesk();
  if (!store.total.value?.requests) {
    return <div class="panel"><p class="nothing">There is nothing to download before the first request.</p></div>;
  }
  const all = [
    ...DOWNLOADS,
    ...(hasFullHistory ? [FULL_HISTORY] : []),
    ...added.map((each) => ({ ...each, hint: "Added by the locustfile" })),
  ];
  return (
    <div class="panel">
      <ul class="downloads">
        {all.map(({ href, title, hint }) => (
          <li key={href}>
            <DownloadLink class="card" href={href}>
              <b>{title}</b>
              <span class="muted">{hint}</span>
            </DownloadLink>
          </li>
        ))}
      </ul>
    </div>
  );
}
