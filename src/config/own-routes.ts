/** The routes that the gateway answers itself, where the policy has service accounts (SCRYDON-8, -11; RFC 7662, 7009, 8414). */

import { readTemplate } from '../core/template.ts';
import { Bug } from '../errors.ts';
import type { CompiledRoute } from './compile-route.ts';

const METADATA = '/.well-known/oauth-authorization-server';

/** `prefix` as configured, e.g. `/api`. `publicPath`: see `pathOf`. */
export function ownRoutes(prefix: string, publicPath: string): CompiledRoute[] {
  return [
    own('token', 'POST', `${prefix}/auth/oauth2/token`, false),
    own('introspect', 'POST', `${prefix}/auth/oauth2/introspect`, false),
    own('revoke', 'POST', `${prefix}/auth/oauth2/revoke`, false),
    own('metadata', 'GET', METADATA, false),
    // An issuer's path stands behind the well-known name, not before it (RFC 8414 section 3.1).
    ...(publicPath === '' ? [] : [own('metadata', 'GET', METADATA + publicPath, false)]),
    own('whoami', 'GET', `${prefix}/v1/service-account/whoami`, true),
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

function own(endpoint: string, method: string, template: string, needsToken: boolean): CompiledRoute {
  const read = readTemplate(template);
  if (!read.ok) throw new Bug(`${template}: ${read.problem}`);
  return {
    segments: read.segments,
    route: {
      id: `scopegate-${endpoint}`,
      template,
      methods: [method],
      requirement: needsToken ? { scopes: null, workspace: null, resource: null } : null,
      upstream: '',
      endpoint,
      credentials: { bearer: true, raw: false, query: false },
      forwardAuthorization: false,
      limits: null,
    },
  };
}
