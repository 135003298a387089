/** A token that may more than it uses, from the finding to the narrower token, as an operator does it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TOKEN_COMMANDS } from '../../src/cli/command-table/token-commands.ts';
import { FINDINGS } from '../../src/manage/tokens/findings.ts';
import { run } from '../directory/harness.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-narrow-'));
let upstream: Recorder;
let gateway: TestGateway;
let token: { readonly id: string; readonly token: string };
const scopegate = (...words: string[]) =>
  run(words, { SCOPEGATE_ADMIN_URL: gateway.adminUrl, SCOPEGATE_ADMIN_KEY: gateway.adminKey });

beforeAll(async () => {
  upstream = await Recorder.start();
  const policy = join(folder, 'policy.yaml');
  const text = readFileSync(join(ROOT, 'policies/default.yaml'), 'utf8');
  writeFileSync(policy, text.replaceAll('mutable: [', 'mutable: [scopes, '));
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    seed: false,
    policy,
    routes: [{ id: 'read', match: { path: '/files/**' }, require: { scopes: ['content:read'] } }],
  });
  await gateway.admin('PUT', '', { name: 'Acme', edition: 'team' });
  await gateway.admin('PUT', '/members/ann', { name: 'Ann', role: 'admin' });
  const scopes = ['content:read', 'workflows:read', 'settings:read'];
  const wanted = { owner: 'ann', name: 'report', scopes, workspaces: 'all', expiresInDays: 5 };
  token = (await gateway.admin('POST', '/tokens', wanted)).body as typeof token;
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('the findings that can be asked for are those that there are', () => {
  const { options } = TOKEN_COMMANDS.find(({ words }) => words === 'token list')!;
  expect(options.finding!.choices).toEqual(FINDINGS);
});

it('of which no use is known cannot be narrowed to it', async () => {
  expect(await scopegate('token', 'edit', token.id, '--scopes-used', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^scopegate: no use of token tok_\w+ "report" of ann is known/),
  });
});

it('is listed with what it uses, and narrowed once somebody said yes', async () => {
  const answer = await ask(gateway.url, rawRequest('GET /files/x', [`Authorization: Bearer ${token.token}`]));
  expect(answer.status).toBe(200);
  await expect
    .poll(async () => (await scopegate('token', 'list', '--finding', 'expires_soon_in_use')).stdout, {
      timeout: 10_000,
    })
    .toMatch(/report .* 1 of 3 \(content:read\) {2}expires_soon_in_use broad_workspaces\n$/);
  expect((await scopegate('token', 'list', '--finding', 'unused_scopes', '--unused', '90d')).stdout).toBe('');
  const unasked = await scopegate('token', 'edit', token.id, '--scopes-used');
  expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes says that it is wanted') });
  expect(unasked.stderr).toContain('  goes   workflows:read settings:read\n');
  const narrowed = await scopegate('token', 'edit', token.id, '--scopes-used', '--yes', '--json');
  expect(JSON.parse(narrowed.stdout)).toMatchObject({ id: token.id, scopes: ['content:read'] });
  const again = await scopegate('token', 'edit', token.id, '--scopes-used', '--yes');
  expect(again).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('uses all of its scopes') });
});
