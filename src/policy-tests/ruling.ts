/**
 * Puts one request to a set of rules, as a gateway would judge it if it came: read by the same function, judged by the same
 * one, refused in the same words. Nothing is forwarded, and no rate is counted.
 */
import { bodyTypeOf } from '../core/bodies/body-type.ts';
import { BodyInspection } from '../core/bodies/inspect.ts';
import { NO_FIELDS } from '../core/bodies/inspected-body.ts';
import { BEARER_ONLY, type CredentialSources } from '../core/credential.ts';
import type { Policy } from '../core/policy.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import { type Judgement, judge } from '../edge/judge.ts';
import { type IncomingRequest, type Reading, type ReadingRules, readRequest } from '../edge/read-request.ts';
import { Bug } from '../errors.ts';
import type { FactView } from '../store/cache/fact-view.ts';
import type { Case } from './test-file.ts';

export interface AskedRules extends ReadingRules {
  readonly policy: Policy;
}

export interface Ruling {
  /** null: it is let through. */
  readonly reason: Reason | null;
  /** null: no route took it. */
  readonly route: Route | null;
}

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** `token`: its text; null: none is sent. */
export function rulingOn(asked: Case, token: string | null, rules: AskedRules, facts: FactView): Ruling {
  const body = bodyOf(asked.body);
  const bare = requestOf(asked, body);
  const first = readRequest(bare, rules);
  const reading = token === null ? first : readRequest(presented(bare, token, first.route), rules);
  const { route, question, refused } = reading;
  if (refused !== null) return { reason: refused.reason, route };
  if (question === null) return { reason: null, route };
  const judgeNow = () => judgement(reading, rules, facts, asked.atMs);
  let judged = judgeNow();
  if (judged.kind === 'body') {
    if (!takesBody(reading, bare.headers, body)) return { reason: 'body_unreadable', route };
    judged = judgeNow();
  }
  if (judged.kind === 'body') throw new Bug('a body was read and is still asked for');
  return { reason: judged.kind === 'denied' ? judged.reason : null, route };
}

function judgement({ question, token }: Reading, rules: AskedRules, facts: FactView, nowMs: number): Judgement {
  const at = { nowMs, monotonicMs: 0 };
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const judged = judge(question!, rules.policy, { view: () => facts }, at, clock, {
    token,
    prefixes: rules.policy.prefixes,
  });
  if (judged instanceof Promise) throw new Bug('a store in memory was waited for');
  return judged;
}

/** false: it cannot be read. */
function takesBody(reading: Reading, headers: readonly string[], body: string | null): boolean {
  if (body === null) {
    reading.body = NO_FIELDS;
    return true;
  }
  const type = bodyTypeOf(headers);
  const fields = reading.route!.requirement!.bodyFields!;
  const inspected =
    type === null ? null : new BodyInspection(type, Buffer.from(body), fields).goOn(Number.POSITIVE_INFINITY);
  reading.body = inspected ?? undefined;
  return reading.body !== undefined;
}

function bodyOf(body: unknown): string | null {
  return body === null || typeof body === 'string' ? body : JSON.stringify(body);
}

function requestOf(
  { method, target, host, headers, address, body: given }: Case,
  body: string | null,
): IncomingRequest {
  const own = Object.entries(headers).flat();
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const pairs = names.has('host') ? own : ['Host', host, ...own];
  if (body !== null) {
    if (!names.has('content-type')) pairs.push('Content-Type', typeof given === 'string' ? FORM_TYPE : JSON_TYPE);
    pairs.push('Content-Length', String(Buffer.byteLength(body)));
  }
  return {
    method,
    target,
    minorVersion: 1,
    headers: pairs,
    peerAddress: address ?? '',
    isClientUnknown: address === null,
  };
}

/** In the first place in which the route takes one. */
function presented(request: IncomingRequest, token: string, route: Route | null): IncomingRequest {
  const sources: CredentialSources = route?.credentials ?? BEARER_ONLY;
  const { headers, target } = request;
  const withHeader = (name: string, value: string) => ({ ...request, headers: [...headers, name, value] });
  if (!sources.leavesAuthorization && sources.bearer) return withHeader('Authorization', `Bearer ${token}`);
  if (!sources.leavesAuthorization && sources.raw) return withHeader('Authorization', token);
  if (!sources.leavesAuthorization && sources.basic !== null)
    return withHeader('Authorization', `Basic ${Buffer.from(`token:${token}`).toString('base64')}`);
  const [header] = sources.headers;
  if (header !== undefined) return withHeader(header.name, token);
  const [query] = sources.queries;
  if (query === undefined) return request;
  const joint = target.includes('?') ? '&' : '?';
  return { ...request, target: `${target}${joint}${query.name}=${encodeURIComponent(token)}` };
}
