/** Tokens that were found in public end as the operator has decided, by the word of whoever holds a listed key alone. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../src/secret.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient } from '../support/raw.ts';
import { Refusals } from './refusals.ts';

const GITHUB = {
  // The example in GitHub's documentation of its partner programme.
  key_identifier: '90a421169f0a406205f1563a953312f0be898d3c7b6c06b681aa86a874555f4a',
  key: `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq
kCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==
-----END PUBLIC KEY-----
`,
  is_current: false,
};
const GITHUB_BODY = '[{"token":"some_token","type":"some_type","url":"some_url"}]';
const GITHUB_SIGNATURE =
  'MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc=';

const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const others = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const listed = (name: string, { publicKey }: { readonly publicKey: KeyObject }) => ({
  key_identifier: name,
  key: publicKey.export({ type: 'spki', format: 'pem' }),
  is_current: true,
});

type Verdict = Record<'token_hash' | 'token_type' | 'label', string>;
interface Answer {
  readonly status: number;
  readonly body: readonly Verdict[] & { readonly code?: string; readonly detail?: string };
  readonly headers: Headers;
}

async function start(action: string): Promise<TestGateway> {
  writeFileSync(KEYS, JSON.stringify({ public_keys: [GITHUB, listed('ours', ours)] }));
  return startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    settings: { leaks: { keys: KEYS, action }, gateway: { guesses: { tokenFailures: 4 } } },
  });
}

const folder = mkdtempSync(join(tmpdir(), 'scopegate-leaks-'));
const KEYS = join(folder, 'keys.json');

let gateway: TestGateway;
let described: Refusals;
beforeAll(async () => {
  gateway = await start('revoke');
  described = await Refusals.of(gateway.adminUrl);
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});
afterEach(() => expect(gateway.errorLines).toEqual([]));

interface Sent {
  readonly by?: string;
  readonly key?: KeyObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly at?: TestGateway;
  readonly query?: string;
}

async function report(leaks: unknown, sent: Sent = {}): Promise<Answer> {
  const { by = 'ours', key = ours.privateKey, at = gateway, query = '' } = sent;
  const body = typeof leaks === 'string' ? leaks : JSON.stringify(leaks);
  const headers = sent.headers ?? {
    'github-public-key-identifier': by,
    'github-public-key-signature': sign('sha256', Buffer.from(body), key).toString('base64'),
  };
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
  const answer = await fetch(`${at.adminUrl}/v1/leaks${query}`, init);
  const parsed = (await answer.json()) as Answer['body'];
  if (answer.status >= 400) described.expectDeclared('POST', '/v1/leaks', answer.status, { code: parsed.code });
  return { status: answer.status, body: parsed, headers: answer.headers };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const found = (token: string, url = '') => ({ token, type: 'scopegate_token', url, source: 'commit' });

async function made(at = gateway, more: object = {}): Promise<{ id: string; token: string }> {
  const wish = { owner: 'alice', name: 'n', scopes: ['workflows:read'], workspaces: ['ws_sales'], expiresInDays: 9 };
  const { status, body } = await at.admin('POST', '/tokens', { ...wish, ...more });
  expect([status, body]).toMatchObject([201, {}]);
  return body as { id: string; token: string };
}
const stateOf = async (id: string, at = gateway) => (await at.admin('GET', `/tokens/${id}`)).body;
const asks = async (token: string, at = gateway) =>
  (
    await fetch(`${at.url}/api/v1/workflows/w1?environmentId=env_live`, {
      headers: { authorization: `Bearer ${token}` },
    })
  ).status;

interface Event {
  readonly action: string;
  readonly actor: unknown;
  readonly target: { readonly id: string };
  readonly after: unknown;
}
async function trailOf(id: string, at = gateway): Promise<readonly Event[]> {
  const { body } = await at.admin('GET', '/audit-events?limit=1000');
  return (body as { items: Event[] }).items.filter(({ target }) => target?.id === id);
}

describe('a signed report', () => {
  it('ends each token that is known, for good and before it is answered, and says of each whether it was one', async () => {
    const token = await made();
    const stranger = mintToken('pat_').reveal();
    expect(await asks(token.token)).toBe(502);
    const { status, body, headers } = await report([found(token.token), found(stranger), found('no token')]);
    expect(await asks(token.token)).toBe(401);
    expect(status).toBe(200);
    expect(body).toEqual([
      { token_hash: sha256(token.token), token_type: 'scopegate_token', label: 'true_positive' },
      { token_hash: sha256(stranger), token_type: 'scopegate_token', label: 'false_positive' },
      { token_hash: sha256('no token'), token_type: 'scopegate_token', label: 'false_positive' },
    ]);
    expect(Number(headers.get('scopegate-revision'))).toBeGreaterThan(0);
    expect(await stateOf(token.id)).toMatchObject({ state: 'revoked', stateReason: 'revoked' });
  });

  it('leaves an event with who signed it and where the token stands, and the token in no line of log or trail', async () => {
    const { id, token } = await made();
    await report([
      found(token, `https://example.com/a?t=${token}`),
      found(token, `https://example.com/${'b'.repeat(900)}`),
    ]);
    const events = await trailOf(id);
    const of = (action: string) => events.filter((each) => each.action === action);
    const actor = { kind: 'leak-report', id: 'ours', tokenId: null };
    expect(of('token.leaked')).toMatchObject([
      { actor, after: { value: 'current', action: 'revoke', type: 'scopegate_token', source: 'commit' } },
      { actor },
    ]);
    expect(of('token.leaked')[0]!.after).toHaveProperty('url', 'https://example.com/a?t=pat_…');
    expect(JSON.stringify(of('token.leaked')[1]).length).toBeLessThan(1000);
    expect(of('token.revoked')).toMatchObject([{ actor, after: { state: 'revoked' } }]);
    const kept = JSON.stringify(events) + gateway.logLines.join('');
    expect(kept).not.toContain(token);
    expect(kept).toContain(`"token":"${id}"`);
  });

  it('with ?wait is answered with the receipt in headers', async () => {
    const { token } = await made();
    const { headers } = await report([found(token)], { query: '?wait=5000' });
    expect(headers.get('scopegate-applied')).toBe('true');
  });

  it('of an old value in its grace ends that value alone: what replaced it has not leaked', async () => {
    const { id, token } = await made();
    const { body } = await gateway.admin('POST', `/tokens/${id}/rotate`, { graceSeconds: 3600 });
    const { token: newer } = body as { token: string };
    expect([await asks(token), await asks(newer)]).toEqual([502, 502]);
    const answer = await report([found(token)]);
    expect(answer.body[0]).toMatchObject({ label: 'true_positive' });
    expect([await asks(token), await asks(newer)]).toEqual([401, 502]);
    expect((await trailOf(id)).at(-1)).toMatchObject({ action: 'token.leaked', after: { value: 'replaced' } });
    // Nobody knows it any more.
    expect((await report([found(token)])).body[0]).toMatchObject({ label: 'false_positive' });
  });

  it('that comes again changes nothing, and is answered alike', async () => {
    const { id, token } = await made();
    const first = await report([found(token)]);
    const second = await report([found(token)]);
    expect(second.body).toEqual(first.body);
    const actions = (await trailOf(id)).map(({ action }) => action);
    expect(actions.toSorted()).toEqual(['token.created', 'token.leaked', 'token.leaked', 'token.revoked']);
  });

  it('says nothing of client secrets, which nobody can look up', async () => {
    expect((await report([found(mintToken('sgs_').reveal())])).body).toEqual([]);
  });

  it("is GitHub's own, byte for byte, by a key that it no longer calls current", async () => {
    const headers = {
      'GITHUB-PUBLIC-KEY-IDENTIFIER': GITHUB.key_identifier,
      'GITHUB-PUBLIC-KEY-SIGNATURE': GITHUB_SIGNATURE,
    };
    const { status, body } = await report(GITHUB_BODY, { headers });
    expect([status, body]).toEqual([
      200,
      [{ token_hash: sha256('some_token'), token_type: 'some_type', label: 'false_positive' }],
    ]);
    const other = await report(`${GITHUB_BODY}\n`, { headers });
    expect([other.status, other.body.code]).toEqual([403, 'signature_invalid']);
  });

  it('is not held against what GitHub may say some day', async () => {
    const { token } = await made();
    expect((await report([{ token, type: 't', location: { line: 3 } }])).body[0]).toMatchObject({
      label: 'true_positive',
    });
  });

  it('within its bounds: 1000 tokens, and 1 MiB', async () => {
    const many = Array.from({ length: 1000 }, (_, nth) => found(`no token ${nth}`));
    expect((await report(many)).body).toHaveLength(1000);
    expect((await report([...many, found('one more')])).body.code).toBe('invalid_field');
    expect((await report(`[${' '.repeat(1024 * 1024)}]`)).body.code).toBe('body_too_large');
    expect((await report([])).body.code).toBe('invalid_field');
  });
});

describe('what the operator has decided', () => {
  it('deactivate: it works no more until it is activated; of one that has ended nothing changes', async () => {
    await using other = await start('deactivate');
    const { id, token } = await made(other);
    const gone = await made(other);
    await other.admin('POST', `/tokens/${gone.id}/revoke`);
    await report([found(token), found(gone.token)], { at: other });
    expect(await stateOf(id, other)).toMatchObject({ state: 'inactive', stateReason: 'deactivated' });
    expect(await stateOf(gone.id, other)).toMatchObject({ state: 'revoked' });
    expect((await other.admin('POST', `/tokens/${id}/activate`)).status).toBe(200);
    expect(await asks(token, other)).toBe(502);
  });

  it('report: an event, and nothing else; from a reload on, what the file says then', async () => {
    await using other = await start('report');
    const { id, token } = await made(other);
    expect((await report([found(token)], { at: other })).body[0]).toMatchObject({ label: 'true_positive' });
    expect(await asks(token, other)).toBe(502);
    expect((await trailOf(id, other)).map(({ action }) => action)).toEqual(['token.created', 'token.leaked']);
    writeFileSync(KEYS, JSON.stringify({ public_keys: [listed('newer', others)] }));
    expect((await other.admin('POST', '/v1/reload')).status).toBe(200);
    expect((await report([found(token)], { at: other })).body.code).toBe('signature_key_unknown');
    expect((await report([found(token)], { at: other, by: 'newer', key: others.privateKey })).status).toBe(200);
  });

  it('nothing: 404, which says how to switch it on, whoever asks', async () => {
    await using other = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9' });
    const { status, body } = await report([found('t')], { at: other });
    expect([status, body.code]).toEqual([404, 'leaks_off']);
    expect(body.detail).toContain('leaks: { keys: FILE }');
    expect((await other.admin('POST', '/v1/leaks')).status).toBe(404);
  });
});

describe('nobody else', () => {
  const SIGNED = (body: string) => sign('sha256', Buffer.from(body), ours.privateKey).toString('base64');

  it.each([
    ['without a signature', {}, 'signature_missing'],
    ['with half of one', { 'github-public-key-identifier': 'ours' }, 'signature_missing'],
    [
      'by a key that is not listed',
      { 'github-public-key-identifier': 'theirs', 'github-public-key-signature': SIGNED('[]') },
      'signature_key_unknown',
    ],
    [
      'of another body',
      { 'github-public-key-identifier': 'ours', 'github-public-key-signature': SIGNED('[]') },
      'signature_invalid',
    ],
    [
      'that is none',
      { 'github-public-key-identifier': 'ours', 'github-public-key-signature': '%' },
      'signature_invalid',
    ],
    [
      'of any length',
      { 'github-public-key-identifier': 'ours', 'github-public-key-signature': 'A'.repeat(5000) },
      'signature_invalid',
    ],
  ])('%s', async (_name, headers, code) => {
    await using other = await start('revoke');
    const { id, token } = await made(other);
    const { status, body } = await report([found(token)], { at: other, headers: headers as Record<string, string> });
    expect([status, body.code]).toEqual([403, code]);
    expect(await stateOf(id, other)).toMatchObject({ state: 'active' });
    expect((await trailOf(id, other)).map(({ action }) => action)).toEqual(['token.created']);
  });

  it('by the admin key, with which there are other ways', async () => {
    const { status, body } = await gateway.admin('POST', '/v1/leaks', [found('t')]);
    expect([status, body]).toMatchObject([403, { code: 'signature_missing' }]);
  });

  it('learns by it whether a body could be read, or is made to wait for one', async () => {
    await using other = await start('revoke');
    const unsigned = { 'github-public-key-identifier': 'ours', 'github-public-key-signature': 'AAAA' };
    expect((await report('{"a":1,"a":2', { at: other, headers: unsigned })).body.code).toBe('signature_invalid');
    using client = await RawClient.connect(other.adminUrl);
    const head = 'POST /v1/leaks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n';
    const answer = await client.send(`${head.replace('Host: a', 'Host: 127.0.0.1')}\r\n`).response();
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([403, 'signature_missing']);
  });

  it('tries it for ever: further failures of an address are turned away, right signatures never', async () => {
    await using other = await start('revoke');
    const codes: Array<string | undefined> = [];
    for (let tries = 0; tries < 6; tries++)
      codes.push((await report([found('t')], { at: other, key: others.privateKey })).body.code);
    expect(codes).toEqual([...Array(4).fill('signature_invalid'), ...Array(2).fill('too_many_failures')]);
    const away = await report([found('t')], { at: other, headers: {} });
    expect([away.status, Number(away.headers.get('retry-after')) > 0]).toEqual([429, true]);
    const { token } = await made(other);
    expect((await report([found(token)], { at: other })).body[0]).toMatchObject({ label: 'true_positive' });
  });

  it('sends a body of another kind, or none', async () => {
    const right = { 'github-public-key-identifier': 'ours', 'github-public-key-signature': SIGNED('') };
    const send = (init: RequestInit) => fetch(`${gateway.adminUrl}/v1/leaks`, { method: 'POST', ...init });
    expect((await send({ headers: right })).status).toBe(400);
    expect((await send({ headers: { ...right, 'content-type': 'text/plain' }, body: '[]' })).status).toBe(415);
    expect((await send({ headers: { ...right, 'content-type': 'application/json' }, body: '' })).status).toBe(400);
  });
});
