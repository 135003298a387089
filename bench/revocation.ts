/**
 * All tokens of a service account ended at once, with a hundred thousand of them alive: how long the sidecar takes to
 * answer, whether any of them is served afterwards, and whether anybody else's requests wait meanwhile. Both stores are
 * as durable as they can be.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findAccount, issueAccessToken } from '../src/manage/tokens/access-tokens.ts';
import { Owned } from '../src/owned.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import type { Change, Committed, Store, Write } from '../src/store/store.ts';
import { startRedis } from '../test/support/redis.ts';
import { hasTool } from '../test/support/tools.ts';
import { AdminClient } from './admin-client.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { percentile } from './measure.ts';
import { openRedisAt } from './redis-store.ts';
import type { BenchOptions, Section } from './report.ts';

const FEW = 1000;
const MANY = 100_000;
const MANY_QUICK = 10_000;
/** Of each account's tokens: asked for before and after. */
const ASKED = 100;
const TOKENS_PER_COMMIT = 500;
const TERMS = { lifeMs: 3_600_000, liveMax: MANY, told: true };
/** The others' requests are watched for so long after the answer, while what was ended is tidied up. */
const WATCHED_MS = 5000;
const ANSWER_MAX_MS = 100;
const SCOPES = ['workflows:read'];
const POLICY = fileURLToPath(new URL('../policies/scrydon.yaml', import.meta.url));

interface Subject {
  readonly name: string;
  readonly open: () => Promise<Store>;
  /** The gateway's section. */
  readonly section: object;
  readonly folder: string;
}

interface Figures {
  readonly store: string;
  readonly what: string;
  readonly tokens: number;
  readonly answerMs: number;
  /** Of the tokens asked for, how many were served after the answer. */
  readonly served: number;
  /** Of requests with a token that goes on: while the end is carried out, and after it. */
  readonly othersP99Ms: number;
  readonly othersMaxMs: number;
}

export async function benchRevocation({ quick, say }: BenchOptions): Promise<Section> {
  const figures: Figures[] = [];
  const many = quick ? MANY_QUICK : MANY;
  for (const make of [sqlite, redis]) {
    if (make === redis && !hasTool('redis-server')) {
      say('redis-server is not installed; SQLite alone is measured');
      continue;
    }
    const owned = new Owned();
    try {
      figures.push(...(await measure(owned, await make(owned), many, say)));
    } finally {
      await owned.release();
    }
  }
  return report(figures);
}

async function sqlite(owned: Owned): Promise<Subject> {
  const folder = temporaryFolder(owned);
  const path = join(folder, 'scopegate.db');
  return { name: 'SQLite', open: async () => new SqliteStore(path), section: { driver: 'sqlite', path }, folder };
}

async function redis(owned: Owned): Promise<Subject> {
  const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
  const server = owned.add(await startRedis({ args }), (started) => started.stop());
  const open = () => openRedisAt(server.port);
  return {
    name: 'Redis',
    open,
    section: { driver: 'redis', url: server.url, commandTimeoutMs: 5000 },
    folder: temporaryFolder(owned),
  };
}

async function measure(
  owned: Owned,
  { name, open, section, folder }: Subject,
  many: number,
  say: BenchOptions['say'],
): Promise<Figures[]> {
  const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
  const sections = { store: section, policy: POLICY, admin: { port: 0 } };
  const serve = await startScopegate(owned, folder, upstream.url, {}, sections, null);
  const key = readFileSync(join(folder, name === 'SQLite' ? '' : 'data', 'admin-key'), 'utf8').trim();
  const admin = owned.add(await AdminClient.open(serve.adminUrl!, key, 8), (opened) => opened.close());
  const account = async (tokens: number) => {
    const made = await admin.call('POST', '/service-accounts', { name: `with ${tokens}`, scopes: SCOPES });
    const clientId = made.clientId as string;
    const store = await open();
    const texts = await issue(store, clientId, tokens);
    await store.close();
    say(`${name}: an account with ${tokens.toLocaleString('en-US')} live tokens`);
    return { clientId, texts, tokens };
  };
  const others = await account(ASKED);
  const [few, most, rest] = [await account(FEW), await account(many), await account(MANY_QUICK)];
  const ends = [
    { ...few, what: 'revoke-tokens', method: 'POST', path: `/service-accounts/${few.clientId}/revoke-tokens` },
    { ...most, what: 'revoke-tokens', method: 'POST', path: `/service-accounts/${most.clientId}/revoke-tokens` },
    {
      ...rest,
      what: 'DELETE, with its tokens',
      method: 'DELETE',
      path: `/service-accounts/${rest.clientId}?tokens=revoke`,
    },
  ] as const;
  const figures: Figures[] = [];
  for (const { texts, tokens, what, method, path } of ends) {
    await all(admin, serve.url, texts, 200);
    const watch = new Watch(admin, serve.url, others.texts);
    const beganMs = performance.now();
    await admin.call(method, path);
    const answerMs = performance.now() - beganMs;
    const served = await all(admin, serve.url, texts, 401);
    await watch.until(performance.now() + WATCHED_MS);
    const sorted = Float64Array.from(watch.tookMs).sort();
    figures.push({
      ...{ store: name, what, tokens, answerMs, served },
      ...{ othersP99Ms: percentile(sorted, 0.99), othersMaxMs: percentile(sorted, 1) },
    });
    say(`${name}: ${what}, ${tokens.toLocaleString('en-US')} tokens: ${answerMs.toFixed(1)} ms`);
  }
  return figures;
}

/** Live tokens as the token endpoint makes them, many to a commit. Hands back a few of their texts, spread evenly. */
async function issue(store: Store, clientId: string, tokens: number): Promise<string[]> {
  const found = (await findAccount(store, clientId))!;
  const every = Math.max(1, Math.floor(tokens / ASKED));
  const texts: string[] = [];
  let writes: Write[] = [];
  const flush = async () => {
    if (!(await store.commit({ expects: [], writes })).ok) throw new Error('bench: the store refused to be filled');
    writes = [];
  };
  const collected = async (change: Change): Promise<Committed> => {
    writes.push(...change.writes);
    return { ok: true, revision: 1 };
  };
  // Counting those that live, once for each, would take longer than all else.
  const collecting = new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit') return collected;
      return name === 'count' ? async () => 0 : Reflect.get(target, name).bind(target);
    },
  });
  for (let nth = 0; nth < tokens; nth++) {
    const issued = await issueAccessToken(collecting, found, SCOPES, { ...TERMS, nowMs: Date.now() });
    if (issued === null || !('token' in issued)) throw new Error('bench: a token was refused');
    if (nth % every === 0 && texts.length < ASKED) texts.push(issued.token);
    if (nth % TOKENS_PER_COMMIT === TOKENS_PER_COMMIT - 1) await flush();
  }
  await flush();
  return texts;
}

/** Asks for each once, and throws where a wanted 200 does not come. How many were served although 401 was wanted. */
async function all(admin: AdminClient, url: string, texts: readonly string[], wanted: 200 | 401): Promise<number> {
  let served = 0;
  for (const text of texts) {
    const status = await admin.statusAt(url, text);
    if (status === 200) served++;
    else if (status !== 401) throw new Error(`bench: a token was answered with ${status}`);
  }
  if (wanted === 200 && served !== texts.length) throw new Error('bench: a token that was just made was not served');
  return wanted === 200 ? 0 : served;
}

/** Somebody else's requests, one after the other. */
class Watch {
  readonly tookMs: number[] = [];
  #untilMs = Number.POSITIVE_INFINITY;
  readonly #watching: Promise<void>;

  constructor(admin: AdminClient, url: string, texts: readonly string[]) {
    this.#watching = this.#watch(admin, url, texts);
    // Whoever waits for it is told; until then it is nobody's failure.
    this.#watching.catch(() => undefined);
  }

  async until(untilMs: number): Promise<void> {
    this.#untilMs = untilMs;
    await this.#watching;
  }

  async #watch(admin: AdminClient, url: string, texts: readonly string[]): Promise<void> {
    for (let nth = 0; performance.now() < this.#untilMs; nth++) {
      const beganMs = performance.now();
      const status = await admin.statusAt(url, texts[nth % texts.length]!);
      this.tookMs.push(performance.now() - beganMs);
      if (status !== 200) throw new Error(`bench: somebody else's token was answered with ${status}`);
    }
  }
}

function report(figures: readonly Figures[]): Section {
  const ms = (value: number) => Math.round(value * 10) / 10;
  return {
    name: 'revocation',
    tables: [
      {
        title: `all tokens of an account ended at once; served: of ${ASKED} of them, after the answer; others: one client with another account's token, then and for ${WATCHED_MS / 1000} s`,
        columns: ['', 'live tokens', 'answer ms', 'served', 'others p99 ms', 'others max ms'],
        rows: figures.map((each) => [
          ...[`${each.store}, ${each.what}`, each.tokens, ms(each.answerMs), each.served],
          ...[ms(each.othersP99Ms), ms(each.othersMaxMs)],
        ]),
      },
    ],
    checks: figures.map(({ store, what, tokens, answerMs, served }) => ({
      promise: `${store}, ${what}: ${tokens.toLocaleString('en-US')} live tokens end within ${ANSWER_MAX_MS} ms, none is served after it`,
      measured: `${ms(answerMs)} ms, ${served} served`,
      kept: answerMs <= ANSWER_MAX_MS && served === 0,
    })),
  };
}
