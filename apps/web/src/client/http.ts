/**
 * Calls of the HTTP API, each typed by `openapi.json`: a path, a parameter, a field or an answer that the document
 * does not have does not compile. Runs in browsers and in Node.js, without dependencies.
 */

import type { paths } from "../api/schema";
import { ApiError, failure, words } from "./errors";

export type Method = "get" | "post" | "delete";
/** The paths that have this method. */
export type PathOf<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];
type OperationOf<M extends Method, P extends PathOf<M>> = paths[P] extends Record<M, infer Operation> ? Operation : never;

type JsonOf<Content> = Content extends { "application/json": infer Body } ? Body : Blob;
/** What an operation answers: its JSON, or a Blob for sound, pictures and files. */
export type Answer<M extends Method, P extends PathOf<M>> =
  OperationOf<M, P> extends { responses: { 200: { content: infer Content } } } ? JsonOf<Content> : never;

type Wanted<T, Name extends string> = T extends Record<Name, infer Value>
  ? [Value] extends [undefined]
    ? object
    : Record<Name, Value>
  : T extends Partial<Record<Name, infer Value>>
    ? [Value] extends [undefined]
      ? object
      : Partial<Record<Name, Value>>
    : object;
type Files<Form> = { [Field in keyof Form]: Form[Field] | Blob };
type BodyOf<Operation> = Operation extends { requestBody: { content: infer Content } }
  ? Content extends { "application/json": infer Json }
    ? { json: Json }
    : Content extends { "multipart/form-data": infer Form }
      ? { form: Files<Form> }
      : object
  : Operation extends { requestBody?: { content: infer Content } }
    ? Content extends { "application/json": infer Json }
      ? { json?: Json }
      : Content extends { "multipart/form-data": infer Form }
        ? { form?: Files<Form> }
        : object
    : object;
type ParametersOf<Operation> = Operation extends { parameters: infer Parameters }
  ? Wanted<Parameters, "path"> & Wanted<Parameters, "query">
  : object;

export interface Delivery {
  /** How long to wait for the whole answer; 30 s unless told otherwise. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Lets the request outlive the page that sends it. */
  keepalive?: boolean;
}
/** What an operation takes. */
export type Options<M extends Method, P extends PathOf<M>> = ParametersOf<OperationOf<M, P>> & BodyOf<OperationOf<M, P>> & Delivery;
export type Arguments<M extends Method, P extends PathOf<M>> = object extends Options<M, P> ? [options?: Options<M, P>] : [options: Options<M, P>];

interface Loose extends Delivery {
  path?: Record<string, string | number>;
  query?: Record<string, unknown>;
  json?: unknown;
  form?: Record<string, unknown>;
}

const TIMEOUT_MS = 30_000;

export class Http {
  private readonly base: string;

  /** `apiKey`: an API key or a session token, for servers that ask for one; a function where it changes. */
  constructor(
    base: string,
    private readonly apiKey: string | (() => string) = "",
  ) {
    this.base = base.endsWith("/") ? base : `${base}/`;
  }

  /** Absolute address of a path of the API, its parameters filled in. */
  url(path: string, parameters: Record<string, string | number> = {}): URL {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parameters[name] ?? "")));
    return new URL(filled.replace(/^\//, ""), this.base);
  }

  /** Address of a path for what cannot send headers (WebSocket, `<img>`): a session token goes into the query. */
  urlWithToken(path: string, parameters: Record<string, string | number> = {}): URL {
    const url = this.url(path, parameters);
    const key = this.credential();
    if (key) url.searchParams.set("access_token", key);
    return url;
  }

  headers(): Record<string, string> {
    const key = this.credential();
    return key ? { Authorization: `Bearer ${key}` } : {};
  }

  private credential(): string {
    return typeof this.apiKey === "string" ? this.apiKey : this.apiKey();
  }

  /** One call; throws `ApiError` when it did not succeed. */
  async call<M extends Method, P extends PathOf<M>>(method: M, path: P, ...[options]: Arguments<M, P>): Promise<Answer<M, P>> {
    const loose = (options ?? {}) as Loose;
    const url = this.url(path, loose.path);
    for (const [name, value] of given(loose.query)) url.searchParams.set(name, text(value));
    const response = await this.fetch(url, { method: method.toUpperCase(), ...body(loose), keepalive: loose.keepalive ?? false }, loose);
    const type = response.headers.get("Content-Type") ?? "";
    try {
      return (await (type.startsWith("application/json") ? response.json() : response.blob())) as Answer<M, P>;
    } catch (error) {
      throw new ApiError(0, `${path}: ${words(error)}`);
    }
  }

  private async fetch(url: URL, init: RequestInit, { timeoutMs, signal }: Delivery): Promise<Response> {
    const limit = AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS);
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        headers: { ...this.headers(), ...(init.headers as Record<string, string> | undefined) },
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
    } catch (error) {
      throw new ApiError(0, words(error));
    }
    if (!response.ok) throw await failure(response);
    return response;
  }
}

function body({ json, form }: Loose): RequestInit {
  if (json !== undefined) return { body: JSON.stringify(json), headers: { "Content-Type": "application/json" } };
  if (form === undefined) return {};
  const data = new FormData();
  for (const [name, value] of given(form)) {
    if (value instanceof Blob) data.append(name, value);
    else data.append(name, text(value));
  }
  return { body: data };
}

/** The fields that have a value. */
function given(fields: Record<string, unknown> = {}): [string, unknown][] {
  return Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
