/**
 * Records as examples, for people who read /openapi.json: one organization, whose parts name each other. The compiler
 * holds them to the shapes that they are examples of. No token in here is one.
 */

import type {
  AccountAnswer,
  EnterpriseAnswer,
  EnvironmentAnswer,
  MemberAnswer,
  OrganizationAnswer,
  PolicyAnswer,
  ResourceAnswer,
  TeamAnswer,
  TokenAnswer,
  WorkspaceAnswer,
} from './response-schemas.ts';
import type { Shaped } from './route.ts';

const CREATED_AT = '2030-01-01T09:00:00.000Z';

export const REVISION = { revision: 42 };

export const ENTERPRISE: Shaped<typeof EnterpriseAnswer> = { id: 'umbrella', name: 'Umbrella' };

export const ORGANIZATION: Shaped<typeof OrganizationAnswer> = {
  id: 'acme',
  name: 'Acme',
  edition: 'team',
  enterprise: null,
};

export const MEMBER: Shaped<typeof MemberAnswer> = {
  id: 'ann',
  name: 'Ann',
  email: 'ann@acme.example',
  role: 'member',
  scopes: null,
  actions: null,
  teams: ['writers'],
  policies: [],
};

export const TEAM: Shaped<typeof TeamAnswer> = {
  id: 'writers',
  name: 'Writers',
  members: ['ann', 'bob'],
  policies: [],
};

export const WORKSPACE: Shaped<typeof WorkspaceAnswer> = { id: 'w1', name: 'Handbook', owner: 'ann' };

export const ENVIRONMENT: Shaped<typeof EnvironmentAnswer> = { id: 'prod', name: 'Production', workspace: 'w1' };

export const RESOURCE: Shaped<typeof ResourceAnswer> = {
  type: 'document',
  id: 'd1',
  owner: 'ann',
  collaborators: ['bob'],
};

export const TOKEN: Shaped<typeof TokenAnswer> = {
  id: 'tok_1',
  kind: 'personal',
  name: 'nightly export',
  description: null,
  ownerId: 'ann',
  createdBy: null,
  scopes: ['bot:read'],
  workspaces: ['w1'],
  environments: null,
  state: 'active',
  stateReason: null,
  createdAt: CREATED_AT,
  expiresAt: '2030-01-31T09:00:00.000Z',
  lastUsedAt: null,
  scopesUsed: [],
  scopesUsedSince: null,
  findings: [],
  allowedAddresses: null,
  hint: 'pat_Abcd…',
  apiVersion: null,
  apiVersionWithdrawn: false,
  contacts: null,
};

/** A token's text, which is shown once. */
export const TOKEN_TEXT = 'pat_…';

export const ACCOUNT: Shaped<typeof AccountAnswer> = {
  clientId: 'sa_1',
  name: 'importer',
  scopes: ['bot:read'],
  state: 'active',
  createdBy: 'ada',
  createdAt: CREATED_AT,
};

export const POLICY: Shaped<typeof PolicyAnswer> = {
  name: 'default',
  dialect: 'default',
  apiVersions: [],
  organizationRoles: ['owner', 'admin', 'member'],
  workspaceRoles: ['member', 'admin'],
  kinds: {
    personal: {
      ...{ description: "A member's own token", prefix: 'pat_', authority: 'live', default: true },
      ...{ scopesRequired: true, workspacesRequired: true, contactRequired: false, mutable: ['name', 'scopes'] },
      expiry: {
        ...{ required: true, minMs: 86_400_000, maxMs: 31_536_000_000, presetsDays: [30, 90] },
        ...{ never: false, editable: true },
      },
      graceMaxMs: 86_400_000,
      selectable: [{ editions: null, roles: null, listed: 'joined', listedMax: 100, all: null }],
    },
  },
  scopes: [{ name: 'bot:read', category: 'bot', description: 'Read bots' }],
  actions: [{ name: 'tokens.manage', description: 'Manage tokens' }],
  serviceAccounts: true,
  namedPolicies: false,
};
