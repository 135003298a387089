/** The routes that the gateway answers itself, where the policy has service accounts (SCRYDON-8, -11; RFC 7662, 7009, 8414). */

import { configuredName } from '../../core/configured-name.ts';
import type { RouteLimits } from '../../core/rate-limit.ts';
import type { Route } from '../../core/route-table.ts';
import { readTemplate } from '../../core/template.ts';
import { Bug } from '../../errors.ts';
import type { CompiledLimits } from './compile-limits.ts';
import type { CompiledRoute } from './compile-route.ts';

type OwnLimits = ReturnType<CompiledLimits['forOwn']>;

const METADATA = '/.well-known/oauth-authorization-server';

/** `prefix` as configured, e.g. `/api`. `publicPath`: see `pathOf`. */
export function ownRoutes(prefix: string, publicPath: string, limits: OwnLimits): CompiledRoute[] {
  const open = (endpoint: string, method: string, template: string) => own(endpoint, method, template, limits.open);
  return [
    open('token', 'POST', `${prefix}/auth/oauth2/token`),
    open('introspect', 'POST', `${prefix}/auth/oauth2/introspect`),
    open('revoke', 'POST', `${prefix}/auth/oauth2/revoke`),
    open('metadata', 'GET', METADATA),
    // An issuer's path stands behind the well-known name, not before it (RFC 8414 section 3.1).
    ...(publicPath === '' ? [] : [open('metadata', 'GET', METADATA + publicPath)]),
    own('whoami', 'GET', `${prefix}/v1/service-account/whoami`, limits.withToken, WITH_TOKEN),
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

/** The OAuth issuer: `gateway.publicUrl` without a slash at its end. */
export function issuerOf(publicUrl: string): string {
  return publicUrl.replace(/\/+$/, '');
}

const WITH_TOKEN = { scopes: null, workspace: null, resource: null } as const;

function own(
  endpoint: string,
  method: string,
  template: string,
  limits: RouteLimits | null,
  requirement: Route['requirement'] = null,
): CompiledRoute {
  const read = readTemplate(template);
  if (!read.ok) throw new Bug(`${template}: ${read.problem}`);
  return {
    segments: read.segments,
    route: {
      id: configuredName(`scopegate-${endpoint}`),
      template,
      methods: [method],
      allowFrom: null,
      requirement,
      upstream: '',
      endpoint,
      credentials: { bearer: true, raw: false, query: false },
      forwardAuthorization: false,
      limits,
    },
  };
}
