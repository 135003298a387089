/**
 * Steps 1 to 3 of a request: framing, target, route and the checks that belong to the route, credential. One function
 * for every request, and for every open stream when the rules are replaced, so that a new gate is written once. Looks up
 * no fact.
 */

import { answersFor, type InspectedBody } from '../core/bodies/inspected-body.ts';
import { type Preflight, readPreflight } from '../core/cors.ts';
import { type CredentialRequest, readCredential } from '../core/credential.ts';
import type { Question } from '../core/decide.ts';
import { type HeaderFacts, NO_BODY, readHeaders } from '../core/framing.ts';
import type { Match } from '../core/path-table.ts';
import { checkRoute } from '../core/request-checks.ts';
import { isForeignPage } from '../core/request-origin.ts';
import type { RequestSource } from '../core/request-source.ts';
import type { Route } from '../core/route.ts';
import { RouteTable } from '../core/route-table.ts';
import { type RequestTarget, readTarget, targetFault } from '../core/target.ts';
import { survivesUrl } from '../core/upgrade.ts';
import { hashToken, type LastToken } from '../secret.ts';
import { knownAddress } from './client-address.ts';
import type { Refused } from './disposition.ts';

/** A request as it came; an Exchange is one. */
export interface IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
  /** Raw pairs. */
  readonly headers: readonly string[];
  readonly peerAddress: string;
  /** Absent: not over TLS. */
  readonly encrypted?: boolean | undefined;
  readonly isClientUnknown?: boolean | undefined;
  /** What its headers say, where whoever received it has read them already (core/framing). */
  readonly headerFacts?: HeaderFacts | null | undefined;
  /** Of its connection; absent: nothing is kept for the next request. */
  readonly lastToken?: LastToken | undefined;
  /** Not undefined: the client asks to leave HTTP, and may be let. */
  readonly upgrade?: unknown;
  /** What was read of its body before. */
  readonly body?: InspectedBody | undefined;
}

/** The part of the rules that a request is read by. */
export interface ReadingRules {
  readonly routes: RouteTable;
  readonly isTrustedProxy: (address: string) => boolean;
}

const NO_FACTS: HeaderFacts = {
  host: '',
  body: NO_BODY,
  authorization: [],
  via: '',
  expectContinue: false,
  upgrade: false,
};
const NO_TARGET: RequestTarget = { path: '', query: '', segments: [], slashSegments: null };
const badRequest = (detail: string): Refused => ({ kind: 'refused', reason: 'bad_request', detail });
const BAD_HEADERS = badRequest('Host, length, coding or Expect can be read in more than one way');
const BAD_UPGRADE = badRequest('an upgrade whose target would be changed on the way');
const BAD_SLASHES = badRequest('the path has %2F, which its route does not keep');
const NO_ROUTE: Refused = { kind: 'refused', reason: 'route_not_found' };

/** What was read of a request, as far as it could be. */
export class Reading implements RequestSource, CredentialRequest {
  /** null: it may be judged, or, without a question, go on. */
  refused: Refused | null = null;
  headerFacts: HeaderFacts = NO_FACTS;
  target: RequestTarget = NO_TARGET;
  /** null: none was found, or none was looked for. */
  route: Route | null = null;
  /** Not null: it is a browser's question about its route, which asks for no token. */
  preflight: Preflight | null = null;
  /** null: the route is public. */
  question: Question | null = null;
  /** undefined: not read, or not what its route asks of it. */
  body: InspectedBody | undefined = undefined;
  /** The credential of the question, as it was presented. */
  token = '';
  readonly #request: IncomingRequest;
  readonly #rules: ReadingRules;
  #address: string | null | undefined;

  constructor(request: IncomingRequest, rules: ReadingRules) {
    this.#request = request;
    this.#rules = rules;
  }

  get segments(): readonly string[] {
    return this.target.segments;
  }

  get query(): string {
    return this.target.query;
  }

  isForeignPage(): boolean {
    const { headers, encrypted = false } = this.#request;
    const publicOrigin = this.route?.credentials.basic?.publicOrigin ?? null;
    const cors = this.route?.answerEdits?.cors ?? null;
    return isForeignPage(headers, { host: this.headerFacts.host, encrypted, publicOrigin, cors });
  }

  get authorization(): readonly string[] {
    return this.headerFacts.authorization;
  }

  get headers(): readonly string[] {
    return this.#request.headers;
  }

  /** Made out when a check first asks: most requests are never asked for theirs. */
  get address(): string | null {
    if (this.#address === undefined) {
      const { headers, peerAddress, isClientUnknown } = this.#request;
      this.#address = isClientUnknown ? null : knownAddress(headers, peerAddress, this.#rules.isTrustedProxy);
    }
    return this.#address;
  }
}

const NO_REQUEST: IncomingRequest = { method: '', target: '', minorVersion: -1, headers: [], peerAddress: '' };
/** Of a request whose steps have not been taken. */
export const UNREAD: Reading = new Reading(NO_REQUEST, {
  routes: new RouteTable({ caseSensitive: true, ignoreTrailingSlash: false }),
  isTrustedProxy: () => false,
});

export function readRequest(request: IncomingRequest, rules: ReadingRules): Reading {
  const reading = new Reading(request, rules);
  reading.refused = fill(reading, request, rules);
  return reading;
}

/** Each line needs what the one before it has filled in. */
function fill(reading: Reading, request: IncomingRequest, rules: ReadingRules): Refused | null {
  const known = request.headerFacts;
  const headerFacts = known === undefined ? readHeaders(request.headers, request.minorVersion) : known;
  if (headerFacts === null) return BAD_HEADERS;
  reading.headerFacts = headerFacts;
  const target = readTarget(request.target, headerFacts.host);
  if (target === null) return badRequest(targetFault(request.target, headerFacts.host));
  if (request.upgrade !== undefined && !survivesUrl(target.path + target.query)) return BAD_UPGRADE;
  reading.target = target;

  const match = matchOf(reading, request, rules);
  if (target.slashSegments !== null && !keepsSlashes(match, target.slashSegments, reading, request, rules))
    return BAD_SLASHES;
  if (match.kind === 'none') return NO_ROUTE;
  if (match.kind === 'method') return { kind: 'refused', reason: 'method_not_allowed', allow: match.allow };
  const { route } = match;
  reading.route = route;
  const closed = checkRoute(route, reading);
  if (closed !== null) return { kind: 'refused', reason: closed };
  if (route.requirement === null || reading.preflight !== null) return null;

  const credential = readCredential(reading, route.credentials);
  if (!credential.ok) return { kind: 'refused', reason: credential.reason };
  reading.token = credential.token;
  const { bodyFields } = route.requirement;
  if (bodyFields !== null && request.body !== undefined && answersFor(request.body, bodyFields))
    reading.body = request.body;
  reading.question = {
    hash: request.lastToken?.hashOf(credential.token) ?? hashToken(credential.token),
    requirement: route.requirement,
    source: reading,
  };
  return null;
}

/** A preflight is about the route that its script asks for, unless a route says OPTIONS itself. */
function matchOf(reading: Reading, request: IncomingRequest, { routes }: ReadingRules): Match {
  const { host } = reading.headerFacts;
  const { segments } = reading.target;
  const match = routes.match(host, request.method, segments);
  if (request.method !== 'OPTIONS' || (match.kind === 'route' && match.route.methods?.includes('OPTIONS')))
    return match;
  const preflight = readPreflight(request.headers);
  if (preflight === null) return match;
  const wanted = routes.match(host, preflight.method, segments);
  if (wanted.kind !== 'route' || (wanted.route.answerEdits?.cors ?? null) === null) return match;
  reading.preflight = preflight;
  return wanted;
}

/** An upstream that takes `%2F` for a slash must not get to what is another route's. */
function keepsSlashes(
  match: Match,
  split: readonly string[],
  { headerFacts, preflight }: Reading,
  { method }: IncomingRequest,
  { routes }: ReadingRules,
): boolean {
  if (match.kind !== 'route' || !match.route.keepsEncodedSlashes) return false;
  const other = routes.match(headerFacts.host, preflight?.method ?? method, split);
  return other.kind === 'none' || (other.kind === 'route' && other.route === match.route);
}
