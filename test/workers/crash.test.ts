/** Processes that are killed: what each takes along, what comes back, and that nothing stays behind. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { Load } from '../support/load.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Siege } from '../support/siege.ts';
import { Client, House, isAlive, ORGANIZATION, PATIENCE, workerOf } from './house.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const KILLS = LONG ? 20 : 2;
const CLIENTS = 16;
const TIMEOUT_MS = LONG ? 600_000 : 90_000;
/** Who ends sooner than that after it was ready is started again after a pause. */
const LONG_LIFE_MS = 2100;

let house: House;
beforeAll(async () => {
  house = await House.start();
  await house.people();
}, TIMEOUT_MS);
afterAll(() => house[Symbol.asyncDispose]());

const POISON = [
  'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /open/x HTTP/9.9\r\n\r\n',
  '\x00\xff\x16\x03\x01',
  `GET /${'%zz'.repeat(1000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'POST /open/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'GET /files/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer pat_\xff\xfe\r\nConnection: close\r\n\r\n',
  'GET /open/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nrest',
];

/** Resolves with the pid that it had. */
async function killed(name: string): Promise<number> {
  const pid = await house.pidOf(name);
  process.kill(pid, 'SIGKILL');
  return pid;
}

attack({
  name: 'a worker killed under load takes no requests with it but those on its own connections',
  outcome: 'the other workers go on, and another takes its place',
  sources: [],
})(() => {
  it(`kill -9, ${KILLS} times`, { timeout: TIMEOUT_MS }, async () => {
    const before = (await house.processes()).map(({ restarts }) => restarts);
    for (let kill = 0; kill < KILLS; kill++) {
      const load = new Load(() => house.gateway);
      const workers = new Array<string>(CLIENTS).fill('');
      for (let index = 0; index < CLIENTS; index++) {
        const check = ({ status, body }: { status: number; body: string }) => {
          workers[index] = workerOf(body);
          return status === 200 ? undefined : `${status} ${body}`;
        };
        load.add(1, () => ({ path: '/open/', check }));
      }
      const more = async (count: number) => {
        const asked = load.requests + count;
        await vi.waitUntil(() => load.requests >= asked, PATIENCE);
      };
      await vi.waitUntil(() => !workers.includes(''), PATIENCE);
      await more(200);
      const held = [...workers];
      expect(new Set(held).size).toBe(2);
      const name = `worker-${(kill % 2) + 1}`;
      const pid = await killed(name);
      await house.replaced(name, pid);
      await more(200);
      await load.stop();
      const survivors = workers.filter((worker, index) => worker === held[index]).length;
      expect(survivors).toBeGreaterThan(0);
      expect(load.failures.length, load.failures.join('\n')).toBeLessThanOrEqual(CLIENTS - survivors);
      // Each of the two in turn.
      if (kill >= 1) await new Promise((resolve) => setTimeout(resolve, LONG_LIFE_MS));
    }
    expect(await house.metric('scopegate_workers{state="serving"}')).toBe(2);
    const after = (await house.processes()).map(({ restarts }) => restarts);
    expect(after.reduce((sum, restarts) => sum + restarts)).toBe(
      before.reduce((sum, restarts) => sum + restarts) + KILLS,
    );
  });
});

it('what workers have counted is not lost with one of them', { timeout: TIMEOUT_MS }, async () => {
  const line = 'scopegate_requests_total{route="read",outcome="token_missing"}';
  const before = (await house.metric(line)) || 0;
  const clients = await house.clients();
  for (const client of clients) for (let index = 0; index < 5; index++) await client.get('/files/x');
  expect(await house.metric(line)).toBe(before + 10);
  const pid = await killed('worker-2');
  await house.replaced('worker-2', pid);
  expect(await house.metric(line)).toBe(before + 10);
  for (const client of clients) client.close();
  const again = new Client(house.gateway);
  await again.get('/files/x');
  again.close();
  expect(await house.metric(line)).toBe(before + 11);
  expect(await house.metric('scopegate_request_seconds_count')).toBeGreaterThan(0);
});

attack({
  name: 'the sidecar killed while it writes tokens loses none that it acknowledged, and the workers go on meanwhile',
  outcome: 'it is there again at its address; acknowledged tokens work, revoked ones do not',
  sources: [],
})(() => {
  it('kill -9', { timeout: TIMEOUT_MS }, async () => {
    const clients = await house.clients();
    const alive: string[] = [];
    const revoked: string[] = [];
    const pid = await house.pidOf('sidecar');
    const write = async () => {
      for (let writing = 0; ; writing++) {
        const { id, token } = await house.mint();
        if (writing % 2 === 0) {
          expect((await house.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)).status).toBe(200);
          revoked.push(token);
        } else alive.push(token);
        if (alive.length + revoked.length === 12) process.kill(pid, 'SIGKILL');
      }
    };
    await Promise.all([write(), write(), write()].map((one) => expect(one).rejects.toThrow(/fetch failed|terminated/)));
    const everywhere = async (token: string) => {
      const answers = await Promise.all(clients.map((client) => client.get('/files/x', token)));
      return answers.map(({ status }) => status);
    };
    for (const token of alive) expect(await everywhere(token)).toEqual([200, 200]);
    for (const token of revoked) expect(await everywhere(token)).toEqual([401, 401]);
    await house.replaced('sidecar', pid);
    const { token } = await house.mint();
    expect(await everywhere(token)).toEqual([200, 200]);
    const listed = await house.call('GET', `${ORGANIZATION}/tokens?limit=100`);
    expect((listed.body.items as unknown[]).length).toBeGreaterThan(alive.length + revoked.length);
    for (const client of clients) client.close();
  });
});

it('one that keeps ending as soon as it is ready is started again after growing pauses', {
  timeout: TIMEOUT_MS,
}, async () => {
  const logged = house.process.stdout().length;
  for (let kill = 0; kill < 4; kill++) {
    const pid = await house.pidOf('worker-2');
    process.kill(pid, 'SIGKILL');
    await house.replaced('worker-2', pid);
  }
  const lines = house.process.stdout().slice(logged).split('\n');
  const ended = lines.filter((line) => line.includes('worker-2 has ended'));
  const pauses = ended.map((line) => (JSON.parse(line) as { pauseMs: number }).pauseMs);
  expect(pauses).toHaveLength(4);
  expect(pauses[0]).toBe(0);
  for (let kill = 1; kill < 4; kill++) expect(pauses[kill]! === 0 || pauses[kill]! >= pauses[kill - 1]!).toBe(true);
});

attack({
  name: 'requests that are no requests end no worker',
  outcome: 'the same processes serve afterwards',
  sources: [],
})(() => {
  it('a hundred of each on connections of their own', { timeout: TIMEOUT_MS }, async () => {
    const before = (await house.processes()).map(({ pid }) => pid);
    for (const poison of POISON)
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          using client = await RawClient.connect(house.gateway);
          client.send(poison).finish();
          await client.untilEnded();
        }),
      );
    expect((await house.processes()).map(({ pid }) => pid)).toEqual(before);
  });
});

attack({
  name: 'a supervisor that stands still lets no change be acknowledged that workers may not know of',
  outcome: '503 outcome_unknown; the workers go on serving, and all is well once it goes on',
  sources: [],
})(() => {
  it('SIGSTOP', { timeout: TIMEOUT_MS }, async () => {
    const clients = await house.clients();
    const { id, token } = await house.mint();
    house.process.child.kill('SIGSTOP');
    const answer = await house.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`);
    expect([answer.status, answer.body.code]).toEqual([503, 'outcome_unknown']);
    expect((await fetch(`${house.admin}/readyz`)).status).toBe(503);
    for (const client of clients) expect((await client.get('/open/')).status).toBe(200);
    house.process.child.kill('SIGCONT');
    await vi.waitUntil(async () => (await fetch(`${house.admin}/readyz`)).status === 200, PATIENCE);
    for (const client of clients) expect((await client.get('/files/x', token)).status).toBe(401);
    for (const client of clients) client.close();
  });
});

it('a worker that hangs while nothing is changed is noticed, ended and replaced', { timeout: TIMEOUT_MS }, async () => {
  const pid = await house.pidOf('worker-1');
  process.kill(pid, 'SIGSTOP');
  await house.replaced('worker-1', pid);
  expect(isAlive(pid)).toBe(false);
  for (const client of await house.clients()) {
    expect((await client.get('/open/')).status).toBe(200);
    client.close();
  }
});

it('nobody gets through who may not, while workers and the sidecar are killed one after the other', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [valid, narrow, revoked] = [await house.mint(), await house.mint('knowledge:read'), await house.mint()];
  await house.call('POST', `${ORGANIZATION}/tokens/${revoked.id}/revoke`);
  const { answer } = house;
  let seen = '';
  house.answer = (asked, response) => {
    seen += ` ${asked.url}`;
    answer(asked, response);
  };
  const refused = [narrow.token, revoked.token];
  const siege = new Siege({ url: () => house.gateway, valid: valid.token, refused });
  for (const name of ['worker-1', 'worker-2', 'sidecar']) {
    const pid = await killed(name);
    await house.replaced(name, pid);
    const before = siege.sent;
    await vi.waitUntil(() => siege.sent > before + 200, PATIENCE);
  }
  const client = new Client(house.gateway);
  expect((await client.get('/files/mine', valid.token)).status).toBe(200);
  client.close();
  const { sent, statuses } = await siege.end(() => seen);
  expect(seen).toContain('/files/mine');
  expect(statuses).toContain(403);
  house.answer = answer;
  process.stdout.write(`kill -9 of workers and sidecar: ${sent} hostile requests, none forwarded\n`);
});

it('connections on their way to a worker that stands still are served by another when it is ended', {
  timeout: TIMEOUT_MS,
}, async () => {
  const pid = await house.pidOf('worker-1');
  process.kill(pid, 'SIGSTOP');
  const clients = Array.from({ length: 4 }, () => new Client(house.gateway));
  const answers = clients.map((client) => client.get('/open/'));
  // A change finds out that it stands still.
  await house.mint();
  for (const answer of answers) expect((await answer).status).toBe(200);
  for (const client of clients) client.close();
  await house.replaced('worker-1', pid);
});

it('a worker that dies while the file is broken comes back with what was in force', {
  timeout: TIMEOUT_MS,
}, async () => {
  writeFileSync(house.path, 'routes: none');
  expect((await house.call('POST', 'reload')).status).toBe(422);
  const pid = await killed('worker-1');
  await house.replaced('worker-1', pid);
  const clients = await house.clients();
  for (const client of clients) expect((await client.get('/open/')).status).toBe(200);
  for (const client of clients) client.close();
  const readyz = await fetch(`${house.admin}/readyz`);
  expect([readyz.status, await readyz.json()]).toMatchObject([
    200,
    {
      configuration: { generation: 1, lastReload: { result: 'refused' } },
      processes: [{ name: 'sidecar' }, { name: 'worker-1', state: 'serving', fresh: true }, { name: 'worker-2' }],
    },
  ]);
  house.configure({});
});

attack({
  name: 'a supervisor that is killed leaves no process behind',
  outcome: 'workers finish the requests that they have, take no new ones, and end',
  sources: [],
})(() => {
  it('kill -9 with a request in progress', { timeout: TIMEOUT_MS }, async () => {
    let answer!: () => void;
    const asked = Promise.withResolvers<void>();
    house.answer = (_, response) => {
      answer = () => response.end('late');
      asked.resolve();
    };
    const pids = (await house.processes()).map(({ pid }) => pid!);
    using client = await RawClient.connect(house.gateway);
    client.send(rawRequest('GET /open/slow'));
    await asked.promise;
    house.process.child.kill('SIGKILL');
    await vi.waitUntil(() => pids.filter(isAlive).length === 1, PATIENCE);
    answer();
    expect(await client.response()).toMatchObject({ status: 200, body: 'late', complete: true });
    await vi.waitUntil(() => !pids.some(isAlive), PATIENCE);
  });
});
