/**
 * THE request path. One function, read from top to bottom; every line may stop the request and none can be skipped,
 * because each needs what the one before it made. No header is written here and no rule is judged here.
 */

import { readCredential, withoutQueryCredential } from '../core/credential.ts';
import type { Allowed } from '../core/decide.ts';
import { type HeaderFacts, NO_BODY, readHeaders } from '../core/framing.ts';
import type { RouteLimits } from '../core/rate-limit.ts';
import { type Reason, reasonRow } from '../core/reason.ts';
import type { Route } from '../core/route-table.ts';
import { readTarget, type Target } from '../core/target.ts';
import { survivesUrl } from '../core/upgrade.ts';
import type { Exchange } from '../http/exchange.ts';
import { statusClass } from '../observe/metrics.ts';
import { hashToken } from '../secret.ts';
import { clientAddress } from './client-address.ts';
import type { DecisionHandler } from './decision-handler.ts';
import { forward } from './forward/forward.ts';
import { requestHeaderLines } from './forward/headers.ts';
import { DEGRADED_HEADER, degradedLine, identityLines, identityPairs } from './forward/identity.ts';
import { answerAsLast, nextHop } from './forward/next-hop.ts';
import { JUNK, type Judgement, judge } from './judge.ts';
import type { PipelineParts } from './pipeline-parts.ts';
import { begin, type RequestContext } from './request-context.ts';
import { sourceOf } from './throttles/auth-failure-throttle.ts';
import type { Admission } from './throttles/rate-limiter.ts';

export class Pipeline {
  readonly #parts: PipelineParts;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** `handover`: who takes what is allowed; null: it is forwarded. */
  handle(exchange: Exchange, handler: DecisionHandler | null = null): void {
    const { facts, clock } = this.#parts;
    const request = begin(exchange, handler, this.#parts);
    const { ruleset } = request;

    const headers = readHeaders(exchange.headers, exchange.minorVersion);
    if (headers === null) return this.#refuse(request, 'bad_request');
    // The server's parser loses bytes behind a request to upgrade, so no request behind it can be read whole.
    if (headers.upgrade && exchange.upgrade === undefined) exchange.endConnection();
    const target = readTarget(exchange.target, headers.host);
    if (target === null) return this.#refuse(request, 'bad_request');
    if (exchange.upgrade !== undefined && !survivesUrl(target.path + target.query))
      return this.#refuse(request, 'bad_request');
    request.target = target;

    const match = ruleset.routes.match(exchange.method, target.segments);
    if (match.kind === 'none') return this.#refuse(request, 'route_not_found');
    if (match.kind === 'method') return this.#refuse(request, 'method_not_allowed', null, match.allow);
    const { route } = match;
    request.route = route;
    if (route.requirement === null) return this.#serve(request, headers, target, route, null);

    const credential = readCredential(headers.authorization, target.query, route.credentials);
    if (!credential.ok) return this.#refuseGuess(request, credential.reason);

    const source = { segments: target.segments, query: target.query, headers: exchange.headers };
    const question = { hash: hashToken(credential.token), requirement: route.requirement, source };
    const presented = { token: credential.token, prefixes: ruleset.policy.prefixes };
    let judged: Judgement | Promise<Judgement> = judge(question, ruleset.policy, facts, request, clock, presented);
    if (judged === JUNK) judged = this.#parts.imported.judge(question, credential.token, request);
    if (!(judged instanceof Promise)) return this.#obey(request, headers, target, route, judged);
    judged
      .then((judgement) => {
        // It waited while the rules were replaced: judged by the old ones, it would be sent on by them, too.
        if (this.#parts.ruleset() !== ruleset) this.handle(exchange, handler);
        else this.#obey(request, headers, target, route, judgement);
      })
      .catch((error) => this.#broken(request, error));
  }

  /** The listener itself could not tell which request this is about. */
  refuseMalformed(exchange: Exchange, handler: DecisionHandler | null, detail: string): void {
    this.#refuse(begin(exchange, handler, this.#parts), 'bad_request', null, undefined, detail);
  }

  #degrade(request: RequestContext, staleMs: number): void {
    request.degraded = `store; age=${Math.ceil(staleMs / 1000)}`;
    request.answerHeaders = [DEGRADED_HEADER, request.degraded];
    this.#parts.metrics.degraded++;
  }

  #obey(request: RequestContext, headers: HeaderFacts, target: Target, route: Route, judgement: Judgement): void {
    if (judgement.degradedMs !== undefined) this.#degrade(request, judgement.degradedMs);
    // A token was used when it told us who is calling, whatever they were then refused.
    const { token } = judgement;
    if (token !== null && (judgement.kind === 'allowed' || reasonRow(judgement.reason).status !== 401))
      this.#parts.lastUsed.note(token, request.nowMs);
    if (judgement.kind === 'denied') this.#refuseGuess(request, judgement.reason, judgement.token?.id ?? null);
    else this.#serve(request, headers, target, route, judgement);
  }

  #serve(request: RequestContext, headers: HeaderFacts, target: Target, route: Route, allowed: Allowed | null): void {
    const { exchange, ruleset, requestId, handler } = request;
    if (route.endpoint === undefined) {
      if (handler !== null) return this.#handOver(request, handler, headers, target, route, allowed);
      return this.#forward(request, headers, target, route, allowed);
    }
    if (handler?.servesEndpoints === false) return this.#refuse(request, 'route_not_found');
    if (route.limits !== null && !request.counted)
      return this.#count(request, route, route.limits, allowed, () =>
        this.#serve(request, headers, target, route, allowed),
      );
    this.#parts.metrics.requests.add(route.id, 'answered');
    if (headers.expectContinue) exchange.sendContinue();
    const address = addressOf(request);
    ruleset.endpoints.get(route.endpoint)!({
      exchange,
      requestId,
      authorization: headers.authorization,
      address,
      allowed,
      answerHeaders: request.answerHeaders ?? [],
    });
  }

  #handOver(
    request: RequestContext,
    handler: DecisionHandler,
    headers: HeaderFacts,
    target: Target,
    route: Route,
    allowed: Allowed | null,
  ): void {
    const { exchange, ruleset, requestId, monotonicMs } = request;
    const { metrics, clock } = this.#parts;
    const query = withoutQueryCredential(target.query, route.credentials, headers.authorization);
    // What we would have changed on the way, nobody else does: it would not be what was judged.
    if (target.path + query !== exchange.target) {
      const tokenId = allowed?.token.id ?? null;
      return this.#refuse(request, 'bad_request', tokenId, undefined, 'only the gateway could have sent it on');
    }
    if (route.limits !== null && !request.counted)
      return this.#count(request, route, route.limits, allowed, () =>
        this.#handOver(request, handler, headers, target, route, allowed),
      );
    metrics.decision.observe((clock.monotonicMs() - monotonicMs) / 1000);
    metrics.requests.add(route.id, 'allowed');
    const identity = allowed === null ? [] : identityPairs(allowed, ruleset.policy);
    const { degraded, answerHeaders } = request;
    handler.pass({
      requestId,
      route,
      allowed,
      identity,
      degraded: degraded !== null,
      answerHeaders: answerHeaders ?? [],
    });
  }

  #forward(request: RequestContext, headers: HeaderFacts, target: Target, route: Route, allowed: Allowed | null): void {
    const { exchange, ruleset, requestId, monotonicMs } = request;
    const { metrics, clock, viaName } = this.#parts;
    const tokenId = allowed?.token.id ?? null;
    const query = withoutQueryCredential(target.query, route.credentials, headers.authorization);
    if (exchange.upgrade !== undefined && !survivesUrl(target.path + query))
      return this.#refuse(request, 'bad_request', tokenId);
    const binding = ruleset.upstreams.get(route.upstream);
    // It is there for other proxies to ask about.
    if (binding === undefined) return this.#refuse(request, 'route_not_found', tokenId);
    if (route.limits !== null && !request.counted)
      return this.#count(request, route, route.limits, allowed, () =>
        this.#forward(request, headers, target, route, allowed),
      );
    const hop = nextHop(exchange, headers.via, viaName);
    if (hop.kind === 'refused') return this.#refuse(request, hop.reason, tokenId, undefined, hop.detail);
    if (hop.kind === 'last') return answerAsLast(request, target, route, metrics);
    metrics.decision.observe((clock.monotonicMs() - monotonicMs) / 1000);
    metrics.requests.add(route.id, 'forwarded');
    const headerLines = requestHeaderLines(hop.headers, {
      requestId,
      peerAddress: exchange.peerAddress,
      encrypted: exchange.encrypted,
      host: headers.host,
      protocol: exchange.protocol,
      viaName,
      trusted: ruleset.isTrustedProxy(exchange.peerAddress),
      forwardAuthorization: route.forwardAuthorization,
      identityLines: allowed === null ? '' : identityLines(allowed, ruleset.policy) + degradedLine(request.degraded),
    });
    const outgoing = {
      holder: allowed?.token.id ?? sourceOf(addressOf(request)),
      method: exchange.method,
      target: target.path + query,
      host: binding.preserveHost && headers.host !== '' ? headers.host : undefined,
      headerLines,
      // It has none; what its client says next is for the far end of the tunnel.
      body: exchange.upgrade === undefined ? headers.body : NO_BODY,
      upgrade: exchange.upgrade?.protocols,
    };
    let leave: (() => void) | null = null;
    request.timing?.decided();
    forward(exchange, binding.upstream, outgoing, requestId, headers.expectContinue, {
      timing: request.timing,
      answerHeaders: request.answerHeaders,
      refused: (reason, failure) => this.#refuse(request, reason, tokenId, undefined, failure.detail),
      opened: (stream) => {
        const { authorization } = headers;
        const source = { segments: target.segments, query: target.query, headers: exchange.headers };
        const asked = { requestId, method: exchange.method, authorization, source, tokenId };
        leave = this.#parts.streams.add(asked, stream);
      },
      finished: (status, complete) => {
        leave?.();
        metrics.total.observe((clock.monotonicMs() - monotonicMs) / 1000);
        metrics.answers.add(binding.name, complete ? statusClass(status) : 'broken');
        this.#parts.onForwarded(requestId, route, allowed, status, complete);
      },
    });
  }

  /** The last check: what was refused until here has used nothing of a limit. `goOn`: the way on, taken once more. */
  #count(request: RequestContext, route: Route, limits: RouteLimits, allowed: Allowed | null, goOn: () => void): void {
    const { exchange, ruleset } = request;
    const obey = ({ headers, refused }: Admission) => {
      request.counted = true;
      request.answerHeaders = request.answerHeaders === null ? headers : [...request.answerHeaders, ...headers];
      if (refused === null) return goOn();
      const tokenId = allowed?.token.id ?? null;
      this.#refuse(request, 'rate_limited', tokenId, undefined, refused.detail, refused.retryAfterSeconds);
    };
    // Not when the request came: it may have waited for longer than a window.
    const { limiter, clock } = this.#parts;
    const admitted = limiter.admit(limits, { exchange, ruleset, route, allowed }, clock.monotonicMs());
    if (!(admitted instanceof Promise)) return obey(admitted);
    admitted.then(obey).catch((error) => this.#broken(request, error));
  }

  /** Too many tokens from one address that were none: it is not told any more what was wrong with this one. */
  #refuseGuess(request: RequestContext, reason: Reason, tokenId: string | null = null): void {
    if (reason !== 'token_unknown' && reason !== 'token_malformed') return this.#refuse(request, reason, tokenId);
    const retryAfter = this.#parts.guesses.failed(addressOf(request));
    if (retryAfter === null) this.#refuse(request, reason);
    else this.#refuse(request, 'rate_limited', null, undefined, reason, retryAfter);
  }

  #refuse(
    request: RequestContext,
    reason: Reason,
    tokenId: string | null = null,
    allow?: readonly string[],
    detail: string | null = null,
    retryAfterSeconds?: number,
  ): void {
    const { exchange, ruleset, requestId, target, route, handler } = request;
    this.#parts.metrics.requests.add(route?.id ?? '-', reason);
    const scopes = reason === 'scope_missing' ? route?.requirement?.scopes?.named.join(' ') : undefined;
    const rendered = ruleset.policy.dialect.render(reason, {
      requestId,
      ...(scopes === undefined ? {} : { scopes }),
      ...(allow === undefined ? {} : { allow }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
    const refusal = handler === null ? rendered : handler.phrase(rendered, reason);
    if (request.timing !== null) refusal.headers.push(...request.timing.header());
    if (request.answerHeaders !== null) refusal.headers.push(...request.answerHeaders);
    if (reason === 'bad_request') exchange.endConnection();
    exchange.answer(refusal.status, refusal.headers, refusal.body);
    const { method, peerAddress } = exchange;
    this.#parts.onRefused({
      requestId,
      reason,
      method,
      path: target?.path ?? '',
      routeId: route?.id ?? null,
      tokenId,
      peerAddress,
      detail,
    });
  }

  /** A bug of ours, met while a fact was on its way: the request fails closed. */
  #broken(request: RequestContext, error: unknown): void {
    this.#parts.onBug(error);
    if (request.exchange.answered) request.exchange.breakOff();
    else this.#refuse(request, 'store_unavailable', null, undefined, String(error));
  }
}

function addressOf({ exchange, ruleset }: RequestContext): string {
  return clientAddress(exchange.headers, exchange.peerAddress, ruleset.isTrustedProxy);
}
