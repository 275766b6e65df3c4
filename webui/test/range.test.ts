import { beforeEach, describe, expect, it } from "vitest";

import { View } from "../src/charts/range";
import { Store } from "../src/store";
import { hello } from "./run";

let view: View;

beforeEach(() => {
  const store = new Store();
  const points = Array.from({ length: 100 }, (_, at) => [1000 + at, 1, 5, 1, 0, 9, [1, 1, 1, 1, 1], [], 0] as const);
  store.hello(hello({ points: points.map((each) => [...each]) }));
  view = new View(store);
});

describe("the view", () => {
  it("is of the whole run until somebody chooses", () => {
    expect(view.span.value).toEqual({ fromS: 1000, toS: 1100 });
    expect(view.window.value).toBeNull();
  });

  it("follows the last seconds", () => {
    view.showLast(30);
    expect(view.span.value).toEqual({ fromS: 1070, toS: 1100 });
    expect(view.window.value).toBeNull();
  });

  it("is cut to whole seconds of the run, either way round", () => {
    view.choose(1080.2, 1049.7);
    expect(view.span.value).toMatchObject({ fromS: 1049, toS: 1081 });
    view.choose(900, 1010.5);
    expect(view.span.value).toMatchObject({ fromS: 1000, toS: 1011 });
    view.choose(1050.1, 1050.2);
    expect(view.span.value).toMatchObject({ fromS: 1050, toS: 1052 });
    view.choose(1099.9, 1100);
    expect(view.span.value).toMatchObject({ fromS: 1098, toS: 1100 });
  });

  it("is moved as far as the run goes", () => {
    view.choose(1010, 1030);
    view.pan(0.5);
    expect(view.span.value).toMatchObject({ fromS: 1020, toS: 1040 });
    view.pan(10);
    expect(view.span.value).toMatchObject({ fromS: 1080, toS: 1100 });
    view.pan(-10);
    expect(view.span.value).toMatchObject({ fromS: 1000, toS: 1020 });
  });

  it("comes closer, and shows all when it is wide enough", () => {
    view.zoom(0.5);
    expect(view.span.value).toMatchObject({ fromS: 1025, toS: 1075 });
    view.zoom(4);
    expect(view.range.value).toEqual({ kind: "all" });
  });
});
