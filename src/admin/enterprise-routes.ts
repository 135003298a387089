/** Enterprises over HTTP. Parses and renders; the rules are in manage/. */
import {
  deleteEnterprise,
  getEnterprise,
  listEnterprises,
  listOrganizationsOf,
  putEnterprise,
  readEnterpriseTrail,
} from '../manage/organization/enterprises.ts';
import { ENTERPRISE, ORGANIZATION, REVISION } from './examples.ts';
import { readPage, showPage } from './paging.ts';
import {
  AuditListAnswer,
  EnterpriseAnswer,
  EnterpriseListAnswer,
  OrganizationListAnswer,
  RevisionAnswer,
} from './response-schemas.ts';
import { type AdminRoute, put, route } from './route.ts';
import { EnterpriseBody, EnterpriseParams, PageQuery } from './schemas.ts';
import { auditView, enterpriseView, organizationView } from './views.ts';

const all = { path: '/v1/enterprises', tag: 'enterprises', errors: { 403: ['forbidden'] } } as const;
const one = { ...all, path: `${all.path}/:id`, params: EnterpriseParams } as const;

export const enterpriseRoutes: readonly AdminRoute[] = [
  route({
    ...all,
    id: 'listEnterprises',
    method: 'GET',
    summary: 'List all enterprises',
    description: 'For the operator.',
    query: PageQuery,
    answer: EnterpriseListAnswer,
    example: { answer: { items: [ENTERPRISE], nextCursor: null } },
    run: async ({ manage, query }) => showPage(await listEnterprises(manage, readPage(query)), enterpriseView),
  }),
  route({
    ...one,
    id: 'putEnterprise',
    method: 'PUT',
    summary: 'Make an enterprise, or rename it',
    description:
      'For the operator. Organizations say themselves that they belong to it; limits per enterprise are counted over all of them.',
    body: EnterpriseBody,
    answer: EnterpriseAnswer,
    errors: { ...one.errors, 400: ['invalid_id'] },
    example: { body: { name: 'Umbrella' }, answer: { ...ENTERPRISE, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await putEnterprise(manage, params.id, body);
      return put(value.created, { ...enterpriseView(value.item), revision });
    },
  }),
  route({
    ...one,
    id: 'getEnterprise',
    method: 'GET',
    summary: 'Read an enterprise',
    description: 'For the operator.',
    answer: EnterpriseAnswer,
    example: { answer: ENTERPRISE },
    run: async ({ manage, params }) => enterpriseView(await getEnterprise(manage, params.id)),
  }),
  route({
    ...one,
    id: 'deleteEnterprise',
    method: 'DELETE',
    summary: 'Delete an enterprise that holds no organization',
    description: 'For the operator.',
    answer: RevisionAnswer,
    errors: { ...one.errors, 409: ['enterprise_not_empty'] },
    example: { answer: REVISION },
    async run({ manage, params }) {
      const { revision } = await deleteEnterprise(manage, params.id);
      return { revision };
    },
  }),
  route({
    ...one,
    path: `${one.path}/organizations`,
    id: 'listEnterpriseOrganizations',
    method: 'GET',
    summary: 'List the organizations of an enterprise',
    description: 'For the operator.',
    query: PageQuery,
    answer: OrganizationListAnswer,
    example: { answer: { items: [{ ...ORGANIZATION, enterprise: ENTERPRISE.id }], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listOrganizationsOf(manage, params.id, readPage(query)), organizationView),
  }),
  route({
    ...one,
    path: `${one.path}/audit-events`,
    id: 'listEnterpriseAuditEvents',
    method: 'GET',
    summary: 'Read what was done to an enterprise, oldest first',
    description:
      'For the operator, also of one that is no more. That an organization joined or left stands in the trail of the organization.',
    query: PageQuery,
    answer: AuditListAnswer,
    example: {
      answer: {
        items: [
          {
            id: 'evt_1',
            at: '2030-01-01T09:00:00.000Z',
            actor: { kind: 'admin-key', id: null, tokenId: null },
            action: 'enterprise.created',
            outcome: 'done',
            target: { type: 'enterprise', id: 'umbrella' },
            before: null,
            after: { name: 'Umbrella' },
            code: null,
            detail: null,
          },
        ],
        nextCursor: null,
      },
    },
    run: async ({ manage, params, query }) =>
      showPage(await readEnterpriseTrail(manage, params.id, readPage(query)), auditView),
  }),
];
