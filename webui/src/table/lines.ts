/** What stands in the table, line by line: names, the groups they are folded into, and failures below their name. */

import type { Failure } from "../model";
import { type Group, type FoldBy, folded } from "./folding";
import type { NamedRow } from "./order";

export type TableLine =
  | { kind: "group"; key: string; group: Group; isOpen: boolean }
  | { kind: "name"; key: string; entry: NamedRow; isOpen: boolean; depth: number }
  | { kind: "failure"; key: string; failure: Failure };

interface Choice {
  foldBy: FoldBy;
  /** Keys of groups that are folded. */
  closedGroups: ReadonlySet<string>;
  /** Ids of names whose failures are shown. */
  openNames: ReadonlySet<number>;
  failures: readonly Failure[];
}

export function linesOf(rows: readonly NamedRow[], choice: Choice): TableLine[] {
  const nameLines = (entry: NamedRow, depth: number): TableLine[] => {
    const isOpen = choice.openNames.has(entry.row.id);
    const lines: TableLine[] = [{ kind: "name", key: `n${entry.row.id}`, entry, isOpen, depth }];
    if (!isOpen) return lines;
    const its = choice.failures.filter(
      ({ method, name }) => method === entry.name.method && name === entry.name.name,
    );
    return lines.concat(its.map((failure, at) => ({ kind: "failure", key: `f${entry.row.id}.${at}`, failure })));
  };
  if (choice.foldBy === "nothing") return rows.flatMap((entry) => nameLines(entry, 0));
  return folded(rows, choice.foldBy).flatMap((group): TableLine[] => {
    const isOpen = !choice.closedGroups.has(group.key);
    const line: TableLine = { kind: "group", key: `g${group.key}`, group, isOpen };
    return isOpen ? [line, ...group.rows.flatMap((entry) => nameLines(entry, 1))] : [line];
  });
}
