/** What the disk has when a change is acknowledged, and what goes on when it takes nothing more. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { HostileClients } from '../support/hostile-clients.ts';
import { started } from '../support/process.ts';
import { Recorder } from '../support/recorder.ts';
import { mint, type Serve, Serves, settle } from '../support/serves.ts';
import { hasTool } from '../support/tools.ts';

const STALENESS_MS = 500;
const traces = hasTool('strace') && spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

it.skipIf(!traces)(
  'an answer to a change leaves only after the log of the file was synced',
  async () => {
    await using upstream = await Recorder.start();
    using serves = new Serves(upstream.url);
    const trace = join(serves.folder, 'trace');
    const calls = 'trace=fsync,fdatasync,read,write,writev';
    const serve = await serves.start('admin', ['strace', '-D', '-f', '-y', '-s', '24', '-e', calls, '-o', trace]);
    await settle(serve);
    for (let round = 0; round < 5; round++) await mint(serve);
    await serve.process.stop();

    const lines = readFileSync(trace, 'utf8').split('\n');
    const changes = lines.flatMap((line, index) => (/read\(.*"(?:PUT|POST) \/v1/.test(line) ? [index] : []));
    expect(changes).toHaveLength(7);
    for (const [nth, from] of changes.entries()) {
      const until = lines.findIndex((line, index) => index > from && /writev?\(.*"HTTP\/1\.1 201 /.test(line));
      expect(until, `answer ${nth}`).toBeGreaterThan(from);
      expect(until).toBeLessThan(changes[nth + 1] ?? lines.length);
      const between = lines.slice(from, until);
      expect(
        between.some((line) => /f(?:data)?sync\(\d+<.*\.db-wal>\)\s+= 0/.test(line)),
        between.join('\n'),
      ).toBe(true);
    }
  },
  60_000,
);

it.skipIf(!traces)(
  'a change whose sync fails is not confirmed, and none is taken from then on: what is on the disk, nobody knows; a restart goes on',
  async () => {
    await using upstream = await Recorder.start();
    using serves = new Serves(upstream.url);
    const serve = await serves.start();
    await settle(serve);
    const before = await mint(serve);
    const log = join(serves.folder, 'data', 'scopegate.db-wal');
    const inject = 'inject=fdatasync:error=EIO';
    const tracer = started('sh', ['-c', `exec strace -f -p ${serve.pid} -P ${log} -e ${inject} 2>&1`]);
    await tracer.until('attached');
    const create = () => serve.call('PUT', '/members/bob', { name: 'Bob', role: 'member' });
    // One alone, or several that are synced together.
    const refused = await Promise.all([create(), create(), create()]);
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503]);
    await tracer.stop('SIGINT');
    // The disk is sound again, and what it has is no better known.
    expect((await create()).status).toBe(503);
    expect((await serve.call('POST', `/tokens/${before.id}/revoke`)).status).toBe(503);
    const ready = await fetch(`${serve.adminUrl}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { store: { fault: 'unwritable' } }]);
    expect(await serve.statusOf(before.token)).toBe(200);
    await serve.process.stop();

    const again = await serves.start();
    expect((await again.call('POST', `/tokens/${before.id}/revoke`)).status).toBe(200);
    expect(await again.statusOf(before.token)).toBe(401);
    await again.process.stop();
  },
  60_000,
);

const leaseAgeMs = async (serve: Serve) => (await serve.metric('scopegate_lease_age_seconds')) * 1000;

async function served(serve: Serve, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) expect(await serve.statusOf(token)).toBe(200);
  // Beside hostile clients, those who guess are soon told to come back later.
  expect([401, 429]).toContain(await serve.statusOf(`pat_${'0'.repeat(49)}`));
  expect((await fetch(`${serve.adminUrl}/livez`)).status).toBe(200);
}

const room = join(tmpdir(), `scopegate-full-${process.pid}`);

/** A disk that is soon full. */
function mount(): boolean {
  mkdirSync(room, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k,mode=0700', 'tmpfs', room]).status === 0;
}

function unmount(): void {
  spawnSync('umount', [room]);
  rmSync(room, { recursive: true, force: true });
}

const mountable = process.getuid?.() === 0 && mount();
unmount();

describe('requests are judged as ever, and new things answered with 507,', () => {
  it.skipIf(!mountable)(
    'while the disk is full; once there is room again changes are made again',
    {
      timeout: 60_000,
    },
    async () => {
      // Without it the disk of this machine would be the one to be filled.
      expect(mount()).toBe(true);
      try {
        await using upstream = await Recorder.start();
        using serves = new Serves(upstream.url, {
          more: `cache: { maxStalenessMs: ${STALENESS_MS} }`,
          store: `{ driver: sqlite, path: ${join(room, 'scopegate.db')} }`,
        });
        const serve = await serves.start();
        await settle(serve);
        const tokens = [(await mint(serve)).token, (await mint(serve)).token];
        await served(serve, tokens.slice(0, 1));
        const { token: narrow } = await mint(serve, 'knowledge:read');
        const hostile = new HostileClients({ url: () => serve.gatewayUrl, valid: tokens[0]!, refused: [narrow] });

        const ballast = join(room, 'ballast');
        // Down to the last page.
        for (const size of [65_536, 4096])
          for (let full = false; !full; )
            try {
              writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' });
            } catch (error) {
              expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
              full = true;
            }
        let refused: Awaited<ReturnType<Serve['call']>> | undefined;
        const made: string[] = [];
        while (refused === undefined) {
          const answer = await serve.call('POST', '/tokens', {
            ...{ owner: 'ann', kind: 'service', name: 'n', scopes: ['workflows:read'], workspaces: 'all' },
            ...{ expiresInDays: 1, description: 'x'.repeat(2000) },
          });
          if (answer.status === 201) made.push(answer.body.token as string);
          else refused = answer;
        }
        const fullAtMs = performance.now();
        expect(refused).toMatchObject({ status: 507, body: { code: 'store_full' } });
        const readiness = async () => {
          const answer = await fetch(`${serve.adminUrl}/readyz`);
          const { store } = (await answer.json()) as { store: { fault?: string } };
          return { status: answer.status, fault: store.fault ?? null };
        };
        await expect.poll(readiness, { timeout: 5000 }).toEqual({ status: 503, fault: 'unwritable' });
        // Leases are renewed in place, so the cache is believed all the while.
        await vi.waitUntil(async () => (await leaseAgeMs(serve)) < performance.now() - fullAtMs, 5000);
        // The second was never asked for before, so it is read from the file now.
        await served(serve, [...tokens, ...made]);
        expect((await serve.call('PUT', '/members/bob?wait=100', { name: 'Bob', role: 'member' })).status).toBe(507);
        await expect.poll(() => leaseAgeMs(serve), { timeout: 5000 }).toBeLessThan(STALENESS_MS);

        rmSync(ballast);
        // By itself: nobody has changed anything since.
        await expect.poll(readiness, { timeout: 10_000 }).toEqual({ status: 200, fault: null });
        expect((await serve.call('PUT', '/members/bob?wait=5000', { name: 'Bob', role: 'member' })).body).toMatchObject(
          {
            applied: true,
          },
        );
        await served(serve, tokens);
        await hostile.end(() => upstream.text);
        expect(await serve.process.stop()).toBe(0);
      } finally {
        unmount();
      }
    },
  );

  it('and where only leases cannot be written, changes are made too: every fact is read from the file', async () => {
    await using upstream = await Recorder.start();
    using serves = new Serves(upstream.url, { more: `cache: { maxStalenessMs: ${STALENESS_MS} }` });
    const serve = await serves.start();
    await settle(serve);
    const { id, token } = await mint(serve);
    await served(serve, [token]);
    const leases = join(serves.folder, 'data', 'scopegate.db-leases');
    rmSync(leases, { recursive: true });
    writeFileSync(leases, '');
    await vi.waitUntil(async () => (await leaseAgeMs(serve)) > STALENESS_MS, 5000);
    const misses = await serve.metric('scopegate_cache_misses_total');
    await served(serve, [token, token]);
    expect(await serve.metric('scopegate_cache_misses_total')).toBeGreaterThan(misses);
    expect((await serve.call('POST', `/tokens/${id}/revoke?wait=100`)).body).toMatchObject({
      state: 'revoked',
      applied: false,
      processes: null,
      laggards: [],
    });
    expect(await serve.statusOf(token)).toBe(401);
    expect(serve.process.stdout()).toContain('lease: not renewed');
    expect(await serve.process.stop()).toBe(0);
  });
});
