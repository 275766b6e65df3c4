import { describe, expect, it } from "vitest";

import {
  doubtAbout, isShaped, mistakeOf, mistakesIn, swarmFields, valuesOf, withKept, withoutSecrets,
} from "../src/forms/values";
import type { Argument, FormModel } from "../src/model";

const ARGUMENT: Argument = {
  name: "tenant", value: "acme", is_set: true, kind: "text", choices: null, help: null, is_secret: false,
  is_required: false,
};

/** How a form says that there is no cap, and no rule. */
const NO_LIMITS = { max_rps: "", fail_if: [""] };

function form(given: Partial<FormModel> = {}): FormModel {
  return {
    values: { user_count: 50, spawn_rate: 5, host: "https://shop", run_time_s: 90, profile: null },
    is_running: false, is_host_required: false, picks_classes: false,
    user_classes: [
      { name: "A", host: null, weight: 1, fixed_count: 0, is_chosen: true },
      { name: "B", host: null, weight: 1, fixed_count: 0, is_chosen: false },
    ],
    user_tasks: {}, shapes: [], shape: null, shape_uses_options: false, options: [], is_distributed: false,
    own_fields: ["max_rps", "fail_if"],
    limits: { max_rps: null, most_rps: null, rules: [], other_rules: [], warmup_s: 0, baseline: null, allow_hosts: [] },
    expected_workers: 0, worker_count: 0, ...given,
  };
}

describe("the start form", () => {
  it("begins with the last values and sends them in Locust's fields", () => {
    const model = form();
    expect(swarmFields(model, valuesOf(model)))
      .toEqual({ host: "https://shop", user_count: "50", spawn_rate: "5", run_time: "1m30s", ...NO_LIMITS });
  });

  it.each([
    ["users", "", "users"], ["users", "-1", "users"], ["users", "1.5", "users"], ["spawnRate", "0", "spawnRate"],
    ["spawnRate", "fast", "spawnRate"], ["runTime", "tomorrow", "runTime"], ["runTime", "5x", "runTime"],
    ["maxRps", "0", "maxRps"], ["maxRps", "much", "maxRps"],
  ])("says what to do about %s = %j", (field, value, expected) => {
    const model = form();
    const mistakes = mistakesIn(model, { ...valuesOf(model), [field]: value });
    expect(Object.keys(mistakes)).toEqual([expected]);
  });

  it.each(["", "90", "90s", "5m", "1h30m", "1h", "2h3m4s"])("takes %j as a run time", (runTime) => {
    const model = form();
    expect(mistakesIn(model, { ...valuesOf(model), runTime })).toEqual({});
  });

  it("wants a host where that is required, and a class where they are chosen", () => {
    const model = form({ is_host_required: true, picks_classes: true });
    const values = { ...valuesOf(model), host: " ", userClasses: [] };
    expect(Object.keys(mistakesIn(model, values)).sort()).toEqual(["host", "userClasses"]);
  });

  it("only doubts a host that looks odd", () => {
    expect(doubtAbout("shop.example")).toMatch(/http/);
    expect(doubtAbout("https://shop.example")).toBeNull();
  });

  it("sends chosen classes and shape, and no users where the shape decides", () => {
    const model = form({ picks_classes: true, shapes: ["Wave"] });
    const values = { ...valuesOf(model), shape: "Wave" };
    expect(valuesOf(model).userClasses).toEqual(["A"]);
    expect(isShaped(model, values)).toBe(true);
    expect(swarmFields(model, values))
      .toEqual({ host: "https://shop", run_time: "1m30s", user_classes: ["A"], shape_class: "Wave", ...NO_LIMITS });
  });

  it("asks for users all the same where the shape wants them", () => {
    const model = form({ shape: "Wave", shape_uses_options: true });
    expect(isShaped(model, valuesOf(model))).toBe(false);
    expect(isShaped(form({ shape: "Wave" }), valuesOf(model))).toBe(true);
  });

  it("leaves a secret as it is where nothing is written, and sends all other arguments", () => {
    const model = form({
      options: [
        ARGUMENT, { ...ARGUMENT, name: "token", value: null, kind: "secret", is_secret: true, is_required: true },
        { ...ARGUMENT, name: "fast", value: true, kind: "bool" },
        { ...ARGUMENT, name: "sizes", value: ["s", "m"], kind: "choices", choices: ["s", "m", "l"] },
      ],
    });
    const values = valuesOf(model);
    expect(mistakesIn(model, values)).toEqual({});
    expect(swarmFields(model, values)).toMatchObject({ tenant: "acme", fast: "true", sizes: ["s", "m"] });
    expect(swarmFields(model, values)).not.toHaveProperty("token");
    const written = { ...values, arguments: { ...values.arguments, token: "sesame" } };
    expect(swarmFields(model, written)).toMatchObject({ token: "sesame" });
  });

  it("wants required arguments, and numbers to be numbers", () => {
    const model = form({
      options: [
        { ...ARGUMENT, value: "", is_required: true }, { ...ARGUMENT, name: "n", value: "three", kind: "number" },
      ],
    });
    expect(Object.keys(mistakesIn(model, valuesOf(model)))).toEqual(["argument.tenant", "argument.n"]);
  });

  it("sends a rule of each line, and a cap; but nothing that an option of the locustfile is called", () => {
    const model = form();
    const values = { ...valuesOf(model), maxRps: " 500 ", rules: "p95 > 1s\nfail_ratio > 1%" };
    expect(swarmFields(model, values)).toMatchObject({ max_rps: "500", fail_if: ["p95 > 1s", "fail_ratio > 1%"] });
    const fields = swarmFields(form({ own_fields: [] }), values);
    expect(fields).not.toHaveProperty("max_rps");
    expect(fields).not.toHaveProperty("fail_if");
  });

  it("shows a refusal beside the field that it is about", () => {
    const model = form({ options: [ARGUMENT] });
    const refused = { success: false, message: "no" };
    expect(mistakeOf(model, { ...refused, field: "fail_if" })).toEqual({ rules: "no" });
    expect(mistakeOf(model, { ...refused, field: "tenant" })).toEqual({ "argument.tenant": "no" });
    expect(mistakeOf(model, refused)).toBeNull();
  });

  it("keeps what was typed, but no secret, and takes up what there is of it", () => {
    const secret: Argument = { ...ARGUMENT, name: "token", value: null, kind: "secret", is_secret: true };
    const model = form({ options: [ARGUMENT, secret] });
    const typed = { ...valuesOf(model), users: "7", arguments: { tenant: "globex", token: "sesame" } };
    const kept = withoutSecrets(model, typed);
    expect(JSON.stringify(kept)).not.toContain("sesame");
    const now = valuesOf(form({ options: [secret, { ...ARGUMENT, name: "new", value: "x" }] }));
    expect(withKept(now, kept)).toEqual({ ...typed, arguments: { token: "", new: "x" } });
    expect(withKept(now, null)).toEqual(now);
  });
});
