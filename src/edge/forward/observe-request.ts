/** What is told of a forwarded request: its stream to the register, its end to metrics and log, a failure to its client. */
import type { UriContext } from '../../core/answer-uris.ts';
import type { AnswerEdits, HeaderEdits } from '../../core/header-edits.ts';
import type { Reason } from '../../core/reason.ts';
import { statusClass } from '../../observe/metrics.ts';
import type { UpstreamFailure } from '../../upstream/exchange.ts';
import type { Destination, Refused } from '../disposition.ts';
import type { PipelineParts } from '../pipeline-parts.ts';
import type { RequestContext } from '../request-context.ts';
import type { Stream } from '../streams/stream.ts';
import { uriContextOf } from './client-origin.ts';
import type { Ended, ForwardObserver } from './forward-observer.ts';

type Refuse = (request: RequestContext, refused: Refused) => void;

/** `refuse`: says so to the client, whose answer has not begun. */
export class RequestObserver implements ForwardObserver {
  readonly #request: RequestContext;
  readonly #to: Extract<Destination, { readonly kind: 'upstream' }>;
  readonly #parts: PipelineParts;
  readonly #refuse: Refuse;
  #leave: (() => void) | null = null;
  readonly #isSampled: boolean;
  /** Somebody will read how long it took. */
  readonly #isTimed: boolean;
  #upstreamMs: number | null = null;

  constructor(
    request: RequestContext,
    to: Extract<Destination, { readonly kind: 'upstream' }>,
    parts: PipelineParts,
    refuse: Refuse,
  ) {
    this.#request = request;
    this.#to = to;
    this.#parts = parts;
    this.#refuse = refuse;
    const { access, allowed } = request.ruleset.log;
    this.#isSampled = allowed?.takes() === true;
    this.#isTimed = this.#isSampled || access === 'all';
  }

  get timing(): RequestContext['timing'] {
    return this.#request.timing;
  }

  get answerHeaders(): RequestContext['answerHeaders'] {
    return this.#request.answerHeaders;
  }

  get requestEdits(): HeaderEdits | null {
    return this.#to.route.requestEdits;
  }

  get answerEdits(): AnswerEdits | null {
    return this.#to.route.answerEdits;
  }

  /** Made when an answer names URIs, which few do. */
  uriContext(): UriContext | null {
    const { route, binding } = this.#to;
    return route.rewritesLocations ? uriContextOf(this.#request, route, binding) : null;
  }

  headCame(): void {
    if (this.#isTimed) this.#upstreamMs = this.#sinceDecided();
  }

  refused(reason: Reason, { detail }: UpstreamFailure): void {
    this.#leave?.();
    this.#refuse(this.#request, { kind: 'refused', reason, detail, upstreamMs: this.#sinceDecided() });
  }

  opened(stream: Stream): void {
    const { requestId, token } = this.#request;
    const tokenId = token?.id ?? null;
    this.#leave = this.#parts.streams.add({ requestId, tokenId, incoming: asItCame(this.#request) }, stream);
  }

  finished(ended: Ended): void {
    const { metrics, clock, onForwarded } = this.#parts;
    const request = this.#request;
    const { route, binding } = this.#to;
    this.#leave?.();
    metrics.total.observe((clock.monotonicMs() - request.monotonicMs) / 1000);
    metrics.answers.add(binding.name, ended.isComplete ? statusClass(ended.status) : 'broken');
    if (this.#isTimed)
      onForwarded({ ...ended, request, route, isSampled: this.#isSampled, upstreamMs: this.#upstreamMs });
  }

  #sinceDecided(): number {
    const { monotonicMs, decidedMs } = this.#request;
    return this.#parts.clock.monotonicMs() - monotonicMs - decidedMs;
  }
}

/** Kept for as long as its stream: what reading it takes, and nothing of the connection. */
function asItCame({ exchange, reading: { body } }: RequestContext) {
  const { method, target, minorVersion, headers, peerAddress, isClientUnknown, encrypted, upgrade } = exchange;
  return {
    method,
    target,
    minorVersion,
    headers,
    peerAddress,
    isClientUnknown,
    encrypted,
    upgrade: upgrade && true,
    body,
  };
}
