/** Which rows are shown, and in which order. */

import type { Name, Row } from "../model";
import type { Column } from "./columns";

/** A row with the name that it is of. */
export interface NamedRow {
  row: Row;
  name: Name;
}

export interface Order {
  /** A column's key, or "name" or "method". */
  key: string;
  isDescending: boolean;
}

/** After a click on a column: largest first, smallest first, and then as before there was any order. */
export function nextOrder(order: Order | null, key: string): Order | null {
  const isText = key === "name" || key === "method";
  if (order?.key !== key) return { key, isDescending: !isText };
  return order.isDescending === !isText ? { key, isDescending: isText } : null;
}

export function named(rows: readonly Row[], names: ReadonlyMap<number, Name>): NamedRow[] {
  return rows.map((row) => ({ row, name: names.get(row.id) ?? { id: row.id, method: "", name: `(${row.id})` } }));
}

/** Those in whose method and name every word of the text occurs; `-word` leaves out. */
export function filtered(rows: readonly NamedRow[], text: string): readonly NamedRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter(({ name }) => {
    const whole = `${name.method} ${name.name}`.toLowerCase();
    return words.every((word) => (word.length > 1 && word.startsWith("-") ? !whole.includes(word.slice(1))
      : whole.includes(word)));
  });
}

const collator = new Intl.Collator("en", { numeric: true });

/** In the wished order, by name where that leaves a choice. */
export function sorted(rows: readonly NamedRow[], order: Order | null, columns: readonly Column[]): NamedRow[] {
  const byName = (a: NamedRow, b: NamedRow) =>
    collator.compare(a.name.name, b.name.name) || collator.compare(a.name.method, b.name.method);
  const result = rows.slice();
  const column = columns.find((each) => each.key === order?.key);
  const sign = order?.isDescending ? -1 : 1;
  if (order && column) {
    const values = new Map(rows.map((each) => [each, column.value(each.row)]));
    return result.sort((a, b) => {
      const [x, y] = [values.get(a) ?? null, values.get(b) ?? null];
      if (x === y) return byName(a, b);
      if (x === null || y === null) return x === null ? 1 : -1;
      return sign * (x - y);
    });
  }
  if (order?.key === "method") {
    return result.sort((a, b) => sign * collator.compare(a.name.method, b.name.method) || byName(a, b));
  }
  return order?.key === "name" ? result.sort((a, b) => sign * byName(a, b)) : result.sort(byName);
}
