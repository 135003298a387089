/**
 * A single part of a store is lost first, as an engine that evicts loses it, and then something is ended: what was
 * acknowledged holds, and goes on holding when everything that can be made again is made again under its old id.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { seeds } from '../support/chance.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';
import type { Client } from './grounds.ts';
import { deleteRow, LONG, type LosingGateway, losingGateways, RedisParts, rowsOf, STRIDE } from './with-one-gone.ts';

const SHORT_MS = 6000;
const PATIENCE_MS = LONG ? 7_200_000 : 60_000;
const ACTIONS = ['ManagePersonalTokens', 'ManageServiceTokens'];

const { start } = losingGateways();

interface Stage extends LosingGateway {
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
}

interface Small extends Stage {
  /** Its path below /v1. */
  readonly org: string;
  readonly id: string;
  /** The token that has this id: a value that was replaced, with grace, and the one that replaced it. */
  readonly values: readonly [string, string];
  readonly service: string;
  readonly account: Client;
  readonly access: string;
}

async function setStage(store: object): Promise<Stage> {
  const losing = await start(store);
  const { gateway } = losing;
  await expect.poll(() => gateway.running.isReady(), { interval: 2 }).toBe(true);
  return { ...losing, call: (method, below, body) => gateway.admin(method, `/v1/${below}`, body) };
}

/** A small organization of its own. */
async function found(stage: Stage, name: string): Promise<Small> {
  const { gate } = stage;
  const org = `organizations/${name}`;
  const ok = async (method: string, below: string, body?: unknown) => {
    const answer = await stage.call(method, below, body);
    expect(answer.status, `${method} ${below}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body as { readonly id: string; readonly token: string };
  };
  for (const [method, below, body] of directory(org)) await ok(method, below, body);
  const wanted = { owner: 'ann', name: 'n', scopes: ['content:read'], workspaces: ['w1'], expiresInDays: 1 };
  const made = await ok('POST', `${org}/tokens`, wanted);
  const { token } = await ok('POST', `${org}/tokens/${made.id}/rotate`, { graceSeconds: 3600 });
  const service = (await ok('POST', `${org}/tokens`, { ...wanted, kind: 'service' })).token;
  const robot = { name: 'robot', scopes: ['content:read'] };
  const account = (await ok('POST', `${org}/service-accounts`, robot)) as unknown as Client;
  const access = (await gate.tokenFor(account)).body.access_token as string;
  for (const value of [made.token, token, service, access]) expect(await gate.statusOf(value)).toBe(200);
  return { ...stage, org, id: made.id, values: [made.token, token], service, account, access };
}

/** What the parts of the store that are about this organization have in their names. */
function marksOf({ org, account, values, service, access }: Small): string[] {
  const hashes = [...values, service, access].map((value) => createHash('sha256').update(value).digest('base64url'));
  return [org.split('/')[1]!, account.clientId, ...hashes];
}

function directory(org: string): ReadonlyArray<readonly [string, string, object]> {
  return [
    ['PUT', org, { name: 'Small', edition: 'team' }],
    ['PUT', `${org}/members/ann`, { name: 'ann', role: 'member', actions: ACTIONS }],
    ['PUT', `${org}/members/bob`, { name: 'bob', role: 'member', actions: ACTIONS }],
    ['PUT', `${org}/workspaces/w1`, { name: 'w1', owner: 'ann' }],
  ];
}

interface End {
  readonly what: string;
  readonly call: (small: Small) => readonly [method: string, path: string, body?: object];
  /** What is refused afterwards: a token, with a workspace where it is only that. */
  readonly covers: (small: Small) => ReadonlyArray<readonly [token: string, workspace?: string]>;
  /** Whether it can be undone. */
  readonly untilUndone?: true;
}

const accountPath = ({ org, account }: Small) => `${org}/service-accounts/${account.clientId}`;
const both = ({ values }: Small) => values.map((value) => [value] as const);
const ENDS: readonly End[] = [
  { what: 'a rotation', call: ({ org, id }) => ['POST', `${org}/tokens/${id}/rotate`], covers: both },
  { what: 'a revocation', call: ({ org, id }) => ['POST', `${org}/tokens/${id}/revoke`], covers: both },
  { what: 'a deletion', call: ({ org, id }) => ['DELETE', `${org}/tokens/${id}`], covers: both },
  {
    what: 'a deactivation',
    call: ({ org, id }) => ['POST', `${org}/tokens/${id}/deactivate`],
    covers: both,
    untilUndone: true,
  },
  { what: "a member's removal", call: ({ org }) => ['DELETE', `${org}/members/ann`], covers: both },
  { what: 'a transfer', call: ({ org }) => ['POST', `${org}/workspaces/w1/transfer`, { owner: 'bob' }], covers: both },
  {
    what: "a workspace's deletion",
    call: ({ org }) => ['DELETE', `${org}/workspaces/w1`],
    covers: ({ values, service }) => [...values, service].map((value) => [value, 'w1'] as const),
  },
  {
    what: 'revoke-tokens',
    call: (at) => ['POST', `${accountPath(at)}/revoke-tokens`],
    covers: ({ access }) => [[access]],
  },
  {
    what: 'disable?tokens=revoke',
    call: (at) => ['POST', `${accountPath(at)}/disable?tokens=revoke`],
    covers: ({ access }) => [[access]],
  },
  {
    what: "an account's deletion",
    call: (at) => ['DELETE', `${accountPath(at)}?tokens=revoke`],
    covers: ({ access }) => [[access]],
  },
  {
    what: "an organization's deletion",
    call: ({ org }) => ['DELETE', org],
    covers: ({ values, service, access }) => [...values, service, access].map((value) => [value] as const),
  },
];

/** Whatever there was, by its old name. What is there already is left as it is; what cannot be is refused. */
async function again(at: Small): Promise<void> {
  for (const [method, path, body] of directory(at.org)) await at.call(method, path, body);
  await at.call('POST', `${at.org}/tokens/${at.id}/activate`);
  await at.call('POST', `${accountPath(at)}/enable`);
  at.exchanged.forget();
}

interface Tally {
  tried: number;
  acknowledged: number;
  readonly faults: string[];
}

/** Takes out the `nth` part of this organization, counted around. */
type Destroy = (at: Small, nth: number) => Promise<{ readonly parts: number; readonly name: string }>;

/** Destroys, then ends. Answers with how many parts there are. */
async function losing(at: Small, end: End, nth: number, destroy: Destroy, tally: Tally): Promise<number> {
  const { parts, name } = await destroy(at, nth);
  at.exchanged.forget();
  tally.tried++;
  const { status } = await at.call(...end.call(at));
  if (status !== 200) return parts;
  tally.acknowledged++;
  const look = async (when: string) => {
    for (const [token, workspace] of end.covers(at))
      if ((await at.gate.statusOf(token, workspace)) === 200)
        tally.faults.push(`without ${name}, ${end.what}: works ${when}`);
  };
  await look('at once');
  at.exchanged.forget();
  await look('for a gateway that knows nothing yet');
  await again(at);
  if (end.untilUndone !== true) await look('once everything was made again');
  return parts;
}

async function losingEach(title: string, stage: Stage, destroy: Destroy): Promise<void> {
  const tally: Tally = { tried: 0, acknowledged: 0, faults: [] };
  const run = async (end: End, nth: number) =>
    losing(await found(stage, `small-${tally.tried}-`), end, nth, destroy, tally);
  for (const seed of seeds()) {
    const untilMs = performance.now() + (LONG ? Number.POSITIVE_INFINITY : SHORT_MS / seeds().length);
    let parts = 1;
    // Each end in turn, with another part each time.
    for (let nth = 0; nth < parts && performance.now() < untilMs; nth++)
      for (const end of ENDS) parts = Math.max(parts, await run(end, seed + nth * STRIDE));
  }
  const told = seeds().join(', ');
  process.stdout.write(`${title}: ${tally.tried} losses (seeds ${told}), ${tally.acknowledged} ends acknowledged\n`);
  expect(tally.faults).toEqual([]);
  expect(tally.acknowledged).toBeGreaterThan(tally.tried / 3);
}

attack({
  name: 'an engine evicts any single part of the store, and then something is ended that it would have named',
  outcome: 'what is acknowledged holds, also when everything is made again under its old id',
  sources: [],
})(() => {
  it.skipIf(!hasTool('redis-server'))('on Redis', { timeout: PATIENCE_MS }, async () => {
    await using redis: RedisServer = await startRedis();
    await using stage = await setStage({ driver: 'redis', url: redis.url, commandTimeoutMs: 5000 });
    using parts = new RedisParts(redis.url);
    await losingEach('Redis', stage, async (at, nth) => {
      const all = await parts.about(marksOf(at));
      const part = all[nth % all.length]!;
      await parts.take(part);
      return { parts: all.length, name: part.name };
    });
  });

  it('on SQLite', { timeout: PATIENCE_MS }, async () => {
    await using stage = await setStage({ driver: 'sqlite', path: 'data/scopegate.db' });
    const path = join(stage.gateway.folder, 'data/scopegate.db');
    await losingEach('SQLite', stage, async (at, nth) => {
      const marks = marksOf(at);
      const all = rowsOf(path).filter(({ name }) => marks.some((mark) => name.includes(mark)));
      const row = all[nth % all.length]!;
      deleteRow(path, row);
      return { parts: all.length, name: row.name };
    });
  });
});
