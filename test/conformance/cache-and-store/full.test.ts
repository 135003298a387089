/**
 * A store that has no room for anything new: a real redis-server with little memory, a disk that is soon full. Whoever
 * filled it, another organization's revocation is made.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { Recorder } from '../../support/recorder.ts';
import { startRedis } from '../../support/redis.ts';
import { attack } from '../attack.ts';

const ROUTES = [{ id: 'files', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] } }];
/** The longest that a name may be. */
const LONG = 'x'.repeat(128);

const statusOf = async ({ url }: TestGateway, token: string) =>
  (await fetch(`${url}/files/x`, { headers: { authorization: `Bearer ${token}` } })).status;

/** Two organizations: acme, which is seeded, and other, whose member sam has a token. */
async function settle(gateway: TestGateway): Promise<{ readonly id: string; readonly token: string }> {
  const other = '/v1/organizations/other';
  await gateway.admin('PUT', other, { name: 'Other', edition: 'team' });
  await gateway.admin('PUT', `${other}/members/sam`, { name: 'Sam', role: 'admin' });
  await gateway.admin('PUT', `${other}/workspaces/w`, { name: 'W', owner: 'sam' });
  return makeToken(gateway);
}

async function makeToken(gateway: TestGateway): Promise<{ readonly id: string; readonly token: string }> {
  const asked = { name: 't', owner: 'sam', scopes: ['workflows:read'], workspaces: ['w'], expiresInDays: 30 };
  const { status, body } = await gateway.admin('POST', '/v1/organizations/other/tokens', asked);
  expect(status).toBe(201);
  return body as { id: string; token: string };
}

/** Makes members until there is no room. */
async function fill(gateway: TestGateway): Promise<unknown> {
  for (let made = 0; made < 20_000; made++) {
    const answer = await gateway.admin('PUT', `/members/m${made}`, { name: LONG, role: 'member' });
    if (answer.status !== 201) return { status: answer.status, body: answer.body };
  }
  return expect.unreachable('it is never full');
}

const FULL = { status: 507, body: { code: 'store_full', detail: expect.stringContaining('no room') } };

async function endsEverything(
  gateway: TestGateway,
  one: { id: string; token: string },
  two: { id: string; token: string },
) {
  const other = '/v1/organizations/other';
  for (const { token } of [one, two]) expect(await statusOf(gateway, token)).toBe(200);
  expect((await gateway.admin('POST', `${other}/tokens/${one.id}/revoke`)).body).toMatchObject({ state: 'revoked' });
  expect(await statusOf(gateway, one.token)).toBe(401);
  expect((await gateway.admin('DELETE', `${other}/members/sam`)).status).toBe(200);
  expect(await statusOf(gateway, two.token)).toBe(401);
}

attack({
  name: 'one organization that fills the memory of Redis does not keep another from revoking a leaked token',
  outcome: 'new things are refused with 507, revocations and deletions are made, in a reserve and beyond it',
  sources: ['CWE-400'],
})(() => {
  it.each([5, 0])(
    'a Redis whose memory one organization has filled takes the revocations of another (reserve: %i percent)',
    { timeout: 120_000 },
    async (memoryReservePercent) => {
      await using redis = await startRedis({ args: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] });
      await using upstream = await Recorder.start();
      await using gateway = await startTestGateway({
        upstreamUrl: upstream.url,
        routes: ROUTES,
        settings: { store: { driver: 'redis', url: redis.url, memoryReservePercent, commandTimeoutMs: 5000 } },
      });
      const [one, two] = [await settle(gateway), await makeToken(gateway)];
      expect(await fill(gateway)).toMatchObject(FULL);
      const used = async (name: string) => Number((await redis.cli('info', 'memory')).match(`\n${name}:(\\d+)`)![1]);
      const isWithin = (await used('used_memory')) <= (await used('maxmemory'));
      if (memoryReservePercent > 0) expect(isWithin).toBe(true);
      await endsEverything(gateway, one, two);
      expect(await fill(gateway)).toMatchObject(FULL);
      expect(gateway.logLines.join('')).toContain('no room for anything new in Redis');
      // Leases need no room either: nothing is slower than before.
      expect(gateway.logLines.filter((line) => line.includes('lease: ') && line.includes('OOM'))).toEqual([]);
      await redis.cli('config', 'set', 'maxmemory', '64mb');
      expect((await gateway.admin('PUT', '/members/late', { name: 'Late', role: 'member' })).status).toBe(201);
    },
  );
});

const room = join(tmpdir(), `scopegate-reserve-${process.pid}`);

function mount(): boolean {
  mkdirSync(room, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', room]).status === 0;
}

function unmount(): void {
  spawnSync('umount', [room]);
  rmSync(room, { recursive: true, force: true });
}

const mountable = process.getuid?.() === 0 && mount();
unmount();

/** Down to the last page. */
function fillDisk(path: string): void {
  for (const size of [65_536, 4096])
    for (let full = false; !full; )
      try {
        writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
        full = true;
      }
}

attack({
  name: 'whoever fills the disk does not keep anybody from revoking a leaked token',
  outcome: 'new things are refused with 507, revocations and deletions are written into what was kept free for them',
  sources: ['CWE-400'],
})(() => {
  it.skipIf(!mountable)(
    'on a full disk revocations and deletions are written into what was kept free for them, and it is kept free again',
    { timeout: 60_000 },
    async () => {
      // Without it the disk of this machine would be the one to be filled.
      expect(mount()).toBe(true);
      try {
        await using upstream = await Recorder.start();
        const path = join(room, 'scopegate.db');
        const reserve = `${path}-reserve`;
        await using gateway = await startTestGateway({
          upstreamUrl: upstream.url,
          routes: ROUTES,
          settings: { store: { driver: 'sqlite', path } },
        });
        // An eighth of so small a disk.
        expect(statSync(reserve).size).toBe(1024 * 1024);
        const [one, two] = [await settle(gateway), await makeToken(gateway)];
        const many = [];
        for (let made = 0; made < 6; made++) many.push(await makeToken(gateway));
        const ballast = join(room, 'ballast');
        fillDisk(ballast);
        expect(await fill(gateway)).toMatchObject(FULL);
        expect(existsSync(reserve)).toBe(true);
        for (const { id } of many)
          expect((await gateway.admin('POST', `/v1/organizations/other/tokens/${id}/revoke`)).status).toBe(200);
        for (const { token } of many) expect(await statusOf(gateway, token)).toBe(401);
        await endsEverything(gateway, one, two);
        // What the revocations left of it is not for anything new.
        expect(existsSync(reserve)).toBe(false);
        expect(await fill(gateway)).toMatchObject(FULL);
        expect(gateway.logLines.join('')).toContain('no room for anything new on the disk');

        rmSync(ballast);
        expect((await gateway.admin('PUT', '/members/late', { name: 'Late', role: 'member' })).status).toBe(201);
        expect(statSync(reserve).size).toBe(1024 * 1024);
      } finally {
        unmount();
      }
    },
  );
});
