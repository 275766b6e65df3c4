/** Every request that the page makes. All addresses are relative, so that the page works below any base path. */

import type {
  Comparison, Failures, FormModel, KeptRun, Logs, Percentiles, SwarmAnswer, TaskRatios, WirePoint, WireWindow,
} from "./model";
import { goToLogin } from "./login-trip";

/** The server's answer was no success; the message is for the person who looks at the page. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    // Nothing that is asked for here leads elsewhere, but to the login page.
    answer = await fetch(path, { credentials: "same-origin", redirect: "manual", ...options });
  } catch {
    throw new ApiError("The server did not answer. Is the test's process still there?", 0);
  }
  if (answer.status === 401 || answer.type === "opaqueredirect") {
    goToLogin();
    throw new ApiError("Your login has run out, and nothing was done: log in again.", 401);
  }
  if (!answer.ok) {
    const text = (await answer.text()).trim();
    const isText = text && !text.startsWith("<") && text.length < 500;
    throw new ApiError(isText ? text : `The server answered ${answer.status} to ${path}.`, answer.status);
  }
  return answer;
}

async function get<T>(path: string): Promise<T> {
  return (await (await ask(path)).json()) as T;
}

/** What starts or changes a test: Locust's form fields; lists are sent once for each of their values. */
export type SwarmFields = Record<string, string | readonly string[]>;

export const api = {
  events: "api/events",

  window: (fromS: number, toS: number) => get<WireWindow>(`api/window?from=${fromS}&to=${toS}`),

  series: (id: number, fromS: number, toS: number) =>
    get<{ points: WirePoint[] }>(`api/series?id=${id}&from=${fromS}&to=${toS}`),

  groups: async (groups: readonly (readonly number[])[], span: readonly [number, number] | null) => {
    const body = JSON.stringify({ groups, span });
    const headers = { "Content-Type": "application/json" };
    return (await (await ask("api/groups", { method: "POST", body, headers })).json()) as { groups: Percentiles[] };
  },

  failures: () => get<Failures>("api/failures"),
  form: () => get<FormModel>("api/form"),
  tasks: () => get<TaskRatios>("api/tasks"),
  logs: () => get<Logs>("api/logs"),
  runs: () => get<KeptRun[]>("api/runs"),
  compare: (a: string, b: string) =>
    get<Comparison>(`api/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`),

  /** See that the server is there, and lets this page in. */
  knock: async (): Promise<void> => {
    await ask("api/runs", { method: "HEAD" });
  },

  /** Locust's statistics, for tabs that a locustfile has added. */
  locustStats: () => get<{ extended_stats?: { key: string; data: Record<string, unknown>[] }[] }>("stats/requests"),

  async swarm(fields: SwarmFields): Promise<SwarmAnswer> {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) {
      for (const each of typeof value === "string" ? [value] : value) body.append(name, each);
    }
    const answer = await ask("swarm", { method: "POST", body });
    const field = answer.headers.get("X-Wrong-Field");
    const told = (await answer.json()) as SwarmAnswer;
    return field === null ? told : { ...told, field: decodeURIComponent(field) };
  },

  stop: async (): Promise<void> => {
    await ask("stop", { method: "POST" });
  },

  resetStatistics: async (): Promise<void> => {
    await ask("stats/reset", { method: "POST" });
  },
};
