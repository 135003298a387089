/** Where the environment says that gateway and sidecar listen, whatever gateway.yaml does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-listen-'));
afterAll(() => rmSync(folder, { recursive: true }));

function hosts(listeners: string, env: Readonly<Record<string, string>>) {
  const path = join(folder, 'gateway.yaml');
  const routes = '[{ id: a, match: { path: /a }, public: true, upstream: api }]';
  const upstreams = '{ api: { targets: ["http://127.0.0.1:9000"] } }';
  writeFileSync(
    path,
    `${listeners}\npolicy: ${join(ROOT, 'policies/default.yaml')}\nupstreams: ${upstreams}\nroutes: ${routes}\n`,
  );
  const { gateway, admin, decision } = loadGateway(path, env).file;
  return [gateway.host, admin.host, decision?.host];
}

const ANYWHERE = { SCOPEGATE_HOST: '0.0.0.0', SCOPEGATE_ADMIN_HOST: '::' };

it.each([
  ['a file that says nothing of hosts', 'gateway: { port: 8080 }'],
  ['a file that says others', 'gateway: { host: 127.0.0.1 }\nadmin: { host: localhost }'],
])('%s listens where the environment says', (_, listeners) => {
  expect(hosts(listeners, ANYWHERE)).toEqual(['0.0.0.0', '::', undefined]);
});

it('an empty variable says nothing, and each speaks for one listener', () => {
  const listeners = 'gateway: { host: 10.0.0.5 }\nadmin: { host: 10.0.0.6 }\ndecision: { for: nginx }';
  expect(hosts(listeners, { SCOPEGATE_HOST: '' })).toEqual(['10.0.0.5', '10.0.0.6', '127.0.0.1']);
  expect(hosts(listeners, { SCOPEGATE_HOST: '::1' })).toEqual(['::1', '10.0.0.6', '127.0.0.1']);
});

it('two that then want the same port are told apart, as where the file says it', () => {
  const same = 'gateway: { host: 127.0.0.1, port: 8080 }\ndecision: { for: nginx, host: 127.0.0.2, port: 8080 }';
  expect(() => hosts(same, ANYWHERE)).toThrow('listens on 0.0.0.0:8080, too; set another port');
});
