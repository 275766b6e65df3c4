import { describe, expect, it } from "vitest";

import type { Mark, Rule, Verdict } from "../src/model";
import { enderOf, gaugeOf, marksWith, standingsOf } from "../src/verdict";
import { RUN } from "./run";

function rule(given: Partial<Rule> = {}): Rule {
  return {
    rule: "p95 > 500ms", source: "--fail-if", state: "passed", value: 100, limit: 500, unit: "ms",
    broke_epoch_s: null, sentence: "100 ms, the limit is 500 ms", ...given,
  };
}

function verdict(rules: Rule[], given: Partial<Verdict> = {}): Verdict {
  return { passed: true, sentence: "", baseline: null, warmup_s: 0, rules, ...given };
}

describe("the verdict", () => {
  const rules = [
    rule({ rule: "a" }), rule({ rule: "b", state: "no data" }), rule({ rule: "c", state: "not judged" }),
    rule({ rule: "d", state: "broken", broke_epoch_s: 1020 }),
    rule({ rule: "e", state: "broken", broke_epoch_s: 1010 }),
  ];

  it("begins with what broke first", () => {
    const { rules: shown, counts } = standingsOf(verdict(rules), { ...RUN, state: "stopped" });
    expect(shown.map((each) => each.rule.rule)).toEqual(["e", "d", "b", "a", "c"]);
    expect(counts).toEqual({ "broken": 2, "no data": 1, "waiting": 0, "passed": 1, "not judged": 1 });
  });

  it("says of nothing that it has failed for want of data while the test runs", () => {
    const { counts } = standingsOf(verdict(rules), { ...RUN, state: "running" });
    expect(counts).toMatchObject({ "no data": 0, "waiting": 2 });
  });

  it.each([
    [{ value: 100, limit: 500 }, "20 % of the limit", true],
    [{ state: "broken", value: 812, limit: 500 }, "162 % of the limit", true],
    [{ state: "broken", value: 500.2, limit: 500 }, "100.0 % of the limit", true],
    [{ state: "broken", value: 1, limit: 100 }, "1 % of the limit", false],
    [{ value: 163.4, limit: 100 }, "163 % of the limit", false],
    [{ state: "broken", value: 1250, limit: 500 }, "2.5 times the limit", true],
    [{ state: "broken", value: 12_000, limit: 1 }, "12,000 times the limit", true],
  ] as [Partial<Rule>, string, boolean][])("tells how far %j is from its limit", (given, text, isMost) => {
    expect(gaugeOf(rule(given))).toMatchObject({ text, isMost });
  });

  it.each([
    { limit: 0 }, { value: null }, { state: "no data" }, { value: 500 }, { value: 900, rule: "p95 > 500ms for 30s" },
  ] as Partial<Rule>[])("shows no distance for %j", (given) => {
    expect(gaugeOf(rule(given))).toBeNull();
  });

  it("is not led astray by a name", () => {
    expect(gaugeOf(rule({ rule: "p95 of 'wait for 30s' > 500ms" }))).not.toBeNull();
  });

  it("marks where rules broke, and where the warm-up was over", () => {
    const marks: Mark[] = [
      { epochS: 1000, kind: "start", text: "begun" }, { epochS: 1060, kind: "rule", text: "broken: d" },
      { epochS: 1060, kind: "stop", text: "a rule is broken: d" },
    ];
    const marked = marksWith(marks, verdict(rules, { warmup_s: 15 }), RUN, 1060);
    expect(marked.map(({ epochS, kind }) => [epochS, kind]))
      .toEqual([[1000, "start"], [1010, "rule"], [1015, "warmup"], [1020, "rule"], [1060, "stop"]]);
    const still = marksWith(marks, verdict([], { warmup_s: 90 }), RUN, 1060);
    expect(still.map(({ kind }) => kind)).toEqual(["start", "stop"]);
    expect(marksWith(marks, null, RUN, 1060)).toBe(marks);
    expect(enderOf(marks)).toBe("d");
    expect(enderOf(marks.slice(0, 2))).toBeNull();
  });
});
