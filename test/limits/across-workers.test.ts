/** Limits that the workers of one `serve` share: exact together, kept when a worker dies, never in the way. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Harness } from '../workers/harness.ts';

const ROUTES = [
  { id: 'open', match: { path: '/open/**' }, public: true, upstream: 'platform' },
  { id: 'door', match: { path: '/door/**' }, public: true, upstream: 'platform', limits: ['door'] },
  { id: 'gate', match: { path: '/gate/**' }, public: true, upstream: 'platform', limits: ['gate'] },
  { id: 'read', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] }, upstream: 'platform' },
];
const limits = (gate: number) => ({
  door: { requests: 3, window: 'hour', per: 'address' },
  gate: { requests: gate, window: 'hour', per: 'address' },
  burst: { requests: 20, window: 'hour', per: 'token', everywhere: true },
});

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ limits: limits(3), routes: ROUTES });
});
afterAll(() => harness[Symbol.asyncDispose]());
const remaining = (headers: NodeJS.Dict<string | string[]>) => Number(/;r=(\d+)/.exec(String(headers.ratelimit))![1]);

it('two workers let through together what one would alone, to the request', async () => {
  const { gateway } = harness;
  await harness.people();
  const { token } = await harness.mint();
  const headers = { authorization: `Bearer ${token}` };
  const answers = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const answer = await fetch(`${gateway}/files/x`, { headers });
      await answer.text();
      return answer;
    }),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(40);
  const left = answers.filter(({ status }) => status === 200).map((answer) => answer.headers.get('ratelimit'));
  expect(new Set(left).size, 'each was told another number').toBe(20);
  expect(await harness.metric('scopegate_rate_limited_total{limit="burst"}'), 'of both workers').toBe(40);
  expect(await harness.metric('scopegate_limits_counted_alone_total')).toBe(0);
});

it('what was counted outlives the worker that asked, and a reload that changes how much is allowed', async () => {
  const { gateway } = harness;
  const get = async () => {
    const answer = await fetch(`${gateway}/gate/`, { headers: { connection: 'close' } });
    await answer.text();
    return { status: answer.status, left: remaining(Object.fromEntries(answer.headers)) };
  };
  expect([await get(), await get()].map(({ left }) => left)).toEqual([2, 1]);
  for (const name of ['worker-1', 'worker-2']) {
    const pid = await harness.pidOf(name);
    process.kill(pid, 'SIGKILL');
    await harness.replaced(name, pid);
  }
  expect(await get()).toEqual({ status: 200, left: 0 });
  expect((await get()).status).toBe(429);
  harness.configure({ limits: limits(5), routes: ROUTES });
  expect((await harness.call('POST', 'reload')).body.result).toBe('applied');
  expect(await get()).toEqual({ status: 200, left: 1 });
});

it('a supervisor that hangs refuses nobody: each worker goes on alone from where the counts were', async () => {
  const clients = await harness.clients();
  const [one, other] = clients as [(typeof clients)[0], (typeof clients)[0]];
  expect([remaining((await one.get('/door/')).headers), remaining((await other.get('/door/')).headers)]).toEqual([
    2, 1,
  ]);
  const supervisor = harness.process.child.pid!;
  process.kill(supervisor, 'SIGSTOP');
  try {
    expect((await one.get('/door/')).status).toBe(200);
    expect((await one.get('/door/')).status, 'it had heard of one').toBe(200);
    expect((await one.get('/door/')).status).toBe(429);
    expect(remaining((await other.get('/door/')).headers), 'the other had heard of two').toBe(0);
  } finally {
    process.kill(supervisor, 'SIGCONT');
  }
  for (const client of clients) client.close();
});
