/** Named policies and what they are attached to, over HTTP. Parses and renders; the rules are in manage/. */
import type { Static } from 'typebox';
import {
  deleteIamPolicy,
  getIamPolicy,
  listAttachments,
  listIamPolicies,
  putIamPolicy,
  setAttachment,
} from '../manage/organization/iam-policies.ts';
import { REVISION } from './examples.ts';
import { readPage, showPage } from './paging.ts';
import {
  AttachmentAnswer,
  AttachmentListAnswer,
  IamPolicyAnswer,
  IamPolicyListAnswer,
  RevisionAnswer,
} from './response-schemas.ts';
import { type AdminRoute, put, route } from './route.ts';
import { AttachmentParams, IamPolicyBody, IamPolicyParams, OrganizationParams, PageQuery } from './schemas.ts';
import { iamPolicyView } from './views.ts';

const EXAMPLE: Static<typeof IamPolicyBody> & { readonly id: string } = {
  id: 'no-prod',
  name: 'Everything but production',
  statements: [{ effect: 'deny', actions: ['*'], resources: ['project/*:env/prod'] }],
};
const description = 'For administrators, where the policy file has named policies (`iam`).';
const errors = { 409: ['no_iam_policies'] } as const;
const all = { path: '/v1/organizations/:org/iam-policies', tag: 'named policies', description, errors } as const;
const one = { ...all, path: `${all.path}/:policy`, params: IamPolicyParams } as const;
const attachment = { ...one, path: `${one.path}/attachments/:kind/:id`, params: AttachmentParams } as const;

export const iamPolicyRoutes: readonly AdminRoute[] = [
  route({
    ...all,
    id: 'listIamPolicies',
    method: 'GET',
    summary: 'List the named policies of an organization',
    params: OrganizationParams,
    query: PageQuery,
    answer: IamPolicyListAnswer,
    example: { answer: { items: [EXAMPLE], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listIamPolicies(manage, params.org, readPage(query)), iamPolicyView),
  }),
  route({
    ...one,
    id: 'putIamPolicy',
    method: 'PUT',
    summary: 'Make a named policy, or replace its statements',
    description: `${description} Deny wins. It is in force with the next request of whoever it is attached to.`,
    body: IamPolicyBody,
    answer: IamPolicyAnswer,
    errors: { ...errors, 400: ['invalid_id'], 422: ['action_unknown', 'resource_invalid'] },
    example: { body: { name: EXAMPLE.name, statements: EXAMPLE.statements }, answer: { ...EXAMPLE, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await putIamPolicy(manage, params.org, params.policy, body);
      return put(value.created, { ...iamPolicyView(value.item), revision });
    },
  }),
  route({
    ...one,
    id: 'getIamPolicy',
    method: 'GET',
    summary: 'Read a named policy',
    answer: IamPolicyAnswer,
    example: { answer: EXAMPLE },
    run: async ({ manage, params }) => iamPolicyView(await getIamPolicy(manage, params.org, params.policy)),
  }),
  route({
    ...one,
    id: 'deleteIamPolicy',
    method: 'DELETE',
    summary: 'Delete a named policy that is attached to nobody',
    answer: RevisionAnswer,
    errors: { 409: [...errors[409], 'policy_attached'] },
    example: { answer: REVISION },
    async run({ manage, params }) {
      const { revision } = await deleteIamPolicy(manage, params.org, params.policy);
      return { revision };
    },
  }),
  route({
    ...one,
    path: `${one.path}/attachments`,
    id: 'listIamPolicyAttachments',
    method: 'GET',
    summary: 'List the members and teams that a named policy is attached to',
    query: PageQuery,
    answer: AttachmentListAnswer,
    example: { answer: { items: [{ kind: 'teams', id: 'writers' }], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listAttachments(manage, params.org, params.policy, readPage(query)), (each) => each),
  }),
  route({
    ...attachment,
    id: 'attachIamPolicy',
    method: 'PUT',
    summary: 'Attach a named policy to a member or a team',
    answer: AttachmentAnswer,
    example: { answer: { kind: 'teams', id: 'writers', ...REVISION } },
    async run({ manage, params: { org, policy, kind, id } }) {
      const { value, revision } = await setAttachment(manage, org, policy, { kind, id }, true);
      return put(value.created, { kind, id, revision });
    },
  }),
  route({
    ...attachment,
    id: 'detachIamPolicy',
    method: 'DELETE',
    summary: 'Detach a named policy from a member or a team',
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params: { org, policy, kind, id } }) {
      const { revision } = await setAttachment(manage, org, policy, { kind, id }, false);
      return { revision };
    },
  }),
];
