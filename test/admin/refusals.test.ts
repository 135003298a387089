/** What the sidecar does not take, and how it says so: problem+json, with a stable code and the field to blame. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERSONAL, type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
let token: string;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
  token = (await sidecar.ok('POST', '/tokens', PERSONAL)).id as string;
});
afterAll(() => sidecar.stop());

const JSON_TYPE = { 'content-type': 'application/json' };
const ORG = '/v1/organizations/acme';
const send: Sidecar['send'] = (...args) => sidecar.send(...args);
const call: Sidecar['call'] = (...args) => sidecar.call(...args);

/** Every way to write, with a body that is right. */
const writes: Array<[method: string, path: string, body: Record<string, unknown>]> = [
  ['PUT', '/v1/organizations/new', { name: 'x', edition: 'team' }],
  ['PUT', '/members/new', { name: 'x', role: 'member' }],
  ['PATCH', '/members/ann', { name: 'x' }],
  ['PUT', '/teams/new', { name: 'x', members: [] }],
  ['PUT', '/workspaces/new', { name: 'x', owner: 'ann' }],
  ['PATCH', '/workspaces/w1', { name: 'x' }],
  ['PUT', '/workspaces/w1/environments/new', { name: 'x' }],
  ['PUT', '/workspaces/w1/resources/bot/new', { owner: 'ann', collaborators: [] }],
  ['PUT', '/workspaces/w1/assignments/members/bob', { role: 'member' }],
  ['POST', '/tokens', PERSONAL],
  ['PATCH', '/tokens/TOKEN', { name: 'x' }],
];
const pathOf = (path: string) => (path.startsWith('/v1') ? path : ORG + path).replace('TOKEN', token);

/** A whole problem of RFC 9457. */
function problem(status: number, code: string, field?: string) {
  const detail = expect.stringMatching(/\w/) as string;
  const body = { type: 'about:blank', title: code.replaceAll('_', ' '), status, code, detail };
  return {
    status,
    headers: expect.objectContaining({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    }) as Record<string, string>,
    body: field === undefined ? body : { ...body, field },
  };
}

describe.each(writes)('%s %s', (method, path, right) => {
  it('takes no unknown field', async () => {
    expect(await call(method, pathOf(path), { ...right, colour: 'red' })).toEqual(
      problem(400, 'unknown_field', 'colour'),
    );
  });

  it.each(['__proto__', 'constructor'])('takes no %s', async (name) => {
    const body = `{${JSON.stringify(right).slice(1, -1)},"${name}":{"prototype":{"admin":true}}}`;
    expect(await send(method, pathOf(path), { body, headers: JSON_TYPE })).toMatchObject({ status: 400 });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('takes no field of another type', async () => {
    for (const field of Object.keys(right)) {
      for (const value of [7, true, {}, [7]]) {
        // A number of days is a number.
        if (field === 'expiresInDays' && value === 7) continue;
        const answer = await call(method, pathOf(path), { ...right, [field]: value });
        expect(answer, `${field}: ${JSON.stringify(value)}`).toMatchObject({
          status: 400,
          body: { code: 'invalid_field', field: expect.stringMatching(new RegExp(`^${field}(\\.0)?$`)) as string },
        });
      }
    }
  });

  it('takes no malformed JSON', async () => {
    for (const body of ['{', '{"name":}', 'name=x', '{"name":"x"} {}', "{'name':'x'}", '\u0000']) {
      const answer = await send(method, pathOf(path), { body, headers: JSON_TYPE });
      expect(answer, body).toEqual(problem(400, 'malformed_json'));
    }
  });

  it('takes an object and nothing else', async () => {
    for (const body of ['[]', '"x"', '7', 'null', 'true', ''])
      expect(await send(method, pathOf(path), { body, headers: JSON_TYPE }), body).toMatchObject({
        status: 400,
        body: { code: 'invalid_field', field: 'body' },
      });
    expect(await send(method, pathOf(path), {})).toMatchObject({ status: 400, body: { field: 'body' } });
  });

  it('takes JSON alone', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense']) {
      const answer = await send(method, pathOf(path), {
        body: JSON.stringify(right),
        headers: { 'content-type': type },
      });
      expect(answer, type).toEqual(problem(415, 'unsupported_media_type'));
    }
  });

  it('takes no more than a megabyte', async () => {
    const body = JSON.stringify({ ...right, name: 'x'.repeat(1024 * 1024) });
    expect(await send(method, pathOf(path), { body, headers: JSON_TYPE })).toEqual(problem(413, 'body_too_large'));
  });

  it('takes no query of its own', async () => {
    expect(await call(method, `${pathOf(path)}?force=true`, right)).toEqual(problem(400, 'unknown_field', 'force'));
  });

  it('needs the admin key', async () => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong',
      `Basic ${btoa('a:b')}`,
      `Bearer ${sidecar.key}x`,
      sidecar.key,
    ]) {
      const answer = await call(method, pathOf(path), right, { authorization });
      const code = authorization === '' ? 'credential_missing' : 'credential_unknown';
      expect(answer, authorization).toEqual(problem(401, code));
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="scopegate-admin"');
    }
  });
});

it('refused writes have written nothing', async () => {
  for (const [method, path] of writes.filter(([made]) => made === 'PUT'))
    expect((await call('GET', pathOf(path))).status, `${method} ${path}`).toBe(404);
  expect((await sidecar.ok('GET', '/members/ann')).name).toBe('Ann');
  expect((await sidecar.ok('GET', `/tokens/${token}`)).name).toBe('p');
  expect((await sidecar.ok('GET', '/tokens')).items).toHaveLength(1);
});

describe('a required field that is missing is named', () => {
  it.each(
    writes
      .filter(([method, path]) => method === 'PUT' || path === '/tokens')
      .flatMap(([method, path, right]) =>
        (path === '/tokens' ? ['name'] : Object.keys(right)).map((field) => [method, path, field, right] as const),
      ),
  )('%s %s without %s', async (method, path, field, right) => {
    const { [field]: _gone, ...rest } = right;
    expect(await call(method, pathOf(path), rest)).toEqual(problem(400, 'invalid_field', field));
  });
});

describe('values out of bounds', () => {
  it.each([
    ['PUT', '/v1/organizations/new', { name: 'x', edition: 'gold' }, 'edition'],
    ['PUT', '/members/new', { name: 'x', role: 'member', scopes: ['bot:read', 'bot:read'] }, 'scopes'],
    ['PUT', '/teams/new', { name: 'x', members: ['a b'] }, 'members.0'],
    ['PUT', '/workspaces/w1/assignments/members/bob', { role: 'owner' }, 'role'],
    ['POST', '/tokens', { ...PERSONAL, workspaces: [] }, 'workspaces'],
    ['POST', '/tokens', { ...PERSONAL, workspaces: 'some' }, 'workspaces'],
    ['POST', '/tokens', { ...PERSONAL, neverExpires: false }, 'neverExpires'],
    ['POST', '/tokens', { ...PERSONAL, expiresInDays: '1' }, 'expiresInDays'],
    ['POST', '/tokens', { ...PERSONAL, expiresInDays: null }, 'expiresInDays'],
  ])('%s %s %j: %s', async (method, path, body, field) => {
    expect(await call(method, path, body)).toEqual(problem(400, 'invalid_field', field));
  });

  it('a number beyond all numbers is no number of days', async () => {
    const body = JSON.stringify(PERSONAL).replace('"expiresInDays":1', '"expiresInDays":1e999');
    expect((await send('POST', `${ORG}/tokens`, { body, headers: JSON_TYPE })).status).toBe(400);
  });
});

describe('a token that was pasted into a text', () => {
  let pasted: string;
  beforeAll(async () => {
    pasted = (await sidecar.ok('POST', '/tokens', PERSONAL)).token as string;
  });

  const texts: Array<[method: string, path: string, field: string, body: (text: string) => object]> = [
    ['PUT', '/v1/organizations/acme', 'name', (name) => ({ name, edition: 'team' })],
    ['PUT', '/members/new', 'name', (name) => ({ name, role: 'member' })],
    ['PUT', '/members/new', 'email', (email) => ({ name: 'x', role: 'member', email })],
    ['PATCH', '/members/ann', 'name', (name) => ({ name })],
    ['PUT', '/teams/new', 'name', (name) => ({ name, members: [] })],
    ['PUT', '/workspaces/new', 'name', (name) => ({ name, owner: 'ann' })],
    ['PATCH', '/workspaces/w1', 'name', (name) => ({ name })],
    ['PUT', '/workspaces/w1/environments/new', 'name', (name) => ({ name })],
    ['POST', '/tokens', 'name', (name) => ({ ...PERSONAL, name })],
    ['POST', '/tokens', 'description', (description) => ({ ...PERSONAL, description })],
    ['POST', '/tokens', 'contacts.emails.0', (text) => ({ ...PERSONAL, contacts: { emails: [`${text}@x.test`] } })],
    ['PATCH', '/tokens/TOKEN', 'description', (description) => ({ description })],
    ['POST', '/service-accounts', 'name', (name) => ({ name, scopes: [] })],
    [
      'POST',
      '/tokens/import',
      'tokens.1.description',
      (description) => ({
        tokens: [
          { ...PERSONAL, sha256: 'a'.repeat(64) },
          { ...PERSONAL, sha256: 'b'.repeat(64), description },
        ],
      }),
    ],
  ];

  it.each(texts)('%s %s is refused: %s', async (method, path, field, body) => {
    for (const text of [pasted, `pasted ${pasted} by mistake`, `key${pasted}and more`]) {
      const answer = await call(method, pathOf(path), body(text));
      expect(answer).toEqual(problem(422, 'token_pasted', field));
      expect(JSON.stringify(answer)).not.toContain(pasted.slice(4));
    }
  });

  it('stands nowhere afterwards', async () => {
    await call('PUT', '/members/new', { name: pasted, role: 'member' });
    const { items } = await sidecar.ok('GET', '/audit-events?limit=1000');
    expect(items).toContainEqual(expect.objectContaining({ outcome: 'refused', code: 'token_pasted' }));
    expect(JSON.stringify(items)).not.toContain(pasted.slice(4));
    expect((await call('GET', '/members/new')).status).toBe(404);
  });

  it('is taken where a token is asked for, and what has no right checksum is none', async () => {
    expect((await call('POST', '/v1/tokens/find', { token: pasted })).status).toBe(200);
    const none = pasted.slice(0, -1) + (pasted.endsWith('0') ? '1' : '0');
    expect((await call('PATCH', pathOf('/tokens/TOKEN'), { description: none })).status).toBe(200);
  });
});

describe('paths and methods', () => {
  it.each([
    ['/v1/organizations/acme', 'POST', 'DELETE, GET, HEAD, PUT'],
    ['/v1/organizations/acme/members/ann', 'POST', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['/v1/organizations/acme/tokens', 'PUT', 'GET, HEAD, POST'],
    ['/v1/organizations/acme/tokens/tok_x', 'POST', 'DELETE, GET, HEAD, PATCH'],
    ['/v1/organizations/acme/tokens/tok_x/revoke', 'GET', 'POST'],
    ['/v1/policy', 'DELETE', 'GET, HEAD'],
    ['/livez', 'POST', 'GET, HEAD'],
  ])('%s is not for %s, and says what it is for', async (path, method, allow) => {
    const answer = await send(method, path, {});
    expect(answer).toEqual(problem(405, 'method_not_allowed'));
    for (const allowed of allow.split(', ')) expect((answer.headers.allow as string).split(', ')).toContain(allowed);
    expect(answer.headers.allow).not.toContain(method);
  });

  it.each(['/v1', '/v2/policy', '/v1/organizations/', '/v1/nothing', '/v1/policy/', '/admin'])(
    '%s is nothing',
    async (path) => {
      expect(await send('GET', path, {})).toEqual(problem(404, 'not_found'));
    },
  );

  it('a path that cannot be read is refused', async () => {
    for (const path of ['/v1/organizations/%', '/v1/organizations/%zz', '/v1/organizations/%ff'])
      expect((await send('GET', path, {})).status, path).toBeGreaterThanOrEqual(400);
    const long = await send('GET', `/v1/organizations/${'x'.repeat(600)}`, {});
    expect(long.status).toBeGreaterThanOrEqual(400);
    expect(long.status).toBeLessThan(500);
    expect(long.headers['content-type']).toBe('application/problem+json');
  });

  it('without the key nobody learns what there is', async () => {
    const headers = { authorization: 'Bearer wrong' };
    for (const path of ['/v1/organizations/acme', '/v1/organizations/nowhere', '/v1/nothing', '/v1/policy', '/x'])
      expect(await send('GET', path, { headers }), path).toEqual(problem(401, 'credential_unknown'));
    expect(await send('DELETE', '/v1/organizations/acme', { headers })).toEqual(problem(401, 'credential_unknown'));
    expect(await send('POST', '/v1/policy', { headers })).toEqual(problem(401, 'credential_unknown'));
  });
});
