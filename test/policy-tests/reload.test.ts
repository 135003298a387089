/** Policy tests before a configuration comes into force: what fails one does not, and requests go on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { run } from '../directory/harness.ts';
import { open, reloaded } from '../lifecycle/reloaded.ts';
import { DIRECTORY } from './folder.ts';

const own = reloaded();
const write: typeof own.write = (change) => own.write(change);
const reload = () => own.reload();
const status = (path: string) => own.status(path);
const guarded = { id: 'guarded', match: { methods: ['GET'], path: '/guarded' }, require: {}, upstream: 'platform' };
const GUARD = { name: 'guarded stays guarded', deny: { 'GET /guarded': 'token_missing' } };

function tests(given: readonly object[], more: object = {}): void {
  const now = '2030-01-01T00:00:00Z';
  const directory = structuredClone(DIRECTORY);
  directory.organizations.acme.members.ann.role = 'admin';
  const file = { gateway: 'gateway.yaml', now, directory, tests: given, ...more };
  writeFileSync(join(own.gateway.folder, 'gateway.test.yaml'), JSON.stringify(file));
}
const required = (routes: readonly object[], more: object = {}) =>
  write({ routes: routes as never, reload: { tests: 'required', ...more } });

it('what fails a test does not come into force; the log, /readyz, the metric and /v1/status say so; mended, it does', async () => {
  tests([GUARD]);
  required([open('/old'), guarded]);
  expect(await reload()).toMatchObject({ status: 200 });

  required([open('/old'), open('/guarded')]);
  const refused = await reload();
  expect(refused).toMatchObject({
    status: 422,
    body: {
      code: 'configuration_invalid',
      problems: [
        {
          file: join(own.gateway.folder, 'gateway.test.yaml'),
          line: 1,
          message: 'GET /guarded without a token is to be refused: token_missing, and was allowed (route guarded)',
        },
      ],
    },
  });
  expect([await status('/old'), await status('/guarded')]).toEqual([200, 401]);
  const { body } = await own.gateway.admin('GET', '/v1/status');
  expect(JSON.stringify(body)).toContain('GET /guarded without a token is to be refused');
  const metrics = await (await fetch(`${own.gateway.adminUrl}/metrics`)).text();
  expect(metrics).toContain('\nscopegate_config_last_reload_successful 0\n');

  tests([{ name: 'open now', allow: ['GET /guarded'] }]);
  await vi.waitFor(async () => expect(await status('/guarded')).toBe(200), { timeout: 20_000 });
}, 60_000);

it('a start is refused as a reload is: tests must hold, be of this gateway, be of use, and try as much as they ask for', async () => {
  const start = async () => {
    const { code, stderr } = await run(['serve', '-c', own.file()]);
    expect(code).toBe(1);
    return stderr;
  };
  required([guarded], { testFiles: ['tests/*.test.yaml'] });
  expect(await start()).toContain('no file fits tests/*.test.yaml');
  required([guarded]);
  tests([GUARD], { gateway: 'another.yaml' });
  expect(await start()).toContain('none of the files of reload.testFiles tests this gateway');
  tests([GUARD], { require: { routes: 100 } });
  expect(await start()).toContain('try 0 of 1 routes both ways, 100 % are required');
  tests([{ ...GUARD, token: 'nobody' }]);
  expect(await start()).toContain('there is no token "nobody"');
  tests([{ ...GUARD, deny: { 'GET /guarded': 'scope_missing' } }]);
  expect(await start()).toContain('is to be refused: scope_missing, and was refused: token_missing');
});
