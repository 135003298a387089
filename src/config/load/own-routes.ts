/** The routes that the gateway answers itself, where the policy has service accounts (SCRYDON-8, -11; RFC 7662, 7009, 8414). */

import { configuredName } from '../../core/configured-name.ts';
import { BEARER_ONLY } from '../../core/credential.ts';
import type { AnswerEdits } from '../../core/header-edits.ts';
import type { Route } from '../../core/route.ts';
import type { CompiledRoute } from '../../core/route-table.ts';
import { readTemplate } from '../../core/template.ts';
import { Bug } from '../../errors.ts';
import type { CompiledLimits } from './compile-limits.ts';

type OwnLimits = ReturnType<CompiledLimits['forOwn']>;

const METADATA = '/.well-known/oauth-authorization-server';

/** Where the gateway's own routes stand. */
export interface OwnPlace {
  /** As configured, e.g. `/api`. */
  readonly prefix: string;
  /** See `pathOf`. */
  readonly publicPath: string;
  /** As core/host-name writes them; null: every host. */
  readonly hosts: readonly string[] | null;
  /** Of `defaults`. */
  readonly answerEdits: AnswerEdits | null;
}

export function ownRoutes({ prefix, publicPath, hosts, answerEdits }: OwnPlace, limits: OwnLimits): CompiledRoute[] {
  const open = (endpoint: string, method: string, template: string) =>
    own({ endpoint, method, template, hosts, limits: limits.open, requirement: null, answerEdits });
  return [
    open('token', 'POST', `${prefix}/auth/oauth2/token`),
    open('introspect', 'POST', `${prefix}/auth/oauth2/introspect`),
    open('revoke', 'POST', `${prefix}/auth/oauth2/revoke`),
    open('metadata', 'GET', METADATA),
    // An issuer's path stands behind the well-known name, not before it (RFC 8414 section 3.1).
    ...(publicPath === '' ? [] : [open('metadata', 'GET', METADATA + publicPath)]),
    own({
      endpoint: 'whoami',
      method: 'GET',
      template: `${prefix}/v1/service-account/whoami`,
      hosts,
      limits: limits.withToken,
      requirement: WITH_TOKEN,
      answerEdits,
    }),
  ];
}

/** The path of `gateway.publicUrl` without a slash at its end, empty where it has none; null where no request could name it. */
export function pathOf(publicUrl: string | undefined): string | null {
  if (publicUrl === undefined) return '';
  const issuer = issuerOf(publicUrl);
  const path = issuer.replace(/^https?:\/\/[^/]*/i, '');
  // Clients make it normal before they ask.
  if (!URL.canParse(issuer) || new URL(issuer).pathname !== (path || '/')) return null;
  const read = readTemplate(path || '/');
  return read.ok && read.segments.every(({ kind }) => kind === 'literal') ? path : null;
}

/** The origin of `gateway.publicUrl`, as browsers write it; null: there is none, or nobody can read it. */
export function publicOriginOf(publicUrl: string | undefined): string | null {
  return publicUrl !== undefined && URL.canParse(publicUrl) ? new URL(publicUrl).origin : null;
}

/** The OAuth issuer: `gateway.publicUrl` without a slash at its end. */
export function issuerOf(publicUrl: string): string {
  return publicUrl.replace(/\/+$/, '');
}

const WITH_TOKEN = {
  scopes: null,
  apiVersions: null,
  workspace: null,
  environment: null,
  resource: null,
  bodyFields: null,
} as const;

interface OwnRoute extends Pick<Route, 'hosts' | 'template' | 'limits' | 'requirement' | 'answerEdits'> {
  readonly endpoint: string;
  readonly method: string;
}

function own({ endpoint, method, template, hosts, limits, requirement, answerEdits }: OwnRoute): CompiledRoute {
  const read = readTemplate(template);
  if (!read.ok) throw new Bug(`${template}: ${read.problem}`);
  return {
    segments: read.segments,
    route: {
      id: configuredName(`scopegate-${endpoint}`),
      hosts,
      template,
      methods: [method],
      keepsEncodedSlashes: false,
      allowFrom: null,
      requirement,
      upstream: '',
      endpoint,
      credentials: BEARER_ONLY,
      dialect: null,
      requestEdits: null,
      answerEdits,
      rewrite: null,
      rewritesLocations: true,
      timeouts: null,
      forwardAuthorization: false,
      registration: null,
      limits,
    },
  };
}
