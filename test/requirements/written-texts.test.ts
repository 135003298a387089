/**
 * What people write for people, wherever they write it: names, descriptions, e-mail addresses and instants that no reader
 * could show are refused, saying which field (IMPACT-2, IMPACT-6, COZE-SAT-12, COZE-PAT-10).
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, type Harness, startHarness } from './harness.ts';

let harness: Harness;
let token: string;
let account: string;

beforeAll(async () => {
  harness = await startHarness('default', [{ id: 'all', match: { path: '/**' }, public: true }]);
  await harness.organization('acme', 'team', { ann: 'admin' });
  await harness.workspace('acme', 'w1', 'ann');
  token = (await harness.mint('acme', 'ann', TOKEN)).id;
  account = (await harness.must('acme', 'POST', '/service-accounts', { name: 'n', scopes: ['content:read'] })).clientId;
});
afterAll(() => harness.stop());

const TOKEN = { kind: 'service', scopes: ['content:read'], workspaces: ['w1'], neverExpires: true };

const BAD_NAMES: Readonly<Record<string, string>> = {
  'nothing at all': '',
  blanks: '  ',
  'blanks of other scripts': '\u2003\u3000',
  'characters without a width': '\u200b\u2060',
  'a NUL': 'a\0b',
  'a line feed': 'a\nb',
  'an escape': 'a\x1b[31mb',
  'a C1 control': 'a\x85b',
  'a line separator': 'a\u2028b',
  'half a character': 'a\ud83d',
  'the other half': '\udca9a',
  '129 characters': 'x'.repeat(129),
  '129 characters of two halves each': '𝒳'.repeat(129),
};
const GOOD_NAMES = ['x', 'Ünïcode 名前 👩‍👩‍👧', 'x'.repeat(128), '𝒳'.repeat(128), ' padded '];

/** By operation: how a name is sent. */
const NAMED: Readonly<Record<string, (name: string) => Promise<Answer>>> = {
  putEnterprise: async (name) => harness.gateway.admin('PUT', '/v1/enterprises/group', { name }),
  putOrganization: (name) => harness.call('acme', 'PUT', '', { name, edition: 'team' }),
  putMember: (name) => harness.call('acme', 'PUT', '/members/bob', { name, role: 'member' }),
  patchMember: (name) => harness.call('acme', 'PATCH', '/members/ann', { name }),
  putTeam: (name) => harness.call('acme', 'PUT', '/teams/t1', { name, members: [] }),
  putWorkspace: (name) => harness.call('acme', 'PUT', '/workspaces/w2', { name, owner: 'ann' }),
  patchWorkspace: (name) => harness.call('acme', 'PATCH', '/workspaces/w1', { name }),
  putEnvironment: (name) => harness.call('acme', 'PUT', '/workspaces/w1/environments/e1', { name }),
  createServiceAccount: (name) => harness.call('acme', 'POST', '/service-accounts', { name, scopes: ['content:read'] }),
  patchServiceAccount: (name) => harness.call('acme', 'PATCH', `/service-accounts/${account}`, { name }),
  createToken: (name) => harness.call('acme', 'POST', '/tokens', { ...TOKEN, name }, 'ann'),
  previewToken: (name) => harness.call('acme', 'POST', '/tokens/preview', { ...TOKEN, name }, 'ann'),
  patchToken: (name) => harness.call('acme', 'PATCH', `/tokens/${token}`, { name }),
};

interface Api {
  readonly paths: Record<string, Record<string, { operationId?: string; requestBody?: unknown }>>;
  readonly components: { readonly schemas: Record<string, { properties?: object }> };
}

it('every operation that takes a name is tried here', async () => {
  const { paths, components } = (await (await fetch(`${harness.gateway.adminUrl}/openapi.json`)).json()) as Api;
  const named = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ requestBody }) => {
      const title = /#\/components\/schemas\/(\w+)/.exec(JSON.stringify(requestBody ?? ''))?.[1];
      return title !== undefined && 'name' in (components.schemas[title]?.properties ?? {});
    })
    .map(({ operationId }) => operationId);
  // Named policies are of a policy file of their own, below.
  expect(named.toSorted()).toEqual([...Object.keys(NAMED), 'putIamPolicy'].toSorted());
});

it.each(Object.keys(NAMED))('IMPACT-2 COZE-SAT-12 COZE-PAT-10 a name that says nothing: %s', async (operation) => {
  for (const [what, name] of Object.entries(BAD_NAMES))
    expect(await NAMED[operation]!(name), what).toMatchObject({
      status: 422,
      body: { code: 'text_invalid', field: 'name' },
    });
});

it('IMPACT-2 COZE-SAT-12 COZE-PAT-10 a name that says nothing: putIamPolicy', async () => {
  const route = { id: 'read', match: { path: '/x' }, require: { scopes: ['flags:read'] } };
  const other = await startHarness('featbit', [route]);
  try {
    await other.organization('acme', 'team', { ann: 'owner' });
    const statements = [{ effect: 'allow', actions: ['flags:read'], resources: ['*'] }];
    const put = (name: string) => other.call('acme', 'PUT', '/iam-policies/p1', { name, statements });
    for (const [what, name] of Object.entries(BAD_NAMES))
      expect(await put(name), what).toMatchObject({ status: 422, body: { code: 'text_invalid', field: 'name' } });
    expect((await put('no production')).status).toBe(201);
  } finally {
    await other.stop();
  }
});

it('IMPACT-2 COZE-SAT-12 COZE-PAT-10 names of every script and of 128 characters are taken', async () => {
  for (const name of GOOD_NAMES) expect((await NAMED.patchToken!(name)).body).toMatchObject({ name });
});

const BAD_EMAILS = [
  ...['', ' ', 'ann', '@acme.example', 'ann@', 'ann@.example', 'ann@acme..example', 'ann@acme.example.', 'ann@acme'],
  ...['.ann@acme.example', 'ann.@acme.example', 'a..n@acme.example', 'ann@@acme.example', 'a b@acme.example'],
  ...['ann@acme.example\n', 'ann\0@acme.example', 'ann@-acme.example', '\ud83dann@acme.example', 'a,b@acme.example'],
  `${'x'.repeat(320)}@acme.example`,
];

it.each(BAD_EMAILS)('IMPACT-6 %j is no e-mail address, of a contact or of a member', async (email) => {
  const refused = (field: string) => ({ status: 422, body: { code: 'email_invalid', field } });
  const contacts = { emails: ['dev@acme.example', email] };
  const member = { name: 'n', role: 'member', email };
  expect(await harness.call('acme', 'POST', '/tokens', { ...TOKEN, name: 'n', contacts }, 'ann')).toMatchObject(
    refused('contacts.emails'),
  );
  expect(await harness.call('acme', 'PUT', '/members/bob', member)).toMatchObject(refused('email'));
  expect(await harness.call('acme', 'PATCH', '/members/ann', { email })).toMatchObject(refused('email'));
});

it('IMPACT-6 e-mail addresses of every usual form are taken', async () => {
  for (const email of [
    "o'neil+tag@mail.acme.example",
    'jürgen@bücher.example',
    'a@b.co',
    'ann_1@xn--bcher-kva.example',
  ])
    await harness.must('acme', 'PATCH', '/members/ann', { email });
});

it('IMPACT-3 a description has lines and tabs, and no other controls, halves of characters or book', async () => {
  const send = (description: string) => harness.call('acme', 'PATCH', `/tokens/${token}`, { description });
  expect((await send('Two\r\nlines\tand a tab')).status).toBe(200);
  for (const description of ['a\0', 'a\x1b', 'a\ud83d', 'x'.repeat(2001)])
    expect(await send(description)).toMatchObject({
      status: 422,
      body: { code: 'text_invalid', field: 'description' },
    });
});

it('COZE-SAT-13 nothing ends after the year 9999, however that is asked for', async () => {
  const ask = (expiry: object) =>
    harness.call('acme', 'POST', '/tokens', { ...TOKEN, name: 'n', neverExpires: undefined, ...expiry }, 'ann');
  for (const [field, value] of [
    ['expiresInDays', 3_000_000],
    ['expiresInDays', 1e15],
    ['expiresInDays', 1e300],
    ['expiresAt', '9999-12-31T23:59:59-01:00'],
  ] as const) {
    expect(await ask({ [field]: value })).toMatchObject({ status: 422, body: { code: 'expiry_out_of_range', field } });
  }
  const last = '9999-12-31T23:59:59.999Z';
  expect(await ask({ expiresAt: last })).toMatchObject({ status: 201, body: { expiresAt: last } });
  expect(
    await harness.call('acme', 'PATCH', `/tokens/${token}`, { expiresAt: '9999-12-31T23:59:59.999-00:01' }),
  ).toMatchObject({ status: 422, body: { field: 'expiresAt' } });
});
