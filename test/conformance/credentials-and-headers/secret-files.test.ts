// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration holds them
/** Secrets that a route sets: from a file, or from the environment. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { ask, rawRequest } from '../../support/raw.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const folder = mkdtempSync(join(tmpdir(), 'scopegate-secrets-'));
const key = join(folder, 'key');
let gateway: TestGateway;
beforeAll(async () => {
  writeFileSync(key, 'canary-one\n');
  const set = { Authorization: `Bearer \${file:${key}}`, 'X-Env': '${CANARY}' };
  gateway = await at.start({
    env: { CANARY: 'canary-env' },
    settings: { log: { level: 'trace', access: 'all' } },
    routes: [
      { id: 'model', match: { path: '/model/**' }, headers: { set }, public: true },
      { id: 'closed', match: { path: '/closed/**' }, headers: { set }, require: { scopes: ['workflows:read'] } },
    ],
  });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** All that an operator, a client or a collector of logs could read. */
async function told(): Promise<string> {
  const admin = ['/v1/status', '/readyz', '/openapi.json', '/metrics', '/v1/policy'];
  const answers = await Promise.all(admin.map((path) => gateway.admin('GET', path).catch(() => ({ body: '' }))));
  const refused = await ask(gateway.url, rawRequest('GET /closed/x?a=1'));
  return JSON.stringify([answers.map(({ body }) => body), refused, gateway.logLines]);
}

attack({
  name: 'a secret that a route sets is told to its upstream alone',
  outcome: 'it stands in no log line, no status, no metric, no answer and no message, also where its file is bad',
  sources: ['CWE-532', 'CWE-209'],
})(() => {
  test('the upstream gets it, whatever the client sends under that name', async () => {
    const forged = ['Authorization: Bearer forged', 'X_Env: forged'];
    const [, request] = await askOnce(gateway.url, at.upstream, 'GET /model/x', forged);
    expect([request!.all('authorization'), request!.all('x-env')]).toEqual([['Bearer canary-one'], ['canary-env']]);
    expect(request!.text).not.toContain('forged');
    expect(await told()).not.toContain('canary');
  });

  test('a changed file is taken up with the next reload, and a bad one changes nothing', async () => {
    const sees = async () => (await askOnce(gateway.url, at.upstream, 'GET /model/x', []))[1]!.header('authorization');
    writeFileSync(key, 'canary-two\r\n');
    expect((await gateway.admin('POST', '/v1/reload')).status).toBe(200);
    expect(await sees()).toBe('Bearer canary-two');
    writeFileSync(key, 'canary-three\r\nX-Evil: canary');
    const { status, body } = await gateway.admin('POST', '/v1/reload');
    expect([status, await sees()]).toEqual([422, 'Bearer canary-two']);
    expect(JSON.stringify(body)).toContain(`${key} has more than one line`);
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(await told()).not.toContain('canary');
  }, 60_000);
});
