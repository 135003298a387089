/**
 * A gateway on SQLite that breaks in one way after the other while hostile clients ask without a pause: whatever fails,
 * not a byte of theirs is forwarded. With Redis: redis-gateways.test.ts; on a full disk: sqlite-disk.test.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { HostileClients } from '../support/hostile-clients.ts';
import { Recorder } from '../support/recorder.ts';
import { mint, type Serve, Serves, settle } from '../support/serves.ts';
import { timePasses } from '../support/time.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const STALENESS_MS = 500;
/** Of a fault that is felt only once what is cached is too old. */
const FAULT_MS = LONG ? 10_000 : STALENESS_MS * 2;
/** Hostile requests during each of the other faults. */
const MEANWHILE = LONG ? 5000 : 100;

interface Harness {
  readonly serves: Serves;
  /** Of each kind, the one that runs. */
  gateway: Serve;
  sidecar: Serve;
  /** Resolves once hostile clients have asked for a while. */
  readonly meanwhile: () => Promise<void>;
}

/** Each breaks something, waits, and mends it. */
const FAULTS: Readonly<Record<string, (harness: Harness) => Promise<unknown>>> = {
  'while another process holds the file of the store locked': async ({ serves }) => {
    const database = new DatabaseSync(join(serves.folder, 'data', 'scopegate.db'));
    database.exec('BEGIN EXCLUSIVE');
    await timePasses(FAULT_MS, 'the fault lasts for longer than facts may be old');
    database.exec('ROLLBACK');
    database.close();
  },
  'while the sidecar is dead': async (harness) => {
    await harness.sidecar.process.stop('SIGKILL');
    await harness.meanwhile();
    harness.sidecar = await harness.serves.start('admin');
  },
  'when it has been stopped for longer than facts may be old': async ({ gateway }) => {
    gateway.process.child.kill('SIGSTOP');
    await timePasses(FAULT_MS, 'the fault lasts for longer than facts may be old');
    gateway.process.child.kill('SIGCONT');
  },
  'while its configuration is broken, and mended': async ({ serves, gateway, meanwhile }) => {
    const path = join(serves.folder, 'gateway.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('require:', 'requires:'));
    gateway.process.child.kill('SIGHUP');
    await gateway.process.until('reload refused');
    await meanwhile();
    writeFileSync(path, text);
    gateway.process.child.kill('SIGHUP');
  },
  'while it is killed and started again': async (harness) => {
    await harness.gateway.process.stop('SIGKILL');
    await harness.meanwhile();
    harness.gateway = await harness.serves.start('gateway');
  },
  'while it drains, and one takes over': async (harness) => {
    const old = harness.gateway;
    harness.gateway = await harness.serves.start('gateway');
    expect(await old.process.stop()).toBe(0);
  },
};

it.each(Object.entries(FAULTS))('nobody gets through who may not: %s', { timeout: 60_000 }, async (name, fault) => {
  await using upstream = await Recorder.start();
  using serves = new Serves(upstream.url, { more: `cache: { maxStalenessMs: ${STALENESS_MS} }` });
  const sidecar = await serves.start('admin');
  const meanwhile = async () => {
    const before = hostile.sent;
    await expect.poll(() => hostile.sent, { timeout: 30_000 }).toBeGreaterThan(before + MEANWHILE);
  };
  const harness: Harness = { serves, sidecar, gateway: await serves.start('gateway'), meanwhile };
  await settle(sidecar);
  const [valid, revoked, narrow] = [await mint(sidecar), await mint(sidecar), await mint(sidecar, 'knowledge:read')];
  expect((await sidecar.call('POST', `/tokens/${revoked.id}/revoke?wait=5000`)).body).toMatchObject({ applied: true });
  const hostile = new HostileClients({
    url: () => harness.gateway.gatewayUrl,
    valid: valid.token,
    refused: [revoked.token, narrow.token],
  });
  await expect.poll(() => hostile.sent, { timeout: 10_000 }).toBeGreaterThan(100);

  await fault(harness);
  await meanwhile();
  await expect.poll(() => harness.gateway.statusOf(valid.token), { timeout: 10_000 }).toBe(200);
  const { sent, statuses } = await hostile.end(() => upstream.text);

  expect(statuses).toContain(403);
  process.stdout.write(`${name}: ${sent} hostile requests, none forwarded; ${[...statuses].sort().join(' ')}\n`);
});
