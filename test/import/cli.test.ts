/** `scopegate import`: a file of hashes becomes tokens that work; what is wrong with it is said by its line. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../src/secret.ts';
import { run } from '../directory/harness.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';

let upstream: HttpUpstream;
let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => response.end('here'));
  const settings = { import: { patterns: [{ prefix: 'key-', minLength: 20, maxLength: 40 }] } };
  gateway = await startTestGateway({ upstreamUrl: upstream.url, settings });
  folder = mkdtempSync(join(tmpdir(), 'scopegate-import-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const text = (nth: number | string) => `key-${String(nth).padStart(20, '0')}`;
const row = (nth: number | string, more: object = {}) => ({
  ...{ sha256: sha256(text(nth)), name: `n ${nth}`, owner: 'alice', scopes: ['workspace:read'] },
  ...{ workspaces: ['ws_sales'], kind: 'service', neverExpires: true, ...more },
});
const file = (name: string, lines: readonly (object | string)[]) => {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
};
const scopegate = (path: string, ...options: string[]) =>
  run(['import', path, '--organization', 'acme', '--url', gateway.adminUrl, ...options], {
    SCOPEGATE_ADMIN_KEY: gateway.adminKey,
  });
const status = async (token: string) =>
  (await ask(gateway.url, rawRequest('GET /v1/workspaces', [`Authorization: Bearer ${token}`]))).status;

describe('JSON lines', () => {
  it('are taken, found again by a second run, and gone on with by a longer file', async () => {
    const path = file('tokens.jsonl', ['', row('a'), row('b')]);
    expect(await scopegate(path, '--dry-run')).toMatchObject({
      code: 0,
      stdout: '2 imported, 0 here already, 0 refused\n',
      stderr: `asking the gateway that runs ${gateway.folder}/gateway.yaml (sidecar ${gateway.adminUrl})\ndry run: nothing was changed\n`,
    });
    expect(await status(text('a'))).toBe(401);
    expect((await scopegate(path)).stdout).toBe('2 imported, 0 here already, 0 refused\n');
    expect([await status(text('a')), await status(text('b'))]).toEqual([200, 200]);
    file('tokens.jsonl', [row('a', { name: 'renamed' }), row('b'), row('c')]);
    const { code, stdout, stderr } = await scopegate(path);
    expect([code, stdout]).toEqual([0, '1 imported, 2 here already, 0 refused\n']);
    expect(stderr).toMatch(/tokens\.jsonl:1:1: is here already as tok_\w+, with another name; nothing was changed/);
  });

  it('that are refused are named with their line, and the others are taken', async () => {
    const path = file('some.jsonl', [row('d'), row('e', { owner: 'nobody' }), row('f', { scopes: ['no:such'] })]);
    const { code, stdout, stderr } = await scopegate(path);
    expect([code, stdout]).toEqual([1, '1 imported, 0 here already, 2 refused\n']);
    expect(stderr).toContain(`${path}:2:1: `);
    expect(stderr).toContain(`${path}:3:1: The policy knows no scope "no:such". (scope_unknown)`);
    const { stdout: json } = await scopegate(path, '--json');
    expect(JSON.parse(json)).toMatchObject({
      imported: 0,
      existing: 1,
      refused: 2,
      problems: [{ line: 2 }, { line: 3 }],
    });
  });

  it('with a mistake of form change nothing, and no value is repeated', async () => {
    const secret = 'key-do-not-print-this-0';
    const path = file('wrong.jsonl', [
      row('never'),
      `{"sha256": "${secret}", `,
      row('x', { sha256: secret }),
      row('x', { token: secret }),
      row('x', { nmae: 'x' }),
      row('x', { workspaces: 7 }),
      row('x', { scopes: 'workspace:read' }),
      row('x', { organization: 'no organization' }),
      '[]',
      { sha256: sha256('x') },
    ]);
    const { code, stderr } = await scopegate(path);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      `${path}:2:1: is no JSON object; a file of JSON lines has one in each line, a CSV is named .csv`,
      `${path}:3:1: sha256 must be the SHA-256 of the token's text: 64 hexadecimal digits in lower case`,
      `${path}:4:1: holds a token itself; give its hash: printf %s "$TOKEN" | sha256sum`,
      `${path}:5:1: unknown field "nmae"`,
      expect.stringMatching(/:6:1: workspaces must be workspace ids, or an all-grant/) as unknown,
      `${path}:7:1: scopes must be array`,
      expect.stringMatching(/:8:1: organization must be an id/) as unknown,
      `${path}:9:1: is no JSON object; a file of JSON lines has one in each line, a CSV is named .csv`,
      `${path}:10:1: name is missing`,
    ]);
    expect(stderr).not.toContain(secret);
    expect(await status(text('never'))).toBe(401);
  });

  it('with a token of ours in a text change nothing, and it is not repeated', async () => {
    const pasted = mintToken('pat_').reveal();
    const path = file('pasted.jsonl', [row('never'), row('x', { name: `for ${pasted}` }), row('x', { owner: pasted })]);
    const { code, stderr } = await scopegate(path);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      `${path}:2:1: name holds a token, which is a secret and is not kept as text; leave it out`,
      `${path}:3:1: owner holds a token, which is a secret and is not kept as text; leave it out`,
    ]);
    expect(await status(text('never'))).toBe(401);
  });

  it('of more than one batch and organization go to each in turn', async () => {
    for (const org of ['many', 'more']) {
      await gateway.admin('PUT', `/v1/organizations/${org}`, { name: org, edition: 'enterprise' });
      await gateway.admin('PUT', `/v1/organizations/${org}/members/alice`, { name: 'Alice', role: 'admin' });
      await gateway.admin('PUT', `/v1/organizations/${org}/workspaces/ws_sales`, { name: 'Sales', owner: 'alice' });
    }
    const rows = Array.from({ length: 1200 }, (_, nth) =>
      row(`m${nth}`, { organization: nth < 1150 ? 'many' : 'more' }),
    );
    const { code, stdout } = await scopegate(file('many.jsonl', rows));
    expect([code, stdout], 'the limit of each is 100').toEqual([1, '150 imported, 0 here already, 1,050 refused\n']);
  });
});

describe('CSV', () => {
  it('is read with quotes, lists and empty cells', async () => {
    const path = file('tokens.csv', [
      'sha256,name,description,owner,scopes,workspaces,kind,neverExpires,expiresInDays',
      `${sha256(text('csv'))},"CI, ""main""","two`,
      `lines",alice,workspace:read bot:read,ws_sales ws_legal,service,true,`,
      `${sha256(text('csv2'))},nightly,,alice,workspace:read,ws_sales,,,30`,
    ]);
    expect(await scopegate(path)).toMatchObject({ stdout: '2 imported, 0 here already, 0 refused\n' });
    const { body } = await gateway.admin('POST', '/v1/tokens/find', { token: text('csv') });
    expect(body).toMatchObject({
      ...{ name: 'CI, "main"', description: 'two\nlines', scopes: ['workspace:read', 'bot:read'] },
      ...{ workspaces: ['ws_sales', 'ws_legal'], kind: 'service', expiresAt: null },
    });
    expect((await gateway.admin('POST', '/v1/tokens/find', { token: text('csv2') })).body).toMatchObject({
      ...{ kind: 'personal', description: null },
    });
  });

  it('keeps the addresses that a token may be used from, and says where they differ', async () => {
    const head = 'sha256,name,owner,scopes,workspaces,kind,neverExpires,allowedAddresses';
    const line = (addresses: string) =>
      `${sha256(text('office'))},office,alice,workspace:read,ws_sales,service,true,${addresses}`;
    const office = file('office.csv', [head, line('10.0.0.0/8 192.0.2.7')]);
    expect(await scopegate(office)).toMatchObject({ code: 0 });
    const { body } = await gateway.admin('POST', '/v1/tokens/find', { token: text('office') });
    expect(body).toMatchObject({ allowedAddresses: ['10.0.0.0/8', '192.0.2.7'] });
    expect(await status(text('office'))).toBe(403);
    const again = await scopegate(file('again.csv', [head, line('10.0.0.0/8')]));
    expect(again.stdout + again.stderr).toContain('allowedAddresses');
    const wrong = await scopegate(
      file('nowhere.csv', [head, line('office').replace(sha256(text('office')), sha256(text('w')))]),
    );
    expect(wrong.stdout + wrong.stderr).toContain('"office" is no IP address');
  });

  it.each([
    [['sha265,name'], ':1:1: the header names a column that there is not: "sha265" (did you mean "sha256"?)'],
    [['name,name'], ':1:1: the header names "name" twice'],
    [['sha256,name', 'x'], ':2:1: has 1 cells where the header has 2'],
    [['sha256,name', 'a,b"c'], ':2:1: has a quote in the middle of a cell'],
    [['sha256,name', 'a,b', '"c', 'd'], ':3:1: has a quote that nothing closes'],
  ])('that cannot be read in one way is refused: %j', async (lines, message) => {
    const { code, stderr } = await scopegate(file('wrong.csv', lines));
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});

it('what cannot be asked is said, with what is left to do', async () => {
  expect((await run(['import', join(folder, 'none.jsonl')])).stderr).toContain('cannot be read (ENOENT)');
  const path = file('left.jsonl', [row('left')]);
  const options = ['import', path, '--organization', 'nowhere', '--url', gateway.adminUrl];
  const { code, stderr } = await run(options, { SCOPEGATE_ADMIN_KEY: gateway.adminKey });
  expect([code, stderr]).toEqual([1, expect.stringContaining('(404 not_found)\n1 row was not looked at.')]);
});
