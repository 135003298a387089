/**
 * The decision by itself, through the functions that edge/pipeline.ts calls and in its order, on requests that read as
 * if they had just come off a socket: every string is made anew. Never forwards and never renders an answer.
 */

import { configuredName } from '../src/core/configured-name.ts';
import { BEARER_ONLY } from '../src/core/credential.ts';
import type { Policy } from '../src/core/policy.ts';
import { reasonRow } from '../src/core/reason.ts';
import type { Route } from '../src/core/route.ts';
import { RouteTable } from '../src/core/route-table.ts';
import { compileScopes } from '../src/core/scope.ts';
import { readTemplate } from '../src/core/template.ts';
import type { Decided } from '../src/edge/decision-record.ts';
import { judge, type Moment, type Settled } from '../src/edge/judge.ts';
import { type IncomingRequest, type Reading, type ReadingRules, readRequest } from '../src/edge/read-request.ts';
import type { RequestContext } from '../src/edge/request-context.ts';
import type { LogRules, ShadowRules } from '../src/edge/ruleset.ts';
import { systemClock } from '../src/observe/clock.ts';
import { LineBudget } from '../src/observe/log.ts';
import type { FactCache } from '../src/store/cache/fact-cache.ts';
import type { LastUsed } from '../src/store/cache/last-used.ts';

export interface Ground extends ReadingRules {
  readonly policy: Policy;
  readonly facts: FactCache;
  readonly lastUsed: LastUsed;
}

/** A request as the listener hands it over. */
export type RawRequest = IncomingRequest;

export type Answer = string | Promise<string>;

/** `allowed`, or the reason why not. A promise where a fact had to be fetched first. */
export function decideOnce(ground: Ground, request: RawRequest, at: Moment): Answer {
  const { policy, facts } = ground;
  const reading = readRequest(request, ground);
  if (reading.refused !== null) return reading.refused.reason;
  const presented = { token: reading.token, prefixes: policy.prefixes };
  const judged = judge(reading.question!, policy, facts, at, systemClock, presented) as Settled | Promise<Settled>;
  return judged instanceof Promise
    ? judged.then((late) => noted(ground, reading, late, at))
    : noted(ground, reading, judged, at);
}

/** As the pipeline notes who was here, and what for. */
function noted({ lastUsed, policy }: Ground, reading: Reading, judged: Settled, { nowMs }: Moment): string {
  const { token } = judged;
  const isKnown = token !== null && (judged.kind === 'allowed' || reasonRow(judged.reason).status !== 401);
  if (isKnown) lastUsed.note(token, reading.question!.hash, nowMs);
  if (judged.kind === 'denied') return judged.reason;
  lastUsed.noteScopes(judged, reading.route!.requirement!.scopes!, policy, nowMs);
  return 'allowed';
}

const DECISION_ID = '01KDZ7Q6E0014R60G0RM000002';
const LOG: LogRules = { access: 'none', refused: null, allowed: null, configuration: '#1' };

/** A refusal as the pipeline hands it to whoever keeps a note of it. */
export function refusedOnce(ground: Ground, exchange: RawRequest, { nowMs, monotonicMs }: Moment): Decided {
  const { policy, facts } = ground;
  const reading = readRequest(exchange, ground);
  const judged = judge(reading.question!, policy, facts, { nowMs, monotonicMs }, systemClock);
  if (judged instanceof Promise || judged.kind !== 'denied') throw new Error('not refused at once');
  const { token, reason, selected } = judged;
  // All of it that a note reads.
  const request = {
    ...{ requestId: DECISION_ID, decisionId: DECISION_ID, isTrusted: false, nowMs, monotonicMs, decidedMs: 0.1 },
    ...{ exchange, reading, token, selected, allowed: null, degraded: null, ruleset: { log: LOG } },
  } as unknown as RequestContext;
  return { request, route: reading.route, reason, status: 403, upstreamMs: null };
}

/** A decided request as the pipeline hands it to whoever judges it by other rules, too: here by the same. */
export function shadowedOnce(ground: Ground, exchange: RawRequest, { nowMs, monotonicMs }: Moment) {
  const { policy, facts, routes, isTrustedProxy } = ground;
  const reading = readRequest(exchange, ground);
  const judged = reading.refused ?? judge(reading.question!, policy, facts, { nowMs, monotonicMs }, systemClock);
  if (judged instanceof Promise) throw new Error('not decided at once');
  const rules = { routes, isTrustedProxy, policy, patterns: [], configuration: '#2' };
  const shadow: ShadowRules = { ...rules, budget: new LineBudget(Number.POSITIVE_INFINITY) };
  const request = { exchange, reading, nowMs, monotonicMs, ruleset: { shadow } } as unknown as RequestContext;
  return { request, reason: 'reason' in judged ? judged.reason : null };
}

/** Each route asks for a scope, a workspace by its environment, and a role there: member to GET, admin to DELETE. */
export function buildRoutes(count: number): RouteTable {
  const table = new RouteTable({ caseSensitive: true, ignoreTrailingSlash: false });
  for (let index = 0; index < count; index++) {
    const template = `/api/v1/service${index}/items/{id}`;
    for (const [method, role] of [
      ['GET', 'member'],
      ['DELETE', 'admin'],
    ] as const) {
      const route: Route = {
        id: configuredName(`${method}-${index}`),
        hosts: null,
        template,
        methods: [method],
        requirement: {
          scopes: compileScopes(['workflows:read'], true),
          apiVersions: null,
          workspace: { as: 'environment', selector: { from: 'query', name: 'environmentId' }, role },
          environment: null,
          resource: null,
          bodyFields: null,
        },
        upstream: 'platform',
        credentials: BEARER_ONLY,
        dialect: null,
        requestEdits: null,
        answerEdits: null,
        rewrite: null,
        rewritesLocations: true,
        timeouts: null,
        keepsEncodedSlashes: false,
        allowFrom: null,
        forwardAuthorization: false,
        registration: null,
        limits: null,
      };
      const read = readTemplate(template);
      if (!read.ok || table.add(route, read.segments) !== undefined) throw new Error(`${template} is no route`);
    }
  }
  return table;
}

/** A request as bytes, so that its strings can be made anew each time, unhashed and on no one's cache line. */
export class PackedRequest {
  readonly #method: string;
  readonly #bytes: Buffer;
  /** End of the target, then of every header name and value. */
  readonly #ends: Uint16Array;

  constructor(method: string, target: string, token: string) {
    const headers = [
      ['Host', '127.0.0.1:8080'],
      ['User-Agent', 'coze-js/1.3.9 node/24'],
      ['Accept', 'application/json'],
      ['Accept-Encoding', 'gzip, deflate'],
      ['Authorization', `Bearer ${token}`],
      ['Connection', 'keep-alive'],
    ].flat();
    let end = 0;
    this.#ends = Uint16Array.from([target, ...headers], (text) => (end += text.length));
    this.#bytes = Buffer.from(target + headers.join(''), 'latin1');
    this.#method = method;
  }

  unpack(): RawRequest {
    const texts: string[] = [];
    let start = 0;
    for (const end of this.#ends) {
      texts.push(this.#bytes.toString('latin1', start, end));
      start = end;
    }
    const [target, ...headers] = texts;
    return { method: this.#method, target: target!, minorVersion: 1, headers, peerAddress: '127.0.0.1' };
  }
}
