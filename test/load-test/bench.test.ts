/** `scopegate bench` before a real gateway and a real upstream, as an operator runs it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Latencies } from '../../src/load-test/latencies.ts';
import type { LoadResult } from '../../src/load-test/result.ts';
import { run } from '../directory/harness.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT, type Started, scopegate, started } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-bench-'));
let upstream: Started;
let upstreamUrl: string;
let gateway: TestGateway;
let pages: string;
let env: Record<string, string>;

beforeAll(async () => {
  upstream = started(process.execPath, [fileURLToPath(new URL('./stalling-upstream.ts', import.meta.url))]);
  upstreamUrl = (await upstream.until('stalls')).split(' ', 1)[0]!;
  gateway = await startTestGateway({
    upstreamUrl,
    seed: false,
    policy: join(ROOT, 'policies/default.yaml'),
    routes: [{ id: 'read', match: { methods: ['GET'], path: '/pages/{page}' }, require: { scopes: ['content:read'] } }],
    settings: { gateway: { serverTiming: true } },
  });
  for (const [path, body] of [
    ['', { name: 'Acme', edition: 'team' }],
    ['/members/ann', { name: 'Ann', role: 'admin' }],
  ] as const)
    expect((await gateway.admin('PUT', path, body)).status).toBeLessThan(300);
  pages = `${gateway.url}/pages/1`;
  env = { SCOPEGATE_ADMIN_URL: gateway.adminUrl, SCOPEGATE_ADMIN_KEY: gateway.adminKey };
});
afterAll(async () => {
  await upstream.stop();
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const GRANT = ['--owner', 'ann', '--scope', 'content:read', '--workspaces', 'all'];
const QUICK = ['--warm-up', '200ms', '--tokens', '4'];

const names = async () => {
  const { body } = await gateway.admin('GET', '/tokens');
  return (body as { items: Array<{ name: string }> }).items.map(({ name }) => name);
};

it('shows a pause of 20 ms in every second where it is: in the p99 of all requests, and not in the median', async () => {
  const { stdout } = await run(['bench', pages, '--rate', '500', '--for', '3s', ...QUICK, ...GRANT, '--json'], env);
  const { series, tallies, generator, verdict } = JSON.parse(stdout) as LoadResult;
  const seen = Latencies.from(series.total!);
  expect(tallies.failed).toBe(0);
  expect(generator).toMatchObject({ offered: seen.count, started: seen.count });
  // 2 % wait, evenly from 0 to 20 ms; a busy machine only adds to that.
  expect(seen.quantileMs(99)).toBeGreaterThan(5);
  expect(verdict === 'invalid' || seen.quantileMs(50) < seen.quantileMs(99) / 2, 'or it says why not').toBe(true);
}, 60_000);

it('measures hits, misses, refusals and revocations with tokens of its own, beside the upstream alone, and removes them', async () => {
  const [report, save] = [join(folder, 'report.html'), join(folder, 'result.json')];
  const { stdout, stderr } = await run(
    [
      ...['bench', pages, '--rate', '100', '--for', '2s', '--turn', '1s', ...QUICK, ...GRANT],
      ...['--miss', '2', '--unknown', '4', '--refused', '10', '--revoke', '2', '--direct', upstreamUrl],
      ...['--threshold', 'errors<0.1%', '--threshold', 'lag.max<20s', '--report', report, '--save', save],
    ],
    env,
  );
  const result = JSON.parse(readFileSync(save, 'utf8')) as LoadResult;
  const { outcomes, failed, letThrough } = result.tallies;
  expect({ failed, letThrough }, stdout + stderr).toEqual({ failed: 0, letThrough: 0 });
  expect(Object.keys(outcomes).sort()).toEqual(['direct', 'hit', 'miss', 'refused', 'unknown']);
  for (const use of ['hit', 'miss', 'direct']) expect(Object.keys(outcomes[use]!), use).toEqual(['200']);
  expect(Object.keys(outcomes.refused!)).toEqual(['401']);
  expect(result.series['auth.miss']!.count, 'Server-Timing').toBe(outcomes.miss![200]);
  expect(result.series.direct!.count).toBe(result.series.total!.count);
  expect(result.revocations).toMatchObject({ count: 4, allowedAfterReceipt: 0, withoutReceipt: 0 });
  expect(result.revocations!.probes).toBeGreaterThan(4 * 20);
  expect(result.thresholds).toMatchObject([{ kept: true }, { kept: true }]);
  expect(stdout).toMatch(/^added by the gateway: p50 .* p99 /m);
  expect(await names()).toEqual([]);

  const page = readFileSync(report, 'utf8');
  expect(page).toContain(pages);
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/<script|\son\w+=|javascript:|https?:\/\/(?!127\.0\.0\.1)/);
}, 60_000);

it('ends with exit code 2 where a threshold is missed, and says which', async () => {
  const words = ['bench', pages, '--rate', '50', '--for', '1s', ...QUICK, ...GRANT, '--threshold', 'p50<1us'];
  const { code, stdout } = await run(words, env);
  expect(code).toBe(2);
  expect(stdout).toMatch(/^p50<1us is missed: \d/m);
}, 60_000);

it('takes tokens from a file and needs no admin key then, saturation included', async () => {
  const { body } = await gateway.admin('POST', '/tokens', {
    ...{ owner: 'ann', name: 'ci', scopes: ['content:read'], workspaces: 'all', expiresInDays: 1 },
  });
  const { id, token } = body as { id: string; token: string };
  const file = join(folder, 'tokens');
  writeFileSync(file, `${token}\n`);
  const words = ['bench', pages, '--rate', '50', '--for', '1s', '--warm-up', '0', '--token-file', file];
  const { stdout } = await run([...words, '--unknown', '10', '--saturate', '1s', '--json'], {});
  const { tallies, saturation } = JSON.parse(stdout) as LoadResult;
  expect(tallies).toMatchObject({ failed: 0, letThrough: 0 });
  expect(saturation!.perSecond).toBeGreaterThan(0);
  expect(await run([...words, '--revoke', '1'], {}).then(({ code, stderr }) => [code, stderr])).toEqual([
    1,
    'scopegate: --miss and --revoke need tokens that bench makes itself: leave --token-file out\n',
  ]);
  await gateway.admin('DELETE', `/tokens/${id}`);
}, 60_000);

it.each([
  [['--for', '1s'], /^scopegate: how much\? --rate N/],
  [['--rate', '9'], /^scopegate: which tokens\? --like ID/],
  [['--rate', '9', '--miss', '60', '--unknown', '60'], /are more than 100 % together/],
  [['--rate', '9', '--header', 'Authorization: Bearer x'], /--token-file FILE reads them/],
  [['--rate', '9', ...GRANT, '--tokens', '90'], /the limit is 20 .* This load needs 90: 90 for hits \(--tokens\)/],
  [['--rate', '9', ...GRANT.with(3, 'settings:read')], /was answered 403: .* scopegate explain/s],
] as const)('says what is wrong with %j, and leaves no token', async (words, said) => {
  const { code, stderr } = await run(['bench', pages, ...QUICK, ...words], env);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(said) });
  expect(await names()).toEqual([]);
});

it('removes its tokens also at Ctrl-C, and shows what it has seen', async () => {
  const words = ['bench', pages, '--rate', '20', '--for', '600s', ...QUICK, ...GRANT, '--json'];
  const bench = scopegate(words, { env });
  for await (const _ of every(20)) if ((await names()).length === 4) break;
  bench.child.kill('SIGINT');
  expect(await bench.exit()).toBe(130);
  expect(bench.stderr()).toContain('interrupted: removing the tokens "bench ');
  expect(await names()).toEqual([]);
}, 60_000);
