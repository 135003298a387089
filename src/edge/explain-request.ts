/**
 * A request that nobody sent, or one that is remembered, put to the rules in force: where each of its checks stands, for a
 * token that is known by its hash. It is read by the same function as every request, and asks the same facts. Forwards
 * nothing and counts nothing.
 */
import { type Explanation, explain } from '../core/explain.ts';
import type { TokenHash } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import type { Reason } from '../core/reason.ts';
import type { RequestSource } from '../core/request-source.ts';
import type { Requirement } from '../core/requirement.ts';
import type { Selector } from '../core/selector.ts';
import type { Clock } from '../observe/clock.ts';
import type { Facts } from './judge.ts';
import { type Reading, type ReadingRules, readRequest } from './read-request.ts';

export interface QuestionedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  /** The client's; null: unknown. */
  readonly address: string | null;
  /** Of a request that is remembered without its query, headers and body. */
  readonly recalled?: RecalledNames;
}

/** What a remembered request named, wherever it did; null: nothing. */
export interface RecalledNames {
  readonly workspace: string | null;
  readonly environment: string | null;
  /** `bot/b1`. */
  readonly resource: string | null;
  /** Its body was read, or it had none. */
  readonly isBodyKnown: boolean;
}

export interface ExplainedRequest {
  readonly reading: Reading;
  /** Before any token was looked at; null: it may be judged, or the route is public. */
  readonly refused: Reason | null;
  /** null: no token was asked for. */
  readonly explanation: Explanation | null;
  readonly atMs: number;
}

/** More facts than any explanation can need, even with changes landing all the while. */
const ROUNDS_MAX = 256;

/** null: the store cannot be asked. `hash`: null: of no token; then nothing is asked about one. */
export async function explainRequest(
  { method, target, host, address, recalled }: QuestionedRequest,
  hash: TokenHash | null,
  rules: ReadingRules & { readonly policy: Policy },
  known: Facts,
  clock: Clock,
): Promise<ExplainedRequest | null> {
  const request = { method, target, minorVersion: 1, headers: ['Host', host], peerAddress: address ?? '' };
  const reading = readRequest({ ...request, isClientUnknown: address === null }, rules);
  const atMs = clock.nowMs();
  // The token is named, not presented.
  const refused = reading.refused?.reason === 'token_missing' ? null : (reading.refused?.reason ?? null);
  const requirement = reading.route?.requirement ?? null;
  if (refused !== null || requirement === null || hash === null) return { reading, refused, explanation: null, atMs };
  const source = recalled === undefined ? reading : recall(reading, requirement, recalled);
  const facts = known.view(clock.monotonicMs());
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const outcome = explain({ hash, requirement, source }, rules.policy, facts, atMs);
    if (outcome.kind === 'explained') return { reading, refused, explanation: outcome, atMs };
    const loaded = await Promise.all([outcome.key, ...(outcome.also ?? [])].map((key) => facts.load(key)));
    if (loaded.some(({ kind }) => kind === 'unavailable')) return null;
  }
  return null;
}

/** As if what it named stood where the route looks for it today. */
function recall(reading: Reading, { workspace, resource }: Requirement, recalled: RecalledNames): RequestSource {
  const query: string[] = [];
  const headers: string[] = [...reading.headers];
  const fields = new Map<string, string>();
  const put = (selector: Selector, value: string | null) => {
    const place = selector.from === 'list' ? selector.places[0]! : selector;
    if (value === null) return;
    if (place.from === 'query') query.push(`${encodeURIComponent(place.name)}=${encodeURIComponent(value)}`);
    if (place.from === 'header') headers.push(place.name, value);
    if (place.from === 'body') fields.set(place.field.name, value);
  };
  const ofType = (type: string) =>
    recalled.resource?.startsWith(`${type}/`) ? recalled.resource.slice(type.length + 1) : null;
  if (workspace !== null)
    put(workspace.selector, workspace.as === 'resource' ? ofType(workspace.type) : recalled[workspace.as]);
  if (resource !== null) put(resource.selector, ofType(resource.type));
  const body = { kind: 'json', values: fields } as const;
  return {
    segments: reading.segments,
    query: query.length === 0 ? '' : `?${[...new Set(query)].join('&')}`,
    headers,
    address: reading.address,
    ...(recalled.isBodyKnown ? { body } : {}),
  };
}
