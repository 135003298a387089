import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { ask, rawRequest } from '../../support/raw.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';
import { people, ServeFolder, type Serving, TOKEN } from './serving.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };

const statusOf = async ({ gatewayUrl }: Serving, token: string) =>
  (await ask(gatewayUrl, rawRequest('GET /files/x', [`Authorization: Bearer ${token}`]))).status;
const mint = async ({ call }: Serving) => (await call('POST', '/tokens', TOKEN)).body.token as string;

async function readiness({ adminUrl }: Serving) {
  const answer = await fetch(`${adminUrl}/readyz`);
  const { store } = (await answer.json()) as { store: { fault?: string } };
  return { status: answer.status, fault: store.fault };
}

/** What a backup is, taken while the gateway runs. */
async function copy(path: string, to: string): Promise<void> {
  const database = new DatabaseSync(path);
  await backup(database, to);
  chmodSync(to, 0o600);
  database.close();
}

function soundness(path: string): { readonly verdict: unknown; readonly tokens: number } {
  const database = new DatabaseSync(path, { readOnly: true });
  const verdict = Object.values(database.prepare('PRAGMA integrity_check').get()!)[0];
  const { tokens } = database
    .prepare("SELECT count(*) AS tokens FROM records WHERE substr(key, 1, 1) = x'02'")
    .get() as {
    tokens: number;
  };
  database.close();
  return { verdict, tokens };
}

attack({
  name: 'a database file that is replaced under a running gateway is noticed, and neither file is damaged',
  outcome: 'changes are 503, /readyz is 503, requests are judged by the old file; a restart takes up the new one',
  sources: [],
})(() => {
  const ways: ReadonlyArray<readonly [string, (database: string, backupFile: string, aside: string) => void]> = [
    ['by a rename over it', (database, backupFile) => renameSync(backupFile, database)],
    [
      'after it was moved aside',
      (database, backupFile, aside) => {
        renameSync(database, aside);
        copyFileSync(backupFile, database);
      },
    ],
    [
      'after it was removed',
      (database, backupFile) => {
        rmSync(database);
        copyFileSync(backupFile, database);
      },
    ],
  ];
  test.each(ways.flatMap(([name, replace]) => [1, 2].map((workers) => [name, workers, replace] as const)))(
    '%s; %i workers',
    { timeout: 60_000 },
    async (_, workers, replace) => {
      await using upstream = await Recorder.start();
      using folder = new ServeFolder(upstream.url);
      const yaml = readFileSync(folder.configuration, 'utf8');
      writeFileSync(folder.configuration, yaml.replace('{ port: 0 }', `{ port: 0, workers: ${workers} }`));
      const serving = await folder.serve();
      await people(serving);
      const early = await mint(serving);
      const backupFile = join(folder.path, 'backup.db');
      await copy(folder.database, backupFile);
      const late = [await mint(serving), await mint(serving)];
      const restored = readFileSync(backupFile);
      const aside = join(folder.path, 'aside.db');

      replace(folder.database, backupFile, aside);
      await vi.waitUntil(async () => (await readiness(serving)).status === 503, PATIENCE);
      expect(await readiness(serving)).toEqual({ status: 503, fault: 'replaced' });
      expect(await serving.call('POST', '/tokens', TOKEN)).toMatchObject({
        status: 503,
        body: { code: 'store_unavailable' },
      });
      for (const token of [early, ...late]) expect(await statusOf(serving, token)).toBe(200);
      await vi.waitUntil(() => !existsSync(`${folder.database}-wal`), PATIENCE);
      await serving.process.until('another file has taken the place of the database');
      expect(await serving.process.stop()).toBe(0);
      expect(readFileSync(folder.database).equals(restored)).toBe(true);
      if (existsSync(aside)) expect(soundness(aside)).toEqual({ verdict: 'ok', tokens: 3 });

      const again = await folder.serve();
      expect(await statusOf(again, early)).toBe(200);
      for (const token of late) expect(await statusOf(again, token)).toBe(401);
      expect(await statusOf(again, await mint(again))).toBe(200);
      expect(await again.process.stop()).toBe(0);
      expect(soundness(folder.database)).toEqual({ verdict: 'ok', tokens: 2 });
    },
  );
});
