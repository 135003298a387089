/** The routes that the gateway answers itself, where the policy has service accounts (SCRYDON-8, -11; RFC 7662, 7009, 8414). */

import { readTemplate } from '../core/template.ts';
import { Bug } from '../errors.ts';
import type { CompiledRoute } from './compile-route.ts';

/** `prefix` as configured, e.g. `/api`. */
export function ownRoutes(prefix: string): CompiledRoute[] {
  return [
    own('token', 'POST', `${prefix}/auth/oauth2/token`, false),
    own('introspect', 'POST', `${prefix}/auth/oauth2/introspect`, false),
    own('revoke', 'POST', `${prefix}/auth/oauth2/revoke`, false),
    own('metadata', 'GET', '/.well-known/oauth-authorization-server', false),
    own('whoami', 'GET', `${prefix}/v1/service-account/whoami`, true),
  ];
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
