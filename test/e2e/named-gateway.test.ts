/** Commands that change a running gateway change the one that was named, and no other. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namedGateway } from '../../src/cli/named-gateway.ts';
import { runIn } from '../directory/harness.ts';

import { ROOT, type Started, scopegate } from '../support/process.ts';
import { freePort } from '../support/redis.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-named-'));
const [mine, theirs, empty] = ['mine', 'theirs', 'empty'].map((name) => join(folder, name)) as [string, string, string];
let adminUrl: string;
let serving: Started;

const DIRECTORY = 'organizations: { acme: { name: Acme, edition: team } }\n';
const TOKENS = 'sha256,name,owner,scopes,workspaces,neverExpires\n';

beforeAll(async () => {
  const port = await freePort();
  adminUrl = `http://127.0.0.1:${port}`;
  for (const path of [mine, theirs, empty]) {
    mkdirSync(path);
    writeFileSync(join(path, 'directory.yaml'), DIRECTORY);
    writeFileSync(join(path, 'tokens.csv'), TOKENS);
  }
  // Both would listen there; it is theirs that does.
  for (const path of [mine, theirs])
    writeFileSync(
      join(path, 'gateway.yaml'),
      `gateway: { port: 0 }
admin: { port: ${port} }
policy: ${join(ROOT, 'policies/default.yaml')}
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: all, match: { path: "/**" }, public: true, upstream: api }]
`,
    );
  serving = scopegate(['serve'], { cwd: theirs, env: { SCOPEGATE_ADMIN_KEY: '' } });
  await serving.until('ready:');
  // As if the two shared a key: it is not what keeps them apart.
  cpSync(join(theirs, 'data/admin-key'), join(mine, 'data/admin-key'));
});
afterAll(async () => {
  await serving.stop();
  rmSync(folder, { recursive: true, force: true });
});

const at = (cwd: string, ...args: string[]) => runIn(cwd, args, { SCOPEGATE_ADMIN_KEY: '' });
const named = () => `the gateway that runs ${join(theirs, 'gateway.yaml')} (sidecar ${adminUrl})\n`;

describe.each([
  ['apply', 'directory.yaml'],
  ['import', 'tokens.csv'],
])('scopegate %s', (command, file) => {
  it('says which gateway it changes, by the configuration of the folder or one that is named', async () => {
    expect(await at(theirs, command, file)).toMatchObject({ code: 0, stderr: `changing ${named()}` });
    expect(await at(mine, command, file, '-c', '../theirs/gateway.yaml')).toMatchObject({
      code: 0,
      stderr: `changing ${named()}`,
    });
  });

  it('changes nothing at a gateway that runs another configuration, though it has the address and the key', async () => {
    const { code, stdout, stderr } = await at(mine, command, file);
    expect([code, stdout.includes('created')]).toEqual([1, false]);
    expect(stderr).toContain(`belongs to another gateway, which runs ${join(theirs, 'gateway.yaml')}`);
  });

  it('names the gateway behind an address, too', async () => {
    expect(await at(mine, command, file, '--url', adminUrl)).toMatchObject({ code: 0, stderr: `changing ${named()}` });
  });

  it('asks which one where none is named, and where two are', async () => {
    expect(await at(empty, command, file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/which gateway\? There is no gateway\.yaml here/),
    });
    expect(await at(mine, command, file, '-c', 'gateway.yaml', '--url', adminUrl)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('by -c FILE or by --url URL, not by both'),
    });
  });
});

describe('the address of a sidecar is that of its configuration', () => {
  const named = (admin: string) => {
    const path = join(empty, 'named.yaml');
    writeFileSync(
      path,
      `admin: ${admin}
policy: ${join(ROOT, 'policies/default.yaml')}
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: all, match: { path: "/**" }, public: true, upstream: api }]
`,
    );
    return namedGateway({ config: path }, { SCOPEGATE_ADMIN_KEY: 'k'.repeat(32) });
  };
  it.each([
    ['{ host: 127.0.0.2, port: 9000 }', 'http://127.0.0.2:9000'],
    ['{ host: 0.0.0.0, port: 9000 }', 'http://127.0.0.1:9000'],
    ['{ host: "::", port: 9000 }', 'http://[::1]:9000'],
  ])('%s', async (admin, url) => expect((await named(admin)).url).toBe(url));

  it('a port that only the log knows has to be named', async () => {
    await expect(named('{ port: 0 }')).rejects.toThrow(
      /admin\.port is 0, any free one; name the sidecar's address with --url/,
    );
  });
});
