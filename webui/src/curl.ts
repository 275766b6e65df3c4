/** A kept request as a command that sends it again. */

import type { Exchange } from "./model";

/** Headers that curl writes itself; a length of its own would be wrong where a secret is masked. */
const LEFT_OUT = /^(host|content-length|connection|transfer-encoding|accept-encoding)$/i;

/** The command for a POSIX shell. Masked secrets are `***` in it, to be filled in by whoever has them. */
export function curlOf(exchange: Exchange): string {
  const parts = ["curl", "-i"];
  if (exchange.method !== "GET") parts.push("-X", quoted(exchange.method));
  parts.push(quoted(exchange.url));
  const { request } = exchange;
  for (const line of request?.head.slice(1) ?? []) {
    const [name = "", ...rest] = line.split(":");
    if (rest.length && !LEFT_OUT.test(name.trim())) parts.push("-H", quoted(`${name}:${rest.join(":")}`));
  }
  if (request?.body && request.is_text) parts.push("--data-binary", quoted(request.body));
  // An option and its value stay on one line.
  return parts.join(" ").replace(/ (-X|-H|--data-binary) /g, " \\\n  $1 ");
}

function quoted(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
