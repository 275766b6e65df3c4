/** A kept request as a command that makes the very same one again. */

import { count } from "./format";
import type { Exchange, Half } from "./model";

/** Headers that say how the request is put on the wire, which is for curl to know. */
const LEFT_OUT = /^(content-length|transfer-encoding)$/i;
/** Headers that curl adds where it is not told otherwise. */
const ADDED = ["User-Agent", "Accept"];
/** Bytes of a body from which on older curls ask first whether it is welcome. */
const ASKS_FIRST_BYTES = 1024;
/** What stands for a secret in all that is shown. */
const MASK = "***";
/** Seconds for a HEAD with a body: curl waits for one in the answer, too. */
const HEAD_S = 5;

interface Header {
  name: string;
  value: string;
}

/**
 * The command for a shell, each option on a line of its own, below comments that say what in it is not what was sent.
 * Any POSIX shell will do, but for control characters, which bash and zsh know how to write.
 */
export function curlOf(exchange: Exchange): string {
  const { method, request, url } = exchange;
  const headers = headersOf(request);
  const has = (name: string) => headers.some((header) => header.name.toLowerCase() === name.toLowerCase());
  const body = bodyOf(request);
  const options: string[] = [];
  if (method === "HEAD" && body === null) options.push("--head");
  else if (method !== "GET" || body !== null) options.push(`-X ${quoted(method)}`);
  if (method === "HEAD" && body !== null) options.push(`--max-time ${HEAD_S}`);
  for (const { name, value } of headers) {
    if (name.toLowerCase() === "host" ? value !== hostOf(url) : !LEFT_OUT.test(name)) {
      options.push(`-H ${quoted(value ? `${name}: ${value}` : `${name};`)}`);
    }
  }
  // An answer that was asked for in small is to be read all the same.
  if (has("Accept-Encoding")) options.push("--compressed");
  const unwanted = request ? [
    ...ADDED,
    ...(body === null ? [] : ["Content-Type"]),
    ...((request.body_bytes > ASKS_FIRST_BYTES) ? ["Expect"] : []),
  ] : [];
  for (const name of unwanted) if (!has(name)) options.push(`-H ${quoted(`${name}:`)}`);
  if (body !== null) options.push(`--data-raw ${quoted(body)}`);
  const command = [`curl -i${flagsOf(url)} ${quoted(url)}`, ...options].join(" \\\n  ");
  return [...remarksOn(request, command).map((remark) => `# ${remark}`), command].join("\n");
}

/** What curl has to leave alone in an address, and the version that it was spoken in. */
function flagsOf(url: string): string {
  return [
    ...(/[[\]{}]/.test(url) ? [" -g"] : []),
    ...(/\/\.\.?([/?#]|$)/.test(url) ? [" --path-as-is"] : []),
    ...(url.startsWith("https:") ? [" --http1.1"] : []),
  ].join("");
}

function headersOf(request: Half | null): Header[] {
  return (request?.head.slice(1) ?? []).flatMap((line) => {
    const colon = line.indexOf(":");
    return colon > 0 ? [{ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }] : [];
  });
}

/** The body that can be sent again; null for none. An empty one is sent where its length was told. */
function bodyOf(request: Half | null): string | null {
  if (!request?.is_text || request.body === null) return null;
  const isTold = headersOf(request).some(({ name, value }) => name.toLowerCase() === "content-length" && value === "0");
  return request.body || isTold ? request.body : null;
}

function hostOf(url: string): string {
  return /^\w+:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url)?.[1] ?? "";
}

/** What of the request is not in the command, in words that no shell would take for more than that. */
function remarksOn(request: Half | null, command: string): string[] {
  if (!request) return ["nothing is known of headers and body"];
  const { body, body_bytes: all, bytes_left_out: missing, is_text: isText, lines_left_out: lines } = request;
  return [
    ...(lines ? [`headers are cut: ${count(lines)} more are not known`] : []),
    ...(body === null ? ["the body is not known"] : []),
    ...(isText || body === null ? [] : [`the body is no text: its ${count(all)} bytes are left out`]),
    ...(isText && missing ? [`the body is cut: ${count(all - missing)} of ${count(all)} bytes are known`] : []),
    ...(command.includes(MASK) ? [`a secret is masked wherever there is ${MASK}: put it in`] : []),
  ];
}

function quoted(text: string): string {
  if (/^[\w/][\w./:@%+,=-]*$/.test(text)) return text;
  // A terminal would take them for keys that somebody has pressed.
  if (!/[\x00-\x09\x0b-\x1f\x7f]/.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const written = text.replace(/['\\]/g, "\\$&").replace(/[\x00-\x09\x0b-\x1f\x7f]/g, (each) =>
    `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `$'${written}'`;
}
