/** The demo as a newcomer meets it: every curl line of the tour answers as the tour says. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExampleUpstream, startExampleUpstream } from '../../src/demo/example-upstream.ts';
import { onFreePorts } from '../../src/demo/free-ports.ts';
import { type Started, scopegate, started } from '../support/process.ts';
import { timePasses } from '../support/time.ts';
import { hasTool } from '../support/tools.ts';

let demo: Started;
let steps: Array<{ readonly status: string; readonly code: string | undefined; readonly line: string }>;
let variables: string;

beforeAll(async () => {
  demo = scopegate(['demo']);
  const text = await demo.until('refused from the very next request on');
  variables = text.match(/^ {2}[A-Z]+=\S+$/gm)!.join('\n');
  steps = readTour(await demo.until('LEAKED" '));
});
afterAll(() => demo.stop());

/** Headings such as `403, 200  a bot …` announce the statuses of the curl lines below them, in order. */
function readTour(text: string): typeof steps {
  const found: typeof steps = [];
  for (const block of text.split('\n\n')) {
    const heading = /^((?:\d{3})(?:, \d{3})*) {2}(.*)$/m.exec(block);
    if (heading === null) continue;
    const statuses = heading[1]!.split(', ');
    const lines = block.split('\n').filter((line) => line.startsWith('  curl'));
    expect(lines.length, block).toBe(statuses.length);
    for (const [index, line] of lines.entries()) {
      const code = statuses[index]!.startsWith('4') ? /code (\d{4})/.exec(heading[2]!)?.[1] : undefined;
      found.push({ status: statuses[index]!, code, line });
    }
  }
  return found;
}

describe('scopegate demo', () => {
  it.skipIf(!hasTool('curl'))('prints curl lines that answer exactly as announced, in the order printed', () => {
    expect(steps.length).toBeGreaterThanOrEqual(13);
    for (const { status, code, line } of steps) {
      const output = execFileSync('bash', ['-c', `${variables}\n${line} -s -m 10`], { encoding: 'utf8' });
      expect(output, line).toContain(`HTTP/1.1 ${status} `);
      if (code !== undefined) expect(output, line).toContain(`"code":${code}`);
    }
  });

  it('shows a 200, 4100, 4101, 403, 404 and a revocation', () => {
    expect(new Set(steps.map((step) => step.status))).toEqual(new Set(['200', '401', '403', '404']));
    expect(new Set(steps.map((step) => step.code))).toEqual(new Set([undefined, '4100', '4101']));
  });
});

it('moves off a port that somebody else was quicker to take, too', async () => {
  const free = await startExampleUpstream(0);
  const preferred = Number(new URL(free.url).port);
  await free.close();
  const rivals: ExampleUpstream[] = [];
  const started = await onFreePorts(async (port) => {
    const chosen = await port(preferred);
    if (chosen !== 0) rivals.push(await startExampleUpstream(chosen));
    return startExampleUpstream(chosen);
  });
  expect(rivals.map(({ url }) => url)).toEqual([free.url]);
  expect((await fetch(`${started.url}/healthz`)).status).toBe(200);
  for (const server of [started, ...rivals]) await server.close();
});

describe('the organization of the demo', () => {
  /** An answer of the sidecar's API. */
  const asked = async (path: string): Promise<{ items: Array<Record<string, string | null>> }> => {
    const [, key] = /ADMIN=(\S+)/.exec(variables)!;
    const [, admin] = /sidecar {3}(\S+)/.exec(demo.stdout())!;
    const answer = await fetch(admin + path, { headers: { authorization: `Bearer ${key}` } });
    return (await answer.json()) as { items: Array<Record<string, string | null>> };
  };

  it('has tokens of every kind and state, people, teams, and a past', async () => {
    const { items } = await asked('/v1/organizations/acme/tokens?limit=1000');
    expect(items.length).toBeGreaterThanOrEqual(40);
    const seen = (field: string) => new Set(items.map((item) => item[field]));
    expect(seen('kind')).toEqual(new Set(['personal', 'service']));
    expect(seen('state')).toEqual(new Set(['active', 'inactive', 'expired', 'revoked']));
    const ageOf = ({ createdAt }: Record<string, string | null>) => Date.now() - Date.parse(createdAt!);
    expect(Math.max(...items.map(ageOf))).toBeGreaterThan(60 * 86_400_000);
    expect(items.some(({ lastUsedAt }) => lastUsedAt === null)).toBe(true);
    for (const finding of ['dormant', 'never_used', 'never_expires', 'expires_soon_in_use']) {
      const found = await asked(`/v1/organizations/acme/tokens?finding=${finding}&unusedDays=30`);
      expect(found.items.length, finding).toBeGreaterThan(0);
    }
    expect((await asked('/v1/organizations/acme/service-accounts')).items.length).toBe(3);
    const { items: trail } = await asked('/v1/organizations/acme/audit-events?limit=1000');
    expect(new Set(trail.map(({ actor }) => JSON.stringify(actor))).size).toBeGreaterThan(5);
  });

  it('goes on calling, allowed and refused, and with tokens of service accounts', async () => {
    await expect
      .poll(async () => (await asked('/v1/refusals?limit=100')).items.length, { timeout: 15_000, interval: 500 })
      .toBeGreaterThan(2);
    const [, admin] = /sidecar {3}(\S+)/.exec(demo.stdout())!;
    await expect
      .poll(async () => (await fetch(`${admin}/metrics`)).text(), { timeout: 15_000, interval: 500 })
      .toMatch(/route="chat",outcome="forwarded"[\s\S]*route="scopegate-token",outcome="answered"/);
  });
});

it('is quiet where no traffic is wanted', async () => {
  const quiet = scopegate(['demo', '--json', '--no-traffic']);
  const { admin } = JSON.parse(await quiet.until('}}\n')) as { admin: string };
  await timePasses(2000, 'a request that does not come is what is looked for');
  expect(await (await fetch(`${admin}/metrics`)).text()).not.toContain('scopegate_requests_total{');
  expect(await quiet.stop()).toBe(0);
});

describe('scopegate demo --json', () => {
  it('prints one line of JSON once everything answers, moves off busy ports, and stops cleanly on SIGTERM', async () => {
    const second = scopegate(['demo', '--json']);
    const printed = JSON.parse(await second.until('}}\n')) as Record<string, string> & {
      tokens: Record<string, string>;
    };
    expect(Object.keys(printed)).toEqual(['console', 'gateway', 'admin', 'adminKey', 'upstream', 'tokens']);
    for (const token of Object.values(printed.tokens)) expect(token).toMatch(/^(pat|sat)_[0-9A-Za-z]{49}$/);
    const answer = await fetch(`${printed.gateway}/api/v1/workflows?environmentId=env_live`, {
      headers: { authorization: `Bearer ${printed.tokens.reader}` },
    });
    expect(answer.status).toBe(200);
    expect((await fetch(`${printed.admin}/readyz`)).status).toBe(200);
    expect(await second.stop()).toBe(0);
  });

  it('leaves nothing behind when the npm that started it is told to stop', async () => {
    const npm = started('npm', ['run', '-s', 'demo', '--', '--json']);
    const { gateway, admin } = JSON.parse(await npm.until('}}\n')) as { gateway: string; admin: string };
    expect((await fetch(`${gateway}/livez`)).status).not.toBe(503);
    // `close` waits for every process that still holds the output: an orphan would keep it open for ever.
    await npm.stop();
    for (const address of [gateway, admin]) await expect(fetch(address)).rejects.toThrow();
  });
});
