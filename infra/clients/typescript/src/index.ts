/** Client of the recops service: the usual calls by name, errors as exceptions; `api` has every route, typed. */
import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type { components, paths };
type Schemas = components["schemas"];
type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The service refused; `field` names what is at fault in the request. */
export class RecopsError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null,
  ) {
    super(`${status} ${code}: ${message}`);
    this.name = "RecopsError";
  }
}

export interface Options {
  url: string;
  key?: string;
  /** Milliseconds of one try. */
  timeoutMs?: number;
  /** Further tries where the service is busy (429, 503), after the time that it names. */
  retries?: number;
}

export class Recops {
  /** Every route, typed by the OpenAPI document. */
  readonly api: Client<paths>;

  constructor(options: Options) {
    const { url, key, timeoutMs = 5000, retries = 2 } = options;
    this.api = createClient<paths>({
      baseUrl: url.replace(/\/+$/, ""),
      headers: key ? { "X-API-Key": key } : {},
      fetch: (request: Request) => patiently(request, timeoutMs, retries),
    });
  }

  /** A user's list. */
  async recommend(body: Schemas["RecommendRequest"]): Promise<Schemas["RecommendAnswer"]> {
    return unwrap(await this.api.POST("/recommend", { body }));
  }

  /** The items most like one. */
  async similar(body: Schemas["SimilarRequest"]): Promise<Schemas["SimilarAnswer"]> {
    return unwrap(await this.api.POST("/similar", { body }));
  }

  /** Records events; one without an `event_id` gets one, so that a second try counts once. */
  async record(events: Schemas["EventBody"][]): Promise<Schemas["EventsAnswer"]> {
    const named = events.map((event) => ({ event_id: crypto.randomUUID(), ...event }));
    return unwrap(await this.api.POST("/events", { body: { events: named } }));
  }

  /** What is known of a user. */
  async history(user_id: string, limit = 50): Promise<Schemas["HistoryAnswer"]> {
    return unwrap(await this.api.GET("/history", { params: { query: { user_id, limit } } }));
  }
}

/** The answer's data. Throws RecopsError for an error of the service. */
export function unwrap<T>(answer: Answer<T>): T {
  if (answer.response.ok && answer.data !== undefined) return answer.data;
  const error = (answer.error as Schemas["ErrorAnswer"] | undefined)?.error;
  const code = error?.code ?? "unexpected";
  throw new RecopsError(answer.response.status, String(code), error?.message ?? "", error?.field ?? null);
}

async function patiently(request: Request, timeoutMs: number, retries: number): Promise<Response> {
  for (let left = retries; ; left--) {
    const response = await fetch(request.clone(), { signal: AbortSignal.timeout(timeoutMs) });
    if (left <= 0 || ![429, 503].includes(response.status)) return response;
    const seconds = Number(response.headers.get("Retry-After") ?? "0.5");
    await new Promise((resume) => setTimeout(resume, 1000 * Math.min(5, Number.isFinite(seconds) ? seconds : 0.5)));
  }
}
