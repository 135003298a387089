/**
 * What is kept of one decision, for the log and for whoever asks later why: what was asked for, by what it was judged, and
 * what came of it. Never a query, a body, or a token. Noted while the request is here, as a few values of its own, and put
 * into words only when somebody reads it.
 */
import type { FieldValue } from '../core/bodies/inspected-body.ts';
import type { Reason } from '../core/reason.ts';
import type { Route } from '../core/route.ts';
import { type SelectorSource, select } from '../core/selector.ts';
import { escapedTarget } from '../core/target.ts';
import { withoutTokens } from '../core/token-format.ts';
import { clientAddressOf, type RequestContext } from './request-context.ts';

/** A decision as everybody reads it: a line of the log, a refusal that is remembered. */
export interface DecisionRecord {
  readonly id: string;
  readonly requestId: string;
  /** When the request came. */
  readonly at: string;
  readonly method: string;
  readonly host: string | null;
  /** Up to its `?`. */
  readonly path: string;
  /** The path is not the request's own: it could not be read, held a token, or was too long to keep. */
  readonly altered: boolean;
  readonly route: string | null;
  readonly token: string | null;
  readonly kind: string | null;
  readonly organization: string | null;
  /** The token's owner; null: it has none, or none is known. */
  readonly owner: string | null;
  /** The token's fields as they were. */
  readonly state: string | null;
  readonly scopes: string | null;
  readonly workspaces: string | null;
  readonly expiresAt: string | null;
  /** What the request names, whether it may have it or not. */
  readonly workspace: string | null;
  readonly environment: string | null;
  readonly resource: string | null;
  readonly role: string | null;
  readonly outcome: 'allowed' | 'refused';
  readonly reason: Reason | null;
  readonly detail: string | null;
  readonly status: number | null;
  readonly configuration: string;
  /** Of the store: up to which the facts were known. */
  readonly revision: number;
  readonly degraded: boolean;
  readonly address: string;
  readonly authUs: number;
  readonly upstreamMs: number | null;
}

/** The same before it is put into words. What texts it has of the request are copies: a slice would keep all of its head. */
export interface DecisionNote {
  readonly decisionId: string;
  readonly requestId: string;
  readonly atMs: number;
  readonly method: string;
  readonly host: string;
  /** Of a target that could not be read, the target. */
  readonly path: string;
  readonly isRead: boolean;
  readonly isCut: boolean;
  readonly routeId: string | null;
  readonly tokenId: string | null;
  readonly kind: string | null;
  readonly organizationId: string | null;
  readonly ownerId: string | null;
  readonly ownerGeneration: number | null;
  readonly state: string | null;
  readonly scopes: string | null;
  readonly workspaces: string | null;
  /** null: no token is known. Infinity: never. */
  readonly expiresAtMs: number | null;
  readonly workspace: string | null;
  readonly environment: string | null;
  readonly resource: string | null;
  readonly role: string | null;
  readonly reason: Reason | null;
  readonly detail: string | null;
  readonly status: number | null;
  readonly configuration: string;
  readonly revision: number;
  readonly isDegraded: boolean;
  readonly address: string;
  readonly decidedMs: number;
  readonly upstreamMs: number | null;
}

/** A decision, as far as it is known. */
export interface Decided {
  readonly request: RequestContext;
  readonly route: Route | null;
  readonly reason: Reason | null;
  readonly detail?: string | null;
  readonly status: number | null;
  readonly upstreamMs: number | null;
}

/** More than any id has. */
const VALUE_MAX = 200;
const HOST_MAX = 100;
/** Of a token's scopes and workspaces. */
const LIST_MAX = 256;

/** `revision`: up to which the facts are known. `pathMax`: of what is kept of a path. */
export function noteOf(decided: Decided, revision: number, pathMax: number): DecisionNote {
  const { request, route, reason, detail = null, status, upstreamMs } = decided;
  const { requestId, decisionId, exchange, token, allowed, selected, reading, isTrusted } = request;
  const isRead = reading.target.path !== '';
  const path = isRead ? reading.target.path : withoutQuery(exchange.target);
  // Nobody whose token is not known has been asked which workspace they mean.
  const ownPath = ownText(path, pathMax);
  const asked = token === null ? null : (route?.requirement ?? null);
  const named = asked === null ? NOTHING : namedBy(reading, asked, selected, ownPath);
  return {
    decisionId,
    requestId: isTrusted ? ownText(requestId, VALUE_MAX) : requestId,
    atMs: request.nowMs,
    method: exchange.method,
    host: ownHost(reading.headerFacts.host),
    path: ownPath,
    isRead,
    isCut: path.length > pathMax,
    routeId: route?.id ?? null,
    tokenId: token?.id ?? null,
    kind: token?.kind ?? null,
    organizationId: token?.organizationId ?? null,
    ownerId: token === null ? null : (token.ownerId ?? token.clientId),
    ownerGeneration: token?.ownerGeneration ?? null,
    state: token?.state ?? null,
    scopes: token?.scopesText ?? null,
    workspaces: token === null ? null : grantText(token),
    expiresAtMs: token?.expiresAtMs ?? null,
    workspace: allowed?.workspaceId ?? named.workspace,
    environment: allowed?.environmentId ?? named.environment,
    resource: named.resource,
    role: allowed?.role ?? null,
    reason,
    detail,
    status,
    configuration: request.ruleset.log.configuration,
    revision,
    isDegraded: request.degraded !== null,
    address: isTrusted ? ownText(clientAddressOf(request), VALUE_MAX) : exchange.peerAddress,
    decidedMs: request.decidedMs,
    upstreamMs,
  };
}

export function recordOf(note: DecisionNote): DecisionRecord {
  const path = withoutTokens(note.isRead ? note.path : escapedTarget(note.path));
  const { expiresAtMs, reason, detail } = note;
  return {
    id: note.decisionId,
    requestId: note.requestId,
    at: new Date(note.atMs).toISOString(),
    method: note.method,
    host: note.host === '' ? null : withoutTokens(note.host),
    path,
    altered: !note.isRead || note.isCut || path !== note.path,
    route: note.routeId,
    token: note.tokenId,
    kind: note.kind,
    organization: note.organizationId,
    owner: note.ownerId,
    state: note.state,
    scopes: cut(note.scopes),
    workspaces: cut(note.workspaces),
    expiresAt: expiresAtMs === null || !Number.isFinite(expiresAtMs) ? null : new Date(expiresAtMs).toISOString(),
    workspace: clean(note.workspace),
    environment: clean(note.environment),
    resource: clean(note.resource),
    role: note.role,
    outcome: reason === null ? 'allowed' : 'refused',
    reason,
    detail: detail === null ? null : withoutTokens(detail).slice(0, VALUE_MAX),
    status: note.status,
    configuration: note.configuration,
    revision: note.revision,
    degraded: note.isDegraded,
    address: note.address,
    authUs: Math.round(note.decidedMs * 1000),
    upstreamMs: note.upstreamMs === null ? null : Math.round(note.upstreamMs * 1000) / 1000,
  };
}

interface Named {
  workspace: string | null;
  environment: string | null;
  resource: string | null;
}

const NOTHING: Readonly<Named> = { workspace: null, environment: null, resource: null };

/** What the request names, whether it may have it or not. `selected`: its workspace's value, where that was looked for. */
function namedBy(
  source: SelectorSource,
  { workspace, resource }: NonNullable<Route['requirement']>,
  selected: FieldValue,
  ownPath: string,
): Readonly<Named> {
  if (workspace === null && resource === null) return NOTHING;
  const named: Named = { workspace: null, environment: null, resource: null };
  if (workspace !== null) {
    const value = selected === undefined ? select(workspace.selector, source) : selected;
    named[workspace.as] = ownValue(value, ownPath, workspace.as === 'resource' ? `${workspace.type}/` : '');
  }
  if (resource !== null) named.resource = ownValue(select(resource.selector, source), ownPath, `${resource.type}/`);
  return named;
}

function ownValue(value: FieldValue, ownPath: string, before: string): string | null {
  if (value == null) return null;
  const start = ownPath.indexOf(value);
  return before + (start === -1 ? ownText(value, VALUE_MAX) : ownPath.slice(start, start + value.length));
}

/** Its ids as they are sent upstream; an all-grant by its name, which says more than `*`. */
function grantText({ workspaces, workspacesText }: NonNullable<RequestContext['token']>): string {
  return typeof workspaces === 'string' ? workspaces : workspacesText;
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

function cut(text: string | null): string | null {
  return text === null || text.length <= LIST_MAX ? text : `${text.slice(0, LIST_MAX)}…`;
}

function clean(text: string | null): string | null {
  return text === null ? null : withoutTokens(text);
}

/** The engine makes a part of a text as a view of the whole from this length on. */
const VIEWED_FROM = 13;

/** A copy, of `max` characters at most: nothing of the text that it came from is kept with it. */
function ownText(text: string, max: number): string {
  if (text.length < VIEWED_FROM) return text;
  // The cut may be in a token, of which nothing stays.
  const part = text.length > max ? `${text.slice(0, max).replace(/\w+$/, '')}…` : text;
  // Joined and cut again it is a view of a text of its own: a third of what the way through bytes costs.
  return ` ${part}`.slice(1);
}

const HOSTS_MAX = 100;
const hosts = new Map<string, string>();

/** Most requests name one of a few. */
function ownHost(host: string): string {
  let own = hosts.get(host);
  if (own === undefined) {
    own = ownText(host, HOST_MAX);
    if (hosts.size >= HOSTS_MAX) hosts.clear();
    hosts.set(own, own);
  }
  return own;
}
