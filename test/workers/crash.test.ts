/** Processes that are killed: what each takes along, what comes back, and that nothing stays behind. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { HostileClients } from '../support/hostile-clients.ts';
import { Load } from '../support/load.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { timePasses } from '../support/time.ts';
import { Client, Harness, isAlive, ORGANIZATION, PATIENCE, workerOf } from './harness.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const KILLS = LONG ? 20 : 2;
const CLIENTS = 16;
const TIMEOUT_MS = LONG ? 600_000 : 90_000;
/** Who ends sooner than that after it was ready is started again after a pause. */
const LONG_LIFE_MS = 2100;

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
  await harness.people();
}, TIMEOUT_MS);
afterAll(() => harness[Symbol.asyncDispose]());

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
  const pid = await harness.pidOf(name);
  process.kill(pid, 'SIGKILL');
  return pid;
}

attack({
  name: 'a worker killed under load takes no requests with it but those on its own connections',
  outcome: 'the other workers go on, and another takes its place',
  sources: [],
})(() => {
  it(`kill -9, ${KILLS} times`, { timeout: TIMEOUT_MS }, async () => {
    const before = (await harness.processes()).map(({ restarts }) => restarts);
    for (let kill = 0; kill < KILLS; kill++) {
      const load = new Load(() => harness.gateway);
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
      if (kill >= 2) await timePasses(LONG_LIFE_MS, 'killed sooner, it would be started again only after a pause');
      const pid = await killed(name);
      await harness.replaced(name, pid);
      await more(200);
      await load.stop();
      const survivors = workers.filter((worker, index) => worker === held[index]).length;
      expect(survivors).toBeGreaterThan(0);
      expect(load.failures.length, load.failures.join('\n')).toBeLessThanOrEqual(CLIENTS - survivors);
    }
    expect(await harness.metric('scopegate_workers{state="serving"}')).toBe(2);
    const after = (await harness.processes()).map(({ restarts }) => restarts);
    expect(after.reduce((sum, restarts) => sum + restarts)).toBe(
      before.reduce((sum, restarts) => sum + restarts) + KILLS,
    );
  });
});

it('what workers have counted is not lost with one of them', { timeout: TIMEOUT_MS }, async () => {
  const line = 'scopegate_requests_total{route="read",outcome="token_missing"}';
  const before = (await harness.metric(line)) || 0;
  const clients = await harness.clients();
  for (const client of clients) for (let index = 0; index < 5; index++) await client.get('/files/x');
  expect(await harness.metric(line)).toBe(before + 10);
  const pid = await killed('worker-2');
  await harness.replaced('worker-2', pid);
  expect(await harness.metric(line)).toBe(before + 10);
  for (const client of clients) client.close();
  const again = new Client(harness.gateway);
  await again.get('/files/x');
  again.close();
  expect(await harness.metric(line)).toBe(before + 11);
  expect(await harness.metric('scopegate_request_seconds_count')).toBeGreaterThan(0);
});

attack({
  name: 'the sidecar killed while it writes tokens loses none that it acknowledged, and the workers go on meanwhile',
  outcome: 'it is there again at its address; acknowledged tokens work, revoked ones do not',
  sources: [],
})(() => {
  it('kill -9', { timeout: TIMEOUT_MS }, async () => {
    const clients = await harness.clients();
    const alive: string[] = [];
    const revoked: string[] = [];
    const pid = await harness.pidOf('sidecar');
    const write = async () => {
      for (let writing = 0; ; writing++) {
        const { id, token } = await harness.mint();
        if (writing % 2 === 0) {
          expect((await harness.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)).status).toBe(200);
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
    await harness.replaced('sidecar', pid);
    const { token } = await harness.mint();
    expect(await everywhere(token)).toEqual([200, 200]);
    const listed = await harness.call('GET', `${ORGANIZATION}/tokens?limit=100`);
    expect((listed.body.items as unknown[]).length).toBeGreaterThan(alive.length + revoked.length);
    for (const client of clients) client.close();
  });
});

it('one that keeps ending as soon as it is ready is started again after growing pauses', {
  timeout: TIMEOUT_MS,
}, async () => {
  await timePasses(LONG_LIFE_MS, 'the first end is none of a process that has just become ready');
  const logged = harness.process.stdout().length;
  for (let kill = 0; kill < 4; kill++) {
    const pid = await harness.pidOf('worker-2');
    process.kill(pid, 'SIGKILL');
    await harness.replaced('worker-2', pid);
  }
  const lines = harness.process.stdout().slice(logged).split('\n');
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
    const before = (await harness.processes()).map(({ pid }) => pid);
    for (const poison of POISON)
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          using client = await RawClient.connect(harness.gateway);
          client.send(poison).finish();
          await client.untilEnded();
        }),
      );
    expect((await harness.processes()).map(({ pid }) => pid)).toEqual(before);
  });
});

attack({
  name: 'a supervisor that stands still lets no change be acknowledged that workers may not know of',
  outcome: '503 outcome_unknown; the workers go on serving, and all is well once it goes on',
  sources: [],
})(() => {
  it('SIGSTOP', { timeout: TIMEOUT_MS }, async () => {
    const clients = await harness.clients();
    const { id, token } = await harness.mint();
    harness.process.child.kill('SIGSTOP');
    const answer = await harness.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`);
    expect([answer.status, answer.body.code]).toEqual([503, 'outcome_unknown']);
    expect((await fetch(`${harness.admin}/readyz`)).status).toBe(503);
    for (const client of clients) expect((await client.get('/open/')).status).toBe(200);
    harness.process.child.kill('SIGCONT');
    await vi.waitUntil(async () => (await fetch(`${harness.admin}/readyz`)).status === 200, PATIENCE);
    for (const client of clients) expect((await client.get('/files/x', token)).status).toBe(401);
    for (const client of clients) client.close();
  });
});

it('a worker that hangs while nothing is changed is noticed, ended and replaced', { timeout: TIMEOUT_MS }, async () => {
  const pid = await harness.pidOf('worker-1');
  process.kill(pid, 'SIGSTOP');
  await harness.replaced('worker-1', pid);
  expect(isAlive(pid)).toBe(false);
  for (const client of await harness.clients()) {
    expect((await client.get('/open/')).status).toBe(200);
    client.close();
  }
});

it('nobody gets through who may not, while workers and the sidecar are killed one after the other', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [valid, narrow, revoked] = [await harness.mint(), await harness.mint('knowledge:read'), await harness.mint()];
  await harness.call('POST', `${ORGANIZATION}/tokens/${revoked.id}/revoke`);
  const { answer } = harness;
  let seen = '';
  harness.answer = (asked, response) => {
    seen += ` ${asked.url}`;
    answer(asked, response);
  };
  const refused = [narrow.token, revoked.token];
  const hostile = new HostileClients({ url: () => harness.gateway, valid: valid.token, refused });
  for (const name of ['worker-1', 'worker-2', 'sidecar']) {
    const pid = await killed(name);
    await harness.replaced(name, pid);
    const before = hostile.sent;
    await vi.waitUntil(() => hostile.sent > before + 200, PATIENCE);
  }
  const client = new Client(harness.gateway);
  expect((await client.get('/files/mine', valid.token)).status).toBe(200);
  client.close();
  const { sent, statuses } = await hostile.end(() => seen);
  expect(seen).toContain('/files/mine');
  expect(statuses).toContain(403);
  harness.answer = answer;
  process.stdout.write(`kill -9 of workers and sidecar: ${sent} hostile requests, none forwarded\n`);
});

it('connections on their way to a worker that stands still are served by another when it is ended', {
  timeout: TIMEOUT_MS,
}, async () => {
  const pid = await harness.pidOf('worker-1');
  process.kill(pid, 'SIGSTOP');
  const clients = Array.from({ length: 4 }, () => new Client(harness.gateway));
  const answers = clients.map((client) => client.get('/open/'));
  // A change finds out that it stands still.
  await harness.mint();
  for (const answer of answers) expect((await answer).status).toBe(200);
  for (const client of clients) client.close();
  await harness.replaced('worker-1', pid);
});

it('a worker that dies while the file is broken comes back with what was in force', {
  timeout: TIMEOUT_MS,
}, async () => {
  writeFileSync(harness.path, 'routes: none');
  expect((await harness.call('POST', 'reload')).status).toBe(422);
  const pid = await killed('worker-1');
  await harness.replaced('worker-1', pid);
  const clients = await harness.clients();
  for (const client of clients) expect((await client.get('/open/')).status).toBe(200);
  for (const client of clients) client.close();
  const readyz = await fetch(`${harness.admin}/readyz`);
  expect([readyz.status, await readyz.json()]).toMatchObject([
    200,
    {
      configuration: { generation: 1, lastReload: { result: 'refused' } },
      processes: [{ name: 'sidecar' }, { name: 'worker-1', state: 'serving', fresh: true }, { name: 'worker-2' }],
    },
  ]);
  harness.configure({});
});

attack({
  name: 'a supervisor that is killed leaves no process behind',
  outcome: 'workers finish the requests that they have, take no new ones, and end',
  sources: [],
})(() => {
  it('kill -9 with a request in progress', { timeout: TIMEOUT_MS }, async () => {
    let answer!: () => void;
    const asked = Promise.withResolvers<void>();
    harness.answer = (_, response) => {
      answer = () => response.end('late');
      asked.resolve();
    };
    const pids = (await harness.processes()).map(({ pid }) => pid!);
    using client = await RawClient.connect(harness.gateway);
    client.send(rawRequest('GET /open/slow'));
    await asked.promise;
    harness.process.child.kill('SIGKILL');
    await vi.waitUntil(() => pids.filter(isAlive).length === 1, PATIENCE);
    answer();
    expect(await client.response()).toMatchObject({ status: 200, body: 'late', complete: true });
    await vi.waitUntil(() => !pids.some(isAlive), PATIENCE);
  });
});
