/** The commands of docs/backup.md, run as they stand there. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { people, ServeFolder, type Serving, TOKEN } from '../conformance/process/serving.ts';
import { ROOT } from '../support/process.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';

const [backUp, restore] = Array.from(
  readFileSync(join(ROOT, 'docs/backup.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g),
  ([, commands]) => commands!,
) as [string, string];

const statusOf = async ({ gatewayUrl }: Serving, token: unknown) =>
  (await ask(gatewayUrl, rawRequest('GET /files/x', [`Authorization: Bearer ${token}`]))).status;

it.skipIf(!hasTool('sqlite3'))(
  'a backup that was made while the gateway ran and wrote is restored, with what it had then and nothing more',
  { timeout: 60_000 },
  async () => {
    await using upstream = await Recorder.start();
    using folder = new ServeFolder(upstream.url);
    const env = { ...process.env, DATA: dirname(folder.database), BACKUPS: join(folder.path, 'backups') };
    const run = (commands: string) => {
      const { status, stderr } = spawnSync('sh', ['-euc', commands], { env, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    };
    const serving = await folder.serve();
    await people(serving);
    const mint = async () => (await serving.call('POST', '/tokens', TOKEN)).body;
    const before = await mint();
    // Changes go on meanwhile.
    let over = false;
    const writing = (async () => {
      while (!over) await mint();
    })();
    run(backUp);
    over = true;
    await writing;
    const after = await mint();
    expect((await serving.call('POST', `/tokens/${before.id}/revoke`)).status).toBe(200);
    expect(await serving.process.stop()).toBe(0);

    run(restore);
    expect(statSync(folder.database).mode & 0o777).toBe(0o600);
    const again = await folder.serve();
    expect(await statusOf(again, before.token)).toBe(200);
    expect(await statusOf(again, after.token)).toBe(401);
    expect((await again.call('POST', `/tokens/${before.id}/revoke`)).status).toBe(200);
    expect(await statusOf(again, before.token)).toBe(401);
    expect(await again.process.stop()).toBe(0);
  },
);
