import { execFileSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { curlOf } from "../src/curl";
import type { Exchange } from "../src/model";

const EXCHANGE: Exchange = {
  epoch_s: 0, method: "POST", url: "https://shop/checkout?a=1&b=$(id)", name: "/checkout", error: "500",
  duration_us: 1, status: 500, response: null,
  request: {
    head: [
      "POST /checkout HTTP/1.1", "Host: shop", "Authorization: Bearer ***", "Content-Length: 19", "X-Odd: it's: `x`",
    ],
    lines_left_out: 0, body: "{\"who\": \"it's me\"}\n", is_text: true, body_bytes: 19, bytes_left_out: 0,
  },
};

/** The words that a real shell makes of the command. */
function words(command: string): string[] {
  const script = command.replace(/^curl/, "printf '%s\\0'");
  return execFileSync("/bin/sh", ["-c", script], { encoding: "utf-8" }).split("\0").slice(0, -1);
}

describe("copy as curl", () => {
  it("says for a shell exactly what was sent, but for what curl writes itself", () => {
    expect(words(curlOf(EXCHANGE))).toEqual([
      "-i", "-X", "POST", "https://shop/checkout?a=1&b=$(id)", "-H", "Authorization: Bearer ***", "-H",
      "X-Odd: it's: `x`", "--data-binary", "{\"who\": \"it's me\"}\n",
    ]);
  });

  it("sends no body that is no text, and does without a request that is not known", () => {
    const request = EXCHANGE.request && { ...EXCHANGE.request, is_text: false };
    expect(words(curlOf({ ...EXCHANGE, request }))).not.toContain("--data-binary");
    expect(curlOf({ ...EXCHANGE, method: "GET", url: "https://shop/", request: null })).toBe("curl -i https://shop/");
  });
});
