/**
 * Whoever holds a client secret asks for tokens without a pause while somebody else ends them all. Once that is
 * acknowledged, nothing that it covers works at any process, however the requests fell.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { type Client, GROUNDS, type Ground, type GroundName, openGround } from './grounds.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const ROUNDS = LONG ? 25 : 2;
const ASKING_AT_ONCE = 6;
/** Under way before the end is called for. */
const ISSUED_BEFORE = 30;
const PATIENCE_MS = LONG ? 600_000 : 60_000;

interface Issued {
  readonly token: string;
  readonly beganMs: number;
  readonly answeredMs: number;
}

let ground: Ground;
let organizations = 0;

/** An organization with one service account. */
async function found(): Promise<{ readonly org: string; readonly client: Client; readonly path: string }> {
  const org = `issuing-${++organizations}`;
  expect((await ground.call('PUT', `organizations/${org}`, { name: org, edition: 'team' })).status).toBe(201);
  const created = await ground.call('POST', `organizations/${org}/service-accounts`, {
    name: 'robot',
    scopes: ['content:read'],
  });
  expect(created.status).toBe(201);
  const client = created.body as unknown as Client;
  return { org, client, path: `organizations/${org}/service-accounts/${client.clientId}` };
}

/** Asks every process for tokens until told to stop. */
class Asking {
  readonly issued: Issued[] = [];
  readonly odd = new Set<number>();
  #running = true;
  readonly #clients: readonly Promise<void>[];
  #enough: () => void = () => {};
  readonly #reached: Promise<void>;

  constructor(client: Client) {
    this.#reached = new Promise((resolve) => {
      this.#enough = resolve;
    });
    this.#clients = Array.from({ length: ASKING_AT_ONCE }, (_, nth) => this.#ask(client, nth));
  }

  async underWay(): Promise<void> {
    await Promise.race([this.#reached, Promise.all(this.#clients)]);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  async #ask(client: Client, nth: number): Promise<void> {
    while (this.#running) {
      const beganMs = performance.now();
      const { status, body } = await ground.gates[nth % ground.gates.length]!.tokenFor(client);
      if (status === 200)
        this.issued.push({ token: body.access_token as string, beganMs, answeredMs: performance.now() });
      else if (status !== 401) this.odd.add(status);
      if (this.issued.length >= ISSUED_BEFORE) this.#enough();
    }
  }
}

/** Those that work at one process at least. */
async function working(issued: readonly Issued[]): Promise<Issued[]> {
  const found: Issued[] = [];
  for (const each of issued) {
    const statuses = await Promise.all(ground.gates.map((gate) => gate.statusOf(each.token)));
    if (statuses.includes(200)) found.push(each);
  }
  return found;
}

const FINAL: ReadonlyArray<readonly [string, string, (org: string, path: string) => string]> = [
  ['disable?tokens=revoke', 'POST', (_, path) => `${path}/disable?tokens=revoke`],
  ['DELETE of the account with tokens=revoke', 'DELETE', (_, path) => `${path}?tokens=revoke`],
  ['DELETE of the organization', 'DELETE', (org) => `organizations/${org}`],
];

describe.each(GROUNDS.map((name) => ({ name })))('$name', ({ name }: { name: GroundName }) => {
  beforeAll(async () => {
    ground = await openGround(name);
  });
  afterAll(async () => {
    await ground[Symbol.asyncDispose]();
  });

  attack({
    name: 'the holder of a client secret asks for tokens without a pause while its account or organization is ended',
    outcome: 'once the end is acknowledged none of them works, nor one that was asked for before',
    sources: [],
  })(() => {
    it.each(FINAL)('%s', { timeout: PATIENCE_MS }, async (what, method, pathOf) => {
      let total = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const { org, client, path } = await found();
        const asking = new Asking(client);
        await asking.underWay();
        const { status, body } = await ground.call(method, pathOf(org, path));
        expect(status, JSON.stringify(body)).toBe(200);
        const acknowledgedMs = performance.now();
        await asking.stop();
        total += asking.issued.length;
        const alive = await working(asking.issued);
        expect(alive.length, `work after the end, of ${asking.issued.length}, round ${round}`).toBe(0);
        const later = asking.issued.filter(({ beganMs }) => beganMs > acknowledgedMs);
        expect(later.length, 'issued by a request that began after the end').toBe(0);
        expect([...asking.odd]).toEqual([]);
      }
      process.stdout.write(`${name}, ${what}: none of ${total} tokens in ${ROUNDS} rounds\n`);
    });
  });

  attack({
    name: 'the holder of a client secret asks for tokens without a pause while the tokens of its account are revoked',
    outcome: 'none that was answered before works, all that were asked for afterwards do, with one moment between them',
    sources: [],
  })(() => {
    it('revoke-tokens', { timeout: PATIENCE_MS }, async () => {
      let total = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const { client, path } = await found();
        const asking = new Asking(client);
        await asking.underWay();
        const calledMs = performance.now();
        const { status, body } = await ground.call('POST', `${path}/revoke-tokens`);
        const acknowledgedMs = performance.now();
        expect(status, JSON.stringify(body)).toBe(200);
        await asking.underWay();
        const sinceThen = await ground.gates[0]!.tokenFor(client);
        await asking.stop();
        expect(sinceThen.status, 'the account goes on').toBe(200);
        const alive = await working(asking.issued);
        const dead = asking.issued.filter((each) => !alive.includes(each));
        total += asking.issued.length;
        const count = (of: readonly Issued[], which: (each: Issued) => boolean) => of.filter(which).length;
        expect(
          count(alive, ({ answeredMs }) => answeredMs < calledMs),
          `answered before the call, working after it, of ${asking.issued.length}, round ${round}`,
        ).toBe(0);
        expect(
          count(dead, ({ beganMs }) => beganMs > acknowledgedMs),
          `asked for after the answer, ended all the same, of ${asking.issued.length}, round ${round}`,
        ).toBe(0);
        // Some moment lies behind the beginning of all that were ended, and before the answer of all that were not.
        const lastEndedMs = Math.max(...dead.map(({ beganMs }) => beganMs));
        const firstAliveMs = Math.min(...alive.map(({ answeredMs }) => answeredMs));
        expect(lastEndedMs, `round ${round}: one older than one that was ended works`).toBeLessThan(firstAliveMs);
        expect(
          await working([{ token: sinceThen.body.access_token as string, beganMs: 0, answeredMs: 0 }]),
        ).toHaveLength(1);
        expect([...asking.odd]).toEqual([]);
      }
      process.stdout.write(`${name}, revoke-tokens: none of the earlier of ${total} tokens in ${ROUNDS} rounds\n`);
    });
  });
});
