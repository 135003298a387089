/**
 * A request of an application's own server, before the application sees it. Judged by the URL that the client sent: where
 * something in front has rewritten it, the application would serve another one, so it is refused.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from '../core/dialect.ts';
import { isForgery } from '../core/field-names.ts';
import type { DecisionHandler, Passed } from '../edge/decision-handler.ts';
import type { BodySink } from '../http/exchange.ts';
import { NodeExchange } from '../http/node-http/node-exchange.ts';
import { removeHeaders } from '../node-internals/request-headers.ts';
import { type Permission, permissionOf } from './caller.ts';
import { readAhead } from './read-ahead.ts';

/** Node's request, with what Express and Fastify add to it. */
export interface AppRequest extends IncomingMessage {
  originalUrl?: string;
  baseUrl?: string;
  scopegate?: Permission;
}

export interface Continuation {
  /** Allowed: the application goes on. */
  readonly pass: () => void;
  /** An answer is about to be sent; the application must not send one. */
  readonly answered: () => void;
}

export class AppExchange extends NodeExchange implements DecisionHandler {
  readonly servesEndpoints = true;
  readonly #request: AppRequest;
  readonly #response: ServerResponse;
  readonly #target: string;
  readonly #continuation: Continuation;
  #stopReading: (() => void) | null = null;

  constructor(request: AppRequest, response: ServerResponse, target: string, continuation: Continuation) {
    super(request, response);
    this.#request = request;
    this.#response = response;
    this.#target = target;
    this.#continuation = continuation;
  }

  override get target(): string {
    return this.#target;
  }

  /** The application finds it unread. */
  readAhead(sink: BodySink): void {
    this.#stopReading = readAhead(this.#request, sink);
  }

  override answer(status: number, headers: string[], body: string): void {
    this.#continuation.answered();
    this.#stopReading?.();
    super.answer(status, headers, body);
  }

  pass(passed: Passed): void {
    const keepAuthorization = passed.route.forwardAuthorization;
    // As on the way to an upstream: no forged identity, and no token unless the route lets it through.
    removeHeaders(this.#request, (lower) => isForgery(lower) || (!keepAuthorization && lower === 'authorization'));
    this.#request.scopegate = permissionOf(passed);
    const { answerHeaders } = passed;
    for (let index = 0; index < answerHeaders.length; index += 2)
      this.#response.appendHeader(answerHeaders[index]!, answerHeaders[index + 1]!);
    // Not from within the pipeline, which would take the application's errors for its own.
    process.nextTick(this.#continuation.pass);
  }

  phrase(refusal: Refusal): Refusal {
    return refusal;
  }
}

/** The URL as it came; null where it was changed on its way to us. */
export function targetOf({ url = '', originalUrl, baseUrl = '' }: AppRequest): string | null {
  if (originalUrl === undefined) return url;
  // Express takes the path that it is mounted at away, and leaves a slash where nothing would remain.
  const rest = originalUrl.slice(baseUrl.length);
  return originalUrl.startsWith(baseUrl) && (url === rest || url === `/${rest}`) ? originalUrl : null;
}
