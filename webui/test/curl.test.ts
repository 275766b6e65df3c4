import { execFile } from "node:child_process";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { curlOf } from "../src/curl";
import type { Exchange, Half } from "../src/model";

const run = promisify(execFile);

/** What came, byte for byte, each as a string of its bytes. */
const came: string[] = [];
let server: Server;
let host = "";

/** Keeps a request that is whole, and answers it. */
function record(socket: Socket): void {
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (piece: string) => {
    text += piece;
    const end = text.indexOf("\r\n\r\n");
    const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
    if (end < 0 || text.length < end + 4 + length) return;
    came.push(text);
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
}

beforeAll(async () => {
  server = createServer(record);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

interface Sent {
  method?: string;
  target?: string;
  headers?: readonly string[];
  body?: string | null;
  half?: Partial<Half>;
}

/** The exchange that is kept of a request. */
function exchangeOf({ method = "GET", target = "/", headers = [], body = "", half = {} }: Sent): Exchange {
  const bytes = Buffer.byteLength(body ?? "");
  return {
    epoch_s: 0, method, url: `http://${host}${target}`, name: target, error: "500", duration_us: 1, status: 500,
    response: null,
    request: {
      head: [
        `${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers, ...(bytes ? [`Content-Length: ${bytes}`] : []),
      ],
      lines_left_out: 0, body, is_text: true, body_bytes: bytes, bytes_left_out: 0, ...half,
    },
  };
}

/** What the command sends when a shell runs it: the first line, the headers in order, the body. */
async function sentBy(command: string): Promise<{ first: string; headers: string[]; body: string }> {
  came.length = 0;
  await run("bash", ["-c", command.replace("curl -i", "curl -sS --noproxy '*' -i")]);
  expect(came).toHaveLength(1);
  const [head = "", ...rest] = (came[0] ?? "").split("\r\n\r\n");
  const [first = "", ...headers] = head.split("\r\n");
  return { first, headers: headers.sort(), body: Buffer.from(rest.join("\r\n\r\n"), "latin1").toString("utf-8") };
}

const AGENT = "User-Agent: Gregaria";
const ACCEPT = "Accept: */*";
const JSON_TYPE = "Content-Type: application/json";

describe("copy as curl makes the very request", () => {
  const cases: Record<string, Sent> = {
    "with nothing but what it has to have": {},
    "with headers that say little or much": {
      headers: [
        AGENT, ACCEPT, "X-Empty:", "X-Odd: it's: `x` $(id) \"!\"", "Accept-Encoding: gzip", "Cookie: a=1; b=2",
      ],
    },
    "of a body, which may look like options": {
      method: "POST", headers: [AGENT, JSON_TYPE],
      body: "{\"who\": \"it's me\", \"as\": \"a -H b -X c --data-raw d\"}\n",
    },
    "of a body that begins with @, which is no file": { method: "POST", headers: [JSON_TYPE], body: "@/etc/hostname" },
    "of a body without a type": { method: "PUT", headers: [AGENT, ACCEPT], body: "=plain" },
    "of GET with a body": { method: "GET", headers: [JSON_TYPE], body: "{\"query\": {}}" },
    "of HEAD": { method: "HEAD", headers: [AGENT] },
    "of HEAD with a body": { method: "HEAD", headers: [AGENT], body: "odd" },
    "of a method that nobody knows": { method: "PURGE", target: "/cache" },
    "of POST with an empty body": { method: "POST", headers: [AGENT, "Content-Length: 0"] },
    "of POST without any": { method: "POST", headers: [AGENT] },
    "of parts with line ends and tabs": {
      method: "POST", headers: ["Content-Type: multipart/form-data; boundary=x"],
      body: "--x\r\nContent-Disposition: form-data; name=\"it's\"\r\n\r\na\tb\\n\r\n--x--\r\n",
    },
    "of a body that is long, and of letters": { method: "POST", headers: [JSON_TYPE], body: "é€".repeat(1000) },
    "to an address with brackets": { target: "/list[1-3]?a={x,y}&b=$(id)&c='" },
    "to an address with dots": { target: "/a/../b/./c" },
  };
  it.each(Object.keys(cases))("%s", async (name) => {
    const exchange = exchangeOf(cases[name] ?? {});
    const sent = await sentBy(curlOf(exchange));
    const [first, ...headers] = exchange.request?.head ?? [];
    expect(sent).toEqual({ first, headers: headers.sort(), body: exchange.request?.body });
    expect(curlOf(exchange)).not.toMatch(/^#/m);
  });

  it("to another name than that of the address", async () => {
    const exchange = exchangeOf({ headers: [AGENT] });
    const head = ["GET / HTTP/1.1", "Host: shop.example", AGENT];
    const request = exchange.request && { ...exchange.request, head };
    expect((await sentBy(curlOf({ ...exchange, request }))).headers).toEqual(["Host: shop.example", AGENT]);
  });
});

describe("copy as curl says what is not as it was", () => {
  const remarks = (sent: Sent) => curlOf(exchangeOf(sent)).split("\n").filter((line) => line.startsWith("#"));

  it("where the body is cut, no text, or not known", async () => {
    const cut = { method: "POST", body: "abcd", half: { body_bytes: 9000, bytes_left_out: 4904 } };
    expect(remarks(cut)).toEqual(["# the body is cut: 4,096 of 9,000 bytes are known"]);
    expect((await sentBy(curlOf(exchangeOf(cut)))).body).toBe("abcd");
    const binary = { method: "POST", body: "\ufffd", half: { is_text: false, body_bytes: 300 } };
    expect(remarks(binary)).toEqual(["# the body is no text: its 300 bytes are left out"]);
    expect((await sentBy(curlOf(exchangeOf(binary)))).body).toBe("");
    expect(remarks({ method: "POST", body: null })).toEqual(["# the body is not known"]);
  });

  it("where headers are cut, or secrets masked", async () => {
    const sent = { headers: ["Authorization: Bearer ***", AGENT], half: { lines_left_out: 2 } };
    expect(remarks(sent)).toEqual([
      "# headers are cut: 2 more are not known", "# a secret is masked wherever there is ***: put it in",
    ]);
    expect((await sentBy(curlOf(exchangeOf(sent)))).headers).toContain("Authorization: Bearer ***");
  });

  it("where nothing is known of the request", () => {
    const exchange = { ...exchangeOf({}), url: "https://shop/", request: null };
    expect(curlOf(exchange)).toBe("# nothing is known of headers and body\ncurl -i --http1.1 https://shop/");
  });
});
