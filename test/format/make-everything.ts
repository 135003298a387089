/**
 * Makes the recorded stores of format 1 (`recorded/everything-*`), in a checkout of commit 1e8f5c2, whose code is the last
 * that wrote it: copy this file and everything.ts into test/format there, and run
 * `node test/format/make-everything.ts FOLDER`. Makes one in a SQLite file and one in a redis-server of its own.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setInterval as every } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { startRedis } from '../support/redis.ts';
import { askAll, type Everything, LATER_MS, options, START_MS, StillClock, VIEWS } from './everything.ts';

const DAY_SECONDS = 86_400;

class Maker {
  readonly tokens: Record<string, string> = {};
  readonly #ids: Record<string, string> = {};
  readonly #gateway: TestGateway;
  readonly #clock: StillClock;

  constructor(gateway: TestGateway, clock: StillClock) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** A second goes by with every call, so that "before" and "after" mean something. */
  async call(method: string, path: string, body?: object, headers?: Record<string, string>) {
    this.#clock.moveTo(this.#clock.nowMs() + 1000);
    const answer = await this.#gateway.admin(method, `/v1/organizations/${path}`, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Record<string, string>;
  }

  put(path: string, body: object) {
    return this.call('PUT', path, body);
  }

  async token(name: string, org: string, owner: string, more: object = {}): Promise<void> {
    const usual = { name, owner, scopes: ['content:read'], workspaces: 'all', expiresInDays: 30 };
    const { token, id } = await this.call('POST', `${org}/tokens`, { ...usual, ...more });
    [this.tokens[name], this.#ids[name]] = [token!, id!];
  }

  async imported(name: string, org: string, owner: string, more: object = {}): Promise<void> {
    const text = `key-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
    const item = { name, owner, scopes: ['content:read'], workspaces: 'all', expiresInDays: 30, ...more };
    const sha256 = createHash('sha256').update(text).digest('hex');
    const answer = await this.call('POST', `${org}/tokens/import`, { tokens: [{ sha256, ...item }] });
    this.tokens[name] = text;
    this.#ids[name] = (answer.tokens as unknown as Array<{ id: string }>)[0]!.id;
  }

  /** `revoke`, `deactivate`, `activate`. */
  change(name: string, org: string, what: string) {
    return this.call('POST', `${org}/tokens/${this.#ids[name]}/${what}`);
  }

  remove(name: string, org: string) {
    return this.call('DELETE', `${org}/tokens/${this.#ids[name]}`);
  }

  async rotate(name: string, org: string, next: string, graceSeconds: number): Promise<void> {
    const { token } = await this.call('POST', `${org}/tokens/${this.#ids[name]}/rotate`, { graceSeconds });
    [this.tokens[next], this.#ids[next]] = [token!, this.#ids[name]!];
  }

  async account(org: string, name: string): Promise<{ clientId: string; clientSecret: string }> {
    const made = await this.call('POST', `${org}/service-accounts`, { name, scopes: ['content:read'] });
    return { clientId: made.clientId!, clientSecret: made.clientSecret! };
  }

  async issued(name: string, { clientId, clientSecret }: { clientId: string; clientSecret: string }): Promise<void> {
    this.#clock.moveTo(this.#clock.nowMs() + 1000);
    const answer = await fetch(`${this.#gateway.url}/api/auth/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    const body = (await answer.json()) as { access_token?: string };
    if (body.access_token === undefined) throw new Error(`${name}: ${JSON.stringify(body)}`);
    this.tokens[name] = body.access_token;
  }
}

async function team(make: Maker): Promise<void> {
  await make.put('acme', { name: 'Acme', edition: 'team' });
  for (const [id, role] of Object.entries({
    ann: 'owner',
    bob: 'member',
    cat: 'admin',
    dan: 'admin',
    eve: 'admin',
    fay: 'admin',
  }))
    await make.put(`acme/members/${id}`, { name: id, role });
  await make.put('acme/teams/t1', { name: 'T1', members: ['bob', 'dan'] });
  for (const [id, owner] of Object.entries({ w1: 'cat', w2: 'ann', w3: 'dan', w4: 'cat', w5: 'eve', w6: 'ann' }))
    await make.put(`acme/workspaces/${id}`, { name: id, owner });
  await make.put('acme/workspaces/w1/environments/e1', { name: 'E1' });
  const live = await make.account('acme', 'live');
  const parties = ['bob', 'dan', 'eve', live.clientId];
  await make.put('acme/workspaces/w1/resources/bot/r1', { owner: 'cat', collaborators: parties });
  await make.put('acme/workspaces/w1/resources/bot/r2', { owner: live.clientId, collaborators: ['fay'] });
  for (const [id, role] of Object.entries({ bob: 'member', dan: 'admin', eve: 'member', fay: 'member' }))
    await make.put(`acme/workspaces/w1/assignments/members/${id}`, { role });
  await make.put('acme/workspaces/w2/assignments/teams/t1', { role: 'admin' });
  await make.put(`acme/workspaces/w1/assignments/service-accounts/${live.clientId}`, { role: 'member' });
  await make.put('acme/workspaces/w6/assignments/members/bob', { role: 'admin' });
  await tokens(make);
  await accounts(make, live);
  await make.call('POST', 'acme/workspaces/w4/transfer', { owner: 'bob' });
  await make.token('young', 'acme', 'bob');
  await make.call('DELETE', 'acme/workspaces/w6');
  await make.put('acme/workspaces/w6', { name: 'W6', owner: 'ann' });
  for (const id of ['dan', 'eve', 'fay']) await make.call('DELETE', `acme/members/${id}`);
  await make.put('acme/members/eve', { name: 'another', role: 'member' });
  await make.token('newcomer', 'acme', 'eve');
}

async function tokens(make: Maker): Promise<void> {
  await make.token('joined', 'acme', 'bob', { scopes: ['content:write'] });
  await make.token('listing', 'acme', 'cat', { workspaces: ['w1', 'w6'] });
  await make.token('everywhere', 'acme', 'ann');
  await make.token('inactive', 'acme', 'bob');
  await make.change('inactive', 'acme', 'deactivate');
  await make.token('woken', 'acme', 'bob');
  await make.change('woken', 'acme', 'deactivate');
  await make.change('woken', 'acme', 'activate');
  await make.token('revoked', 'acme', 'bob');
  await make.change('revoked', 'acme', 'revoke');
  await make.token('deleted', 'acme', 'bob');
  await make.remove('deleted', 'acme');
  await make.token('one day', 'acme', 'bob', { expiresInDays: 1 });
  const service = { kind: 'service', workspaces: ['w1'] };
  for (const owner of ['cat', 'dan', 'fay']) await make.token(`frozen ${owner}`, 'acme', owner, service);
  await make.token('frozen joined', 'acme', 'eve', { kind: 'service' });
  await make.token('for ever', 'acme', 'cat', { ...service, expiresInDays: undefined, neverExpires: true });
  for (const owner of ['dan', 'eve', 'fay']) await make.token(`live ${owner}`, 'acme', owner);
  await make.token('in grace', 'acme', 'bob');
  await make.rotate('in grace', 'acme', 'after grace', 3600);
  await make.token('long grace', 'acme', 'cat', service);
  await make.rotate('long grace', 'acme', 'after long grace', DAY_SECONDS);
  await make.token('replaced', 'acme', 'bob');
  await make.rotate('replaced', 'acme', 'after replaced', 0);
  await make.token('twice', 'acme', 'bob');
  await make.rotate('twice', 'acme', 'between', 3600);
  await make.rotate('between', 'acme', 'after twice', 3600);
  await make.token('short grace', 'acme', 'bob');
  await make.rotate('short grace', 'acme', 'after short grace', 5);
  await make.imported('foreign', 'acme', 'bob', { createdAt: '2029-12-20T00:00:00Z' });
  await make.imported('foreign revoked', 'acme', 'bob');
  await make.change('foreign revoked', 'acme', 'revoke');
  await make.imported('foreign deleted', 'acme', 'bob');
  await make.remove('foreign deleted', 'acme');
  await make.imported('foreign in grace', 'acme', 'bob');
  await make.rotate('foreign in grace', 'acme', 'after foreign grace', 3600);
  await make.imported('foreign replaced', 'acme', 'bob');
  await make.rotate('foreign replaced', 'acme', 'after foreign', 0);
}

async function accounts(make: Maker, live: { clientId: string; clientSecret: string }): Promise<void> {
  const path = ({ clientId }: { clientId: string }) => `acme/service-accounts/${clientId}`;
  await make.issued('client', live);
  const renewed = await make.account('acme', 'renewed');
  await make.issued('client revoked', renewed);
  await make.call('POST', `${path(renewed)}/revoke-tokens`);
  await make.issued('client again', renewed);
  const disabled = await make.account('acme', 'disabled');
  await make.issued('client of a disabled one', disabled);
  await make.call('POST', `${path(disabled)}/disable`);
  const draining = await make.account('acme', 'draining');
  await make.issued('client of a deleted one', draining);
  await make.call('DELETE', path(draining));
  const ended = await make.account('acme', 'ended');
  await make.issued('client of one that ended', ended);
  await make.call('DELETE', `${path(ended)}?tokens=revoke`);
}

/** Edition personal: transfers end tokens, and an all-grant is about what its owner owns. */
async function personal(make: Maker): Promise<void> {
  await make.put('solo', { name: 'Solo', edition: 'personal' });
  for (const id of ['pat', 'quin', 'rex']) await make.put(`solo/members/${id}`, { name: id, role: 'member' });
  for (const [id, owner] of Object.entries({ p1: 'pat', p2: 'pat', p3: 'rex' }))
    await make.put(`solo/workspaces/${id}`, { name: id, owner });
  await make.put('solo/workspaces/p3/resources/bot/r3', { owner: 'rex', collaborators: [] });
  await make.token('owned', 'solo', 'pat', { workspaces: 'all-owned' });
  await make.token('listed and sold', 'solo', 'pat', { workspaces: ['p1', 'p2'] });
  await make.token('service, listed and sold', 'solo', 'pat', { kind: 'service', workspaces: ['p2'] });
  await make.token('older than the transfer', 'solo', 'quin', { workspaces: 'all-owned' });
  await make.imported('foreign older than the transfer', 'solo', 'quin', {
    workspaces: 'all-owned',
    createdAt: '2029-12-20T00:00:00Z',
  });
  await make.call('POST', 'solo/workspaces/p2/transfer', { owner: 'quin' });
  await make.token('younger than the transfer', 'solo', 'quin', { workspaces: 'all-owned' });
  await make.token('frozen rex', 'solo', 'rex', { kind: 'service', workspaces: 'all-owned' });
  await make.token('live rex', 'solo', 'rex', { workspaces: 'all-owned' });
  await make.call('DELETE', 'solo/members/rex');
}

/** An organization under the id of one that is no more. */
async function again(make: Maker): Promise<void> {
  for (const round of ['first', 'second']) {
    await make.put('again', { name: round, edition: 'team' });
    await make.put('again/members/zoe', { name: 'Zoe', role: 'owner' });
    await make.token(`zoe ${round}`, 'again', 'zoe');
    if (round === 'first') await make.call('DELETE', 'again');
  }
}

async function record(folder: string, engine: 'sqlite' | 'redis'): Promise<void> {
  await using upstream = await startHttpUpstream((_request, response) => response.end('here'));
  await using redis = engine === 'redis' ? await startRedis() : null;
  const store = redis === null ? {} : { store: { driver: 'redis', url: redis.url, commandTimeoutMs: 5000 } };
  const clock = new StillClock(START_MS);
  const gateway = await startTestGateway(options(upstream.url, clock, store));
  for await (const _ of every(10)) if (await gateway.running.isReady()) break;
  const make = new Maker(gateway, clock);
  await team(make);
  await personal(make);
  await again(make);
  clock.moveTo(clock.nowMs() + 60_000);
  const views: Record<string, unknown> = {};
  for (const path of VIEWS) views[path] = (await gateway.admin('GET', path)).body;
  const file = join(gateway.folder, 'data/scopegate.db');
  if (redis === null) {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    writeFileSync(join(folder, 'everything.db.gz'), gzipSync(readFileSync(file), { level: 9 }));
  } else writeFileSync(join(folder, 'everything-redis.json.gz'), gzipSync(JSON.stringify(await dump(redis.url))));
  const everything: Everything = {
    nowMs: clock.nowMs(),
    tokens: make.tokens,
    answers: await askAll(gateway.url, make.tokens, clock),
    views,
  };
  writeFileSync(join(folder, `everything-${engine}.answers.json.gz`), gzipSync(JSON.stringify(everything)));
  await gateway.stop();
}

/** The commands that put its keys into another Redis. */
async function dump(url: string): Promise<string[][]> {
  const client = new Redis(url);
  const commands: string[][] = [];
  for (const key of (await client.keys('*')).sort()) {
    const type = await client.type(key);
    if (type === 'string') commands.push(['set', key, (await client.get(key))!]);
    if (type === 'zset') {
      const found = await client.zrange(key, '0', '-1', 'WITHSCORES');
      for (let place = 0; place < found.length; place += 2)
        commands.push(['zadd', key, String(found[place + 1]), String(found[place])]);
    }
    if (type === 'stream')
      for (const [id, fields] of await client.xrange(key, '-', '+'))
        commands.push(['xadd', key, String(id), ...fields.map(String)]);
  }
  client.disconnect();
  return commands;
}

const folder = process.argv[2]!;
mkdirSync(folder, { recursive: true });
if (LATER_MS[0] !== 0) throw new Error('the first questions are asked at once');
await record(folder, 'sqlite');
await record(folder, 'redis');
