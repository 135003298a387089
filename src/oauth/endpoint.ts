/**
 * What the gateway answers itself: reading a small form, answering JSON that no cache keeps. Knows no grant and no
 * token; each endpoint is a file of its own.
 */
import { idPairs } from '../core/request-ids.ts';
import { withoutTokens } from '../core/token-format.ts';
import type { Endpoint, EndpointCall } from '../edge/endpoint.ts';
import type { Exchange } from '../http/exchange.ts';

/** An answer by value: endpoints compute one, `plainEndpoint` and `formEndpoint` send it. */
export interface EndpointAnswer {
  readonly status: number;
  /** null: an empty body. */
  readonly body: object | null;
  readonly headers?: readonly string[];
}

const FORM_BYTES_MAX = 16 * 1024;

/** An endpoint that reads no body. */
export function plainEndpoint(
  compute: (call: EndpointCall) => EndpointAnswer | Promise<EndpointAnswer>,
  onFault: (error: unknown) => EndpointAnswer,
): Endpoint {
  return (call) => {
    const answer = compute(call);
    if (!(answer instanceof Promise)) return send(call, answer);
    answer.then(
      (computed) => send(call, computed),
      (error) => send(call, onFault(error)),
    );
  };
}

/** Who is asking, or what they are told instead. */
export type Recognised<C> =
  | { readonly ok: true; readonly caller: C }
  | { readonly ok: false; readonly answer: EndpointAnswer };

/**
 * An endpoint that takes a form, from callers that are recognised before a byte of it is read: strangers cost nothing
 * more. `onFault` answers when something rejects: an outage, never a no.
 */
export function formEndpoint<C>(
  recognise: (call: EndpointCall) => Promise<Recognised<C>>,
  compute: (call: EndpointCall, caller: C, form: Form) => Promise<EndpointAnswer>,
  onFault: (error: unknown) => EndpointAnswer,
): Endpoint {
  return (call) => {
    const type = headerValue(call.exchange.headers, 'content-type')?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') {
      return send(call, oauthError(400, 'invalid_request', 'The body must be application/x-www-form-urlencoded.'));
    }
    answerForm(call, recognise, compute).then(
      (answer) => send(call, answer),
      (error) => send(call, onFault(error)),
    );
  };
}

async function answerForm<C>(
  call: EndpointCall,
  recognise: (call: EndpointCall) => Promise<Recognised<C>>,
  compute: (call: EndpointCall, caller: C, form: Form) => Promise<EndpointAnswer>,
): Promise<EndpointAnswer> {
  const recognised = await recognise(call);
  if (!recognised.ok) return recognised.answer;
  const text = await new Promise<string | null>((done) => readText(call.exchange, FORM_BYTES_MAX, done));
  if (text === null) return oauthError(413, 'invalid_request', 'The body is too large.');
  return compute(call, recognised.caller, new Form(text));
}

/** RFC 6749 section 5.2. What a caller sent may be repeated in it, but no token. */
export function oauthError(
  status: number,
  error: string,
  description: string,
  headers: readonly string[] = [],
): EndpointAnswer {
  return { status, body: { error, error_description: withoutTokens(description) }, headers };
}

/** The parameters of a form; RFC 6749 section 3.2: none may come twice, an empty one counts as absent. */
export class Form {
  readonly #parameters: URLSearchParams;

  constructor(text: string) {
    this.#parameters = new URLSearchParams(text);
  }

  get(name: string): string | null {
    return this.#parameters.get(name) || null;
  }

  /** The name of a parameter that comes twice, or null. */
  repeated(): string | null {
    const seen = new Set<string>();
    for (const name of this.#parameters.keys()) {
      if (seen.has(name)) return name;
      seen.add(name);
    }
    return null;
  }
}

function headerValue(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.toLowerCase() === name) return headers[index + 1];
  }
  return undefined;
}

function send({ exchange, ids, answerHeaders }: EndpointCall, { status, body, headers = [] }: EndpointAnswer): void {
  const text = body === null ? '' : JSON.stringify(body);
  const fixed = ['Content-Length', String(Buffer.byteLength(text)), 'Cache-Control', 'no-store', 'Pragma', 'no-cache'];
  const type = body === null ? [] : ['Content-Type', 'application/json'];
  exchange.answer(status, [...type, ...fixed, ...idPairs(ids), ...answerHeaders, ...headers], text);
}

function readText(exchange: Exchange, bytesMax: number, done: (text: string | null) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let finished = false;
  const finish = (text: string | null) => {
    if (finished) return;
    finished = true;
    done(text);
  };
  exchange.readBody({
    bodyChunk: (chunk) => {
      bytes += chunk.length;
      if (bytes > bytesMax) finish(null);
      else chunks.push(chunk);
    },
    bodyEnd: () => finish(Buffer.concat(chunks).toString('utf8')),
  });
}
