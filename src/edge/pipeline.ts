/**
 * THE request path: prepare (steps 1 to 10), admit (where to, and step 11), send. Each step fills its part of one
 * RequestContext and may refuse; none can be skipped, because each needs what the one before it made. No header is
 * written here and no rule is judged here.
 */

import { NO_FIELDS } from '../core/bodies/inspected-body.ts';
import { preflightHeaders } from '../core/cors.ts';
import type { BodyWanted, Question } from '../core/decide.ts';
import { grpcCode, grpcHeaders, grpcTrailers, isGrpcRequest } from '../core/grpc.ts';
import { addedTo } from '../core/header-edits.ts';
import type { RouteLimits } from '../core/rate-limit.ts';
import { reasonRow } from '../core/reason.ts';
import { idPairs } from '../core/request-ids.ts';
import { Bug } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { ReceivedBody } from './bodies/received-body.ts';
import type { DecisionHandler } from './decision-handler.ts';
import { destinationOf } from './destination.ts';
import type { Destination, Disposition, Refused } from './disposition.ts';
import { expiryNotice } from './expiry-notice.ts';
import { forward } from './forward/forward.ts';
import { DEGRADED_HEADER, identityPairs } from './forward/identity.ts';
import { answerAsLast, nextHop } from './forward/next-hop.ts';
import { RequestObserver } from './forward/observe-request.ts';
import { holdAnswer } from './forward/registering.ts';
import { upstreamRequest } from './forward/upstream-request.ts';
import { JUNK, type Judgement, judge, type Moment, type Settled } from './judge.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import { readRequest } from './read-request.ts';
import { begin, clientAddressOf, type RequestContext } from './request-context.ts';
import type { Admission } from './throttles/rate-limiter.ts';

/** What steps 1 to 10 say. `public`: the route asks for no token. */
type Verdict = Refused | Settled | { readonly kind: 'public' };

const UNREADABLE: Refused = { kind: 'refused', reason: 'body_unreadable', detail: 'it is not well formed' };
const PUBLIC: Verdict = { kind: 'public' };

/** One of the kinds of destination. */
type To<K extends Destination['kind']> = Extract<Destination, { readonly kind: K }>;

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #refuseLater = (request: RequestContext, refused: Refused): void => this.#refuse(request, refused);

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** `handler`: who takes what is allowed; null: it is forwarded. */
  handle(exchange: Exchange, handler: DecisionHandler | null = null): void {
    const request = begin(exchange, handler, this.#parts);
    const verdict = this.#prepare(request);
    if (verdict instanceof Promise) void this.#onceJudged(request, verdict);
    else this.#goOn(request, verdict);
  }

  /** The listener itself could not tell which request this is about. */
  refuseMalformed(exchange: Exchange, handler: DecisionHandler | null, detail: string): void {
    this.#refuse(begin(exchange, handler, this.#parts), { kind: 'refused', reason: 'bad_request', detail });
  }

  async #onceJudged(first: RequestContext, pending: Promise<Verdict>): Promise<void> {
    let request = first;
    try {
      let verdict = await pending;
      // It waited while the rules were replaced: judged by the old ones, it would be sent on by them, too.
      while (request.ruleset !== this.#parts.ruleset() && !request.isBodySpent) {
        const { received } = request;
        request = begin(request.exchange, request.handler, this.#parts);
        request.received = received;
        verdict = await this.#prepare(request);
      }
      this.#goOn(request, verdict);
    } catch (error) {
      this.#broken(request, error);
    }
  }

  #goOn(request: RequestContext, verdict: Verdict): void {
    const disposition = this.#admit(request, verdict);
    if (request.ruleset.shadow !== null)
      this.#parts.shadow.compare(request, 'reason' in verdict ? verdict.reason : null);
    if (!(disposition instanceof Promise)) return this.#send(request, disposition);
    disposition.then((settled) => this.#send(request, settled)).catch((error) => this.#broken(request, error));
  }

  /** Steps 1 to 10: what is asked for, and whether this caller may have it. */
  #prepare(request: RequestContext): Verdict | Promise<Verdict> {
    const { exchange, ruleset } = request;
    const reading = readRequest(exchange, ruleset);
    request.reading = reading;
    // node:http, on whose server the middleware stands, loses bytes behind it: everywhere alike, nothing behind it is run.
    if (reading.headerFacts.upgrade && exchange.upgrade === undefined) exchange.endConnection();
    const edits = reading.route === null ? ruleset.unroutedEdits : reading.route.answerEdits;
    if (edits !== null && (reading.preflight === null || reading.refused !== null))
      request.answerHeaders = addedTo(edits, exchange.headers);
    if (reading.refused !== null) return reading.refused;
    const { question } = reading;
    if (question === null) return PUBLIC;
    const judged = this.#judge(request, question, request);
    if (question.requirement.bodyFields !== null) return this.#withBody(request, question, judged);
    return judged as Settled | Promise<Settled>;
  }

  #judge(request: RequestContext, question: Question, at: Moment): Judgement | Promise<Judgement> {
    const { exchange, ruleset, reading } = request;
    const { facts, clock, imported } = this.#parts;
    const presented = { token: reading.token, prefixes: ruleset.policy.prefixes };
    const judged = judge(question, ruleset.policy, facts, at, clock, presented);
    if (judged !== JUNK) return judged;
    const { nowMs, monotonicMs } = at;
    return imported.judge(question, reading.token, { exchange, ruleset, nowMs, monotonicMs });
  }

  /** For whoever may ask there at all the body is read, and then all of it judged by what is in force by then. */
  async #withBody(
    request: RequestContext,
    question: Question,
    judging: Judgement | Promise<Judgement>,
  ): Promise<Verdict> {
    const before = await judging;
    if (before.kind !== 'body') return before;
    const refused = await this.#readBody(request, before);
    if (refused !== null) return refused;
    const { clock } = this.#parts;
    const now = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    const judged = await this.#judge(request, question, now);
    if (judged.kind === 'body') throw new Bug('a body was read and is still asked for');
    return judged;
  }

  /** null: what the route asks of it is known. */
  async #readBody(request: RequestContext, { token }: BodyWanted): Promise<Refused | null> {
    const { exchange, reading } = request;
    const { bodies, inspections, lastUsed } = this.#parts;
    const received = request.received ?? (await bodies.read(exchange, reading.headerFacts, token.id));
    let refused: Refused | null = null;
    if (received === null) reading.body = NO_FIELDS;
    else if (received instanceof ReceivedBody) {
      request.received = received;
      const inspection = received.inspection(reading.route!.requirement!.bodyFields!);
      reading.body = (await inspections.run(inspection)) ?? undefined;
      if (reading.body === undefined) refused = UNREADABLE;
    } else {
      request.isBodySpent = true;
      refused = received;
    }
    if (refused === null) return null;
    request.token = token;
    lastUsed.note(token, reading.question!.hash, request.nowMs);
    return refused;
  }

  /** Where it goes, and step 11. What is refused before that has used nothing of a limit. */
  #admit(request: RequestContext, verdict: Verdict): Disposition | Promise<Disposition> {
    if (verdict.kind === 'refused') return this.#countGuess(request, verdict);
    if (verdict.kind !== 'public') this.#note(request, verdict);
    if (verdict.kind === 'denied') return this.#countGuess(request, { kind: 'refused', reason: verdict.reason });
    const destination = destinationOf(request);
    if (destination.kind === 'refused') return destination;
    const { limits } = destination.route;
    return limits === null || destination.kind === 'preflight'
      ? destination
      : this.#countUse(request, destination, limits);
  }

  /** The end of the way, of whichever kind. */
  #send(request: RequestContext, disposition: Disposition): void {
    if (request.received !== null && disposition.kind !== 'upstream') request.received.letGo();
    switch (disposition.kind) {
      case 'refused':
        return this.#refuse(request, disposition);
      case 'endpoint':
        return this.#answer(request, disposition);
      case 'preflight':
        return this.#answerPreflight(request, disposition);
      case 'handler':
        return this.#handOver(request, disposition);
      case 'upstream':
        return this.#forward(request, disposition);
      default:
        disposition satisfies never;
        throw new Bug('a request came to no end');
    }
  }

  #note(request: RequestContext, judgement: Settled): void {
    const { metrics, lastUsed } = this.#parts;
    if (judgement.kind === 'allowed') request.allowed = judgement;
    else request.selected = judgement.selected;
    if (judgement.degradedMs !== undefined) {
      request.degraded = `store; age=${Math.ceil(judgement.degradedMs / 1000)}`;
      request.answerHeaders = [...(request.answerHeaders ?? []), DEGRADED_HEADER, request.degraded];
      metrics.degraded++;
    }
    const { token } = judgement;
    if (token === null) return;
    request.token = token;
    // A token was used when it told us who is calling, whatever they were then refused.
    if (judgement.kind === 'allowed' || reasonRow(judgement.reason).status !== 401)
      lastUsed.note(token, request.reading.question!.hash, request.nowMs);
    if (judgement.kind !== 'allowed') return;
    const notice = expiryNotice(token, request.ruleset.policy, request.nowMs);
    if (notice !== null) request.answerHeaders = [...(request.answerHeaders ?? []), ...notice];
    const asked = request.reading.route?.requirement?.scopes;
    if (asked == null) return;
    lastUsed.noteScopes(judgement, asked, request.ruleset.policy, request.nowMs);
  }

  /** Too many tokens from one address that were none: it is not told any more what was wrong with this one. */
  #countGuess(request: RequestContext, refused: Refused): Refused {
    const { reason } = refused;
    if (reason !== 'token_unknown' && reason !== 'token_malformed') return refused;
    const retryAfterSeconds = this.#parts.guesses.failed(clientAddressOf(request));
    return retryAfterSeconds === null
      ? refused
      : { kind: 'refused', reason: 'rate_limited', detail: reason, retryAfterSeconds };
  }

  #countUse(
    request: RequestContext,
    destination: Destination,
    limits: RouteLimits,
  ): Disposition | Promise<Disposition> {
    const { exchange, ruleset, allowed } = request;
    const { limiter, clock } = this.#parts;
    const settle = ({ headers, refused }: Admission): Disposition => {
      request.answerHeaders = request.answerHeaders === null ? headers : [...request.answerHeaders, ...headers];
      return refused === null ? destination : { kind: 'refused', reason: 'rate_limited', ...refused };
    };
    // Not when the request came: it may have waited for longer than a window.
    const counted = { exchange, ruleset, route: destination.route, allowed };
    const admitted = limiter.admit(limits, counted, clock.monotonicMs());
    return admitted instanceof Promise ? admitted.then(settle) : settle(admitted);
  }

  #answer(request: RequestContext, { route, endpoint }: To<'endpoint'>): void {
    const { exchange, reading, allowed, answerHeaders } = request;
    const { authorization, expectContinue } = reading.headerFacts;
    this.#parts.metrics.requests.add(route.id, 'answered');
    request.decidedMs = this.#parts.clock.monotonicMs() - request.monotonicMs;
    this.#parts.onAllowed(request, route);
    if (expectContinue) exchange.sendContinue();
    const address = clientAddressOf(request);
    endpoint({ exchange, ids: request, authorization, address, allowed, answerHeaders: answerHeaders ?? [] });
  }

  #answerPreflight(request: RequestContext, { route, preflight }: To<'preflight'>): void {
    this.#parts.metrics.requests.add(route.id, 'answered');
    request.exchange.answer(204, [...preflightHeaders(route.answerEdits!.cors!, preflight), ...idPairs(request)], '');
  }

  #handOver(request: RequestContext, { route, handler }: To<'handler'>): void {
    const { ruleset, requestId, decisionId, monotonicMs, allowed, degraded, answerHeaders } = request;
    const { metrics, clock } = this.#parts;
    request.decidedMs = clock.monotonicMs() - monotonicMs;
    metrics.decision.observe(request.decidedMs / 1000);
    metrics.requests.add(route.id, 'allowed');
    this.#parts.onAllowed(request, route);
    handler.pass({
      requestId,
      decisionId,
      route,
      allowed,
      identity: allowed === null ? [] : identityPairs(allowed, ruleset.policy),
      degraded: degraded !== null,
      answerHeaders: answerHeaders ?? [],
    });
  }

  #forward(request: RequestContext, destination: To<'upstream'>): void {
    const { exchange, monotonicMs, reading } = request;
    const { metrics, clock, viaName } = this.#parts;
    const { route, binding } = destination;
    const { received } = request;
    const hop = nextHop(exchange, reading.headerFacts.via, viaName);
    if (hop.kind === 'refused') return this.#refuse(request, hop);
    if (hop.kind === 'last') {
      received?.letGo();
      return answerAsLast(request, reading.target, route, metrics);
    }
    request.decidedMs = clock.monotonicMs() - monotonicMs;
    metrics.decision.observe(request.decidedMs / 1000);
    metrics.requests.add(route.id, 'forwarded');
    const outgoing = upstreamRequest(request, destination, hop.headers, viaName);
    request.timing?.decided();
    const observer = new RequestObserver(request, destination, this.#parts, this.#refuseLater);
    const { expectContinue } = reading.headerFacts;
    const hold = route.registration === null ? null : holdAnswer(request, this.#parts);
    forward(exchange, binding.upstream, outgoing, request, { expectContinue, received }, observer, hold);
  }

  /** The one door by which every refusal leaves. */
  #refuse(request: RequestContext, refused: Refused): void {
    const { reason, detail = null, upstreamMs = null } = refused;
    const { exchange, reading, received, monotonicMs } = request;
    const { route } = reading;
    const { metrics, clock, onRefused } = this.#parts;
    // Refused by its upstream, too.
    received?.letGo();
    metrics.requests.add(route?.id ?? '-', reason);
    if (reason === 'bad_request') exchange.endConnection();
    if (upstreamMs === null) request.decidedMs = clock.monotonicMs() - monotonicMs;
    const { status, bodyBytes } = this.#answerNo(request, refused);
    onRefused({ request, reason, status, route, detail, upstreamMs, bytesIn: 0, bytesOut: bodyBytes });
  }

  #answerNo(
    request: RequestContext,
    { reason, status, allow, retryAfterSeconds }: Refused,
  ): { readonly status: number; readonly bodyBytes: number } {
    const { exchange, ruleset, requestId, decisionId, reading, handler, timing, answerHeaders } = request;
    const { route } = reading;
    const isGrpc = handler === null && isGrpcRequest(exchange);
    const dialect = route?.dialect ?? ruleset.policy.dialect;
    const scopes = reason === 'scope_missing' ? route?.requirement?.scopes?.named.join(' ') : undefined;
    const basicRealm = route?.credentials.basic?.realm;
    const basicAlone = basicRealm !== undefined && !route!.credentials.bearer;
    const said = { requestId, decisionId, status, scopes, allow, retryAfterSeconds, basicRealm, basicAlone };
    const isPlain = handler === null && !isGrpc && timing === null && answerHeaders === null;
    if (exchange.answerLines !== undefined && isPlain) {
      const rendered = dialect.renderLines(reason, said);
      const bodyBytes = Buffer.byteLength(rendered.body);
      exchange.answerLines(rendered.status, rendered.lines, rendered.body, bodyBytes);
      return { status: rendered.status, bodyBytes };
    }
    const rendered = dialect.render(reason, said);
    const refusal = handler === null ? rendered : handler.phrase(rendered, reason);
    if (timing !== null) refusal.headers.push(...timing.header());
    if (answerHeaders !== null) refusal.headers.push(...answerHeaders);
    if (!isGrpc) {
      exchange.answer(refusal.status, refusal.headers, refusal.body);
      return { status: refusal.status, bodyBytes: Buffer.byteLength(refusal.body) };
    }
    const trailers = grpcTrailers(grpcCode(refusal.status, reasonRow(reason).status), dialect.message(reason));
    exchange.answer(200, grpcHeaders(refusal.headers, trailers, exchange.protocol !== '2.0'), '');
    return { status: 200, bodyBytes: 0 };
  }

  /** A bug of ours, met while a fact was on its way: the request fails closed. */
  #broken(request: RequestContext, error: unknown): void {
    this.#parts.onBug(error);
    request.received?.letGo();
    if (request.exchange.answered) request.exchange.breakOff();
    else this.#refuse(request, { kind: 'refused', reason: 'store_unavailable', detail: String(error) });
  }
}
