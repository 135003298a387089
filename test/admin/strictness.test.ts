/** Calls to the sidecar that can be read in two ways are refused, and refusals say what would be right. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from '../support/raw.ts';
import { PERSONAL, type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
let token: string;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
  token = (await sidecar.ok('POST', '/tokens', PERSONAL)).id as string;
});
afterAll(() => sidecar.stop());

const ORG = '/v1/organizations/acme';
const JSON_TYPE = { 'content-type': 'application/json' };

/** One request, byte for byte. */
async function raw(request: string) {
  using client = await RawClient.connect(sidecar.url);
  const answer = await client.send(request).response();
  return { status: answer.status, type: answer.header('content-type'), body: JSON.parse(answer.body || 'null') };
}
const key = () => `Authorization: Bearer ${sidecar.key}`;

describe('headers', () => {
  it.each([
    [
      'two credentials',
      () => `Host: a\r\n${key()}\r\nAuthorization: Bearer other`,
      'header_ambiguous',
      'Authorization',
    ],
    ['the same credential twice', () => `Host: a\r\n${key()}\r\n${key()}`, 'header_ambiguous', 'Authorization'],
    ['two hosts', () => `Host: a\r\nHost: b\r\n${key()}`, 'header_ambiguous', 'Host'],
    ['no host', key, 'header_missing', 'Host'],
    [
      'two actors',
      () => `Host: a\r\n${key()}\r\nScopegate-Actor: ann\r\nScopegate-Actor: bob`,
      'invalid_actor',
      undefined,
    ],
    [
      'an actor in another spelling',
      () => `Host: a\r\n${key()}\r\nScopegate_Actor: ann`,
      'invalid_actor',
      'Scopegate_Actor',
    ],
    ['a dotted one', () => `Host: a\r\n${key()}\r\nSCOPEGATE.ACTOR: ann`, 'invalid_actor', 'SCOPEGATE.ACTOR'],
  ])('%s: 400', async (_name, headers, code, field) => {
    const answer = await raw(`GET ${ORG} HTTP/1.1\r\n${headers()}\r\n\r\n`);
    expect(answer).toMatchObject({ status: 400, body: { code, ...(field === undefined ? {} : { field }) } });
  });

  it('an actor behind thousands of headers is still seen', async () => {
    const many = 'a:\r\n'.repeat(2500);
    const answer = await raw(
      `GET ${ORG}/members/bob HTTP/1.1\r\nHost: a\r\n${key()}\r\n${many}Scopegate-Actor: ann\r\n\r\n`,
    );
    expect(answer.status).toBe(403);
  });

  it('an actor is a member in any case', async () => {
    const answer = await raw(`GET ${ORG}/members/bob HTTP/1.1\r\nHost: a\r\n${key()}\r\nSCOPEGATE-ACTOR: ann\r\n\r\n`);
    expect(answer.status).toBe(403);
  });
});

describe('a body where none is taken', () => {
  it.each(['GET', 'DELETE'])('%s: 400, and nothing is done', async (method) => {
    const target = `${method} ${ORG}/tokens/${token} HTTP/1.1\r\nHost: a\r\n${key()}\r\n`;
    for (const rest of [
      'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
      'Content-Length: 1\r\n\r\nx',
      'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    ])
      expect(await raw(target + rest), rest).toMatchObject({ status: 400, body: { code: 'body_not_taken' } });
    expect((await sidecar.call('GET', `/tokens/${token}`)).status).toBe(200);
  });

  it('an empty one goes unnoticed', async () => {
    const head = `GET ${ORG}/tokens/${token} HTTP/1.1\r\nHost: a\r\n${key()}\r\n`;
    expect((await raw(`${head}Content-Type: application/json\r\nContent-Length: 0\r\n\r\n`)).status).toBe(200);
  });
});

describe('JSON that can be read in two ways', () => {
  const put = (body: string) => sidecar.send('PUT', `${ORG}/members/twice`, { body, headers: JSON_TYPE });

  it.each([
    ['{"name":"a","role":"member","name":"b"}', 'duplicate_field', 'name'],
    ['{"name":"a","role":"member","n\\u0061me":"b"}', 'duplicate_field', 'name'],
    ['{"name":"a","role":"member","__proto__":{"role":"admin"}}', 'unknown_field', '__proto__'],
    ['{"name":"a","role":"member","\\u005f_proto__":1}', 'unknown_field', '__proto__'],
  ])('%s', async (body, code, field) => {
    const answer = await put(body);
    expect(answer).toMatchObject({ status: 400, body: { code, field } });
    expect(answer.body.detail).not.toMatch(/not valid JSON/);
  });

  it('a name may stand in several objects, and as a value', async () => {
    const contacts = { primary: 'ann', emails: [] };
    const body = JSON.stringify({ ...PERSONAL, name: '"name","name":{', description: 'name', contacts });
    const path = `${ORG}/tokens`;
    expect((await sidecar.send('POST', path, { body, headers: JSON_TYPE })).status).toBe(201);
    const nested = body.replace('"emails":[]', '"emails":[],"primary":"bob"');
    const answer = await sidecar.send('POST', path, { body: nested, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 400, body: { code: 'duplicate_field', field: 'primary' } });
  });

  it('what is no JSON is said without repeating it', async () => {
    const { body } = await put('{"name":"pat_secret');
    expect(body).toMatchObject({ code: 'malformed_json' });
    expect(JSON.stringify(body)).not.toContain('secret');
  });
});

describe('what is no HTTP', () => {
  const cases: Array<[string, string, number, string]> = [
    ['nonsense', 'nonsense\r\n\r\n', 400, 'bad_request'],
    ['a header without a name', 'GET /livez HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n', 400, 'bad_request'],
    [
      'a chunk without a size',
      `PUT ${ORG} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
      'bad_request',
    ],
    [
      'headers without end',
      `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['a target without end', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, 'target_too_long'],
  ];
  it.each(cases)(
    '%s is answered by a problem of RFC 9457, and the connection ends',
    async (_name, bytes, status, code) => {
      using client = await RawClient.connect(sidecar.url);
      const answer = await client.send(bytes).response();
      expect(answer.status).toBe(status);
      if (answer.status === status && status !== 401) {
        expect(answer.header('content-type')).toBe('application/problem+json');
        expect(JSON.parse(answer.body)).toMatchObject({ type: 'about:blank', status, code });
      }
      await client.untilEnded();
      expect(client.responses).toHaveLength(1);
    },
  );

  it('does not overtake the answer to what came before it', async () => {
    using client = await RawClient.connect(sidecar.url);
    const first = `GET ${ORG}/members/ann HTTP/1.1\r\nHost: a\r\n${key()}\r\n\r\n`;
    client.send(`${first}nonsense\r\n\r\n`);
    expect([(await client.response(0)).status, (await client.response(1)).status]).toEqual([200, 400]);
  });
});

describe('a refused value is answered with what would be right', () => {
  const detail = async (method: string, path: string, body?: unknown) =>
    (await sidecar.call(method, path, body)).body.detail as string;

  it('of a few words: all of them', async () => {
    expect(await detail('GET', '/tokens?state=old')).toBe('state must be "active", "inactive", "expired" or "revoked"');
    expect(await detail('DELETE', '/members/ann?dryRun=yes')).toBe('dryRun must be "true" or "false"');
    expect(await detail('PUT', '/v1/organizations/new', { name: 'n', edition: 'gold' })).toBe(
      'edition must be "personal", "team" or "enterprise"',
    );
    expect(await detail('POST', '/tokens', { ...PERSONAL, workspaces: 7 })).toMatch(
      /^workspaces must be a list, "all", /,
    );
    expect(await detail('POST', '/tokens', { ...PERSONAL, description: 7 })).toBe('description must be text or null');
    expect(await detail('POST', '/tokens/import', { tokens: [] })).toBe('tokens must have at least 1 item');
    expect(await detail('POST', '/tokens', { ...PERSONAL, name: 'x'.repeat(129) })).toBe(
      'name must have at most 128 characters.',
    );
  });

  it('of a number: its range', async () => {
    for (const limit of ['x', '-1', '1e3', '0', '1001'])
      expect(await detail('GET', `/tokens?limit=${limit}`), limit).toMatch(/1 (to|and) 1000/);
    expect(await detail('GET', '/tokens?expiringWithinDays=x')).toMatch(/0 to 999999/);
  });

  it('of an id: its form', async () => {
    expect(await detail('PUT', '/teams/new', { name: 'n', members: ['a b'] })).toMatch(
      /^members\.0 must be an id: 1 to 128/,
    );
  });
});
