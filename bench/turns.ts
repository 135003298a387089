/**
 * How long anybody waits for a turn of the event loop: the longest one while each management call is carried out on a
 * large organization, and while a large configuration is reloaded; gateway and sidecar in one process. By the
 * clock, or, where another process had the core meanwhile, by what the thread itself used.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../test/support/process.ts';
import { type Serve, Serves } from '../test/support/serves.ts';
import { type LongestTurn, type TurnMeter, turnMeter } from '../test/support/turns.ts';
import type { BenchOptions, Section } from './report.ts';

const TURN_MAX_MS = 20;
const SIZES = { routes: 10_000, tokens: 4000, members: 1000, listed: 20_000 };
const SIZES_QUICK = { routes: 2000, tokens: 500, members: 300, listed: 3000 };
/** The first call of its kind also has its code compiled: the shortest of these counts. */
const TRIES = 3;

interface Row {
  readonly name: string;
  readonly turn: LongestTurn;
}

export async function benchTurns({ quick, say }: BenchOptions): Promise<Section> {
  const sizes = quick ? SIZES_QUICK : SIZES;
  using serves = new Serves('http://127.0.0.1:9', {
    more: 'import: { patterns: [{ prefix: "key-", minLength: 20, maxLength: 40 }] }',
  });
  // A policy without limits on tokens, with whatever there may be.
  const policy = readFileSync(join(ROOT, 'policies/featbit.yaml'), 'utf8')
    .replaceAll('rotation: { allowed: false }', 'rotation: { allowed: true, maxGraceSeconds: 3600 }')
    .concat('\nserviceAccounts: { tokenMinutes: 15 }\n');
  writeFileSync(join(serves.folder, 'policy.yaml'), policy);
  const path = join(serves.folder, 'gateway.yaml');
  const text = readFileSync(path, 'utf8').replace(/^policy:.*$/m, 'policy: policy.yaml');
  writeFileSync(path, text.replace('workflows:', 'flags:'));
  const meter = turnMeter();
  const serve = await serves.start(undefined, ['env', ...Object.entries(meter.env).map((pair) => pair.join('='))]);
  const rows = [
    ...(await calls(serve, meter, sizes, say)),
    ...(await lists(serve, meter, sizes.listed, say)),
    ...(await reloads(serves, serve, meter, sizes.routes, say)),
  ];
  return {
    name: 'turns',
    tables: [
      {
        title: `Longest turn of the event loop: ${sizes.members} members, ${sizes.tokens} tokens that list one workspace, ${sizes.routes} routes`,
        columns: ['while', 'at most ms', 'clock ms'],
        rows: rows.map(({ name, turn }) => [name, turn.atMostMs, turn.wallMs]),
      },
    ],
    checks: rows.map(({ name, turn }) => ({
      promise: `${name}: no turn over ${TURN_MAX_MS} ms`,
      measured: `${turn.atMostMs.toFixed(1)} ms`,
      kept: turn.atMostMs < TURN_MAX_MS,
    })),
  };
}

type Call = readonly [name: string, method: string, path: string, body?: unknown];

async function calls(serve: Serve, meter: TurnMeter, sizes: typeof SIZES, say: (line: string) => void) {
  const must = async (method: string, path: string, body?: unknown) => {
    const answer = await serve.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  say('founding the organization');
  await must('PUT', '', { name: 'Acme', edition: 'enterprise' });
  const members = Array.from({ length: sizes.members }, (_, index) => `m${index}`);
  await each(members, (id) => must('PUT', `/members/${id}`, { name: 'M', role: 'administrator' }));
  for (const id of ['w1', 'w2', 'w3']) await must('PUT', `/workspaces/${id}`, { name: 'W', owner: 'm0' });
  const asked = { name: 't', scopes: ['flags:read'], workspaces: ['w1', 'w2'] };
  const hashed = Array.from({ length: sizes.tokens }, (_, index) => ({
    ...asked,
    owner: members[index % members.length]!,
    sha256: index.toString(16).padStart(64, '0'),
  }));
  for (let start = 0; start < hashed.length; start += 1000)
    await must('POST', '/tokens/import', { tokens: hashed.slice(start, start + 1000) });
  await each(members, (id) => must('PUT', `/workspaces/w3/assignments/members/${id}`, { role: 'member' }));
  const { id } = (await must('POST', '/tokens', { ...asked, owner: 'm1' })) as { id: string };
  const account = (await must('POST', '/service-accounts', { name: 'A', scopes: ['flags:read'] })) as {
    clientId: string;
  };
  const robot = `/service-accounts/${account.clientId}`;
  const { id: rotated } = (await must('POST', '/tokens', { ...asked, owner: 'm6' })) as { id: string };
  const of: readonly Call[] = [
    ['read a token', 'GET', `/tokens/${id}`],
    ['list 1000 tokens', 'GET', '/tokens?limit=1000'],
    ['list 1000 tokens of a state', 'GET', '/tokens?limit=1000&state=revoked'],
    ['list 1000 members', 'GET', '/members?limit=1000'],
    ['list 1000 assignments', 'GET', '/workspaces/w3/assignments?limit=1000'],
    ['list 1000 audit events', 'GET', '/audit-events?limit=1000'],
    ['create a token', 'POST', '/tokens', { ...asked, owner: 'm2' }],
    ['import 1000 tokens', 'POST', '/tokens/import?dryRun=true', { tokens: hashed.slice(0, 1000) }],
    ['change a token', 'PATCH', `/tokens/${id}`, { name: 'x' }],
    ['change a member', 'PATCH', '/members/m3', { name: 'x' }],
    ['a team of all members', 'PUT', '/teams/all', { name: 'T', members }],
    ['a team without them', 'PUT', '/teams/all', { name: 'T', members: [] }],
    [
      'a resource of many collaborators',
      'PUT',
      '/workspaces/w1/resources/bot/b',
      { owner: 'm0', collaborators: members },
    ],
    ['preview a transfer', 'POST', '/workspaces/w2/transfer?dryRun=true', { owner: 'm1' }],
    ['preview a removal', 'DELETE', '/members/m4?dryRun=true'],
    ['revoke a token', 'POST', `/tokens/${id}/revoke`],
    ['rotate a token', 'POST', `/tokens/${rotated}/rotate`, { graceSeconds: 60 }],
    ['create an account', 'POST', '/service-accounts', { name: 'B', scopes: ['flags:read'] }],
    ['read an account', 'GET', robot],
    ['list 1000 accounts', 'GET', '/service-accounts?limit=1000'],
    ['change an account', 'PATCH', robot, { name: 'C' }],
    ["rotate an account's secret", 'POST', `${robot}/rotate-secret`],
    ["revoke an account's tokens", 'POST', `${robot}/revoke-tokens`],
    ['disable an account and its tokens', 'POST', `${robot}/disable?tokens=revoke`],
    ['enable an account', 'POST', `${robot}/enable`],
    ['put an environment', 'PUT', '/workspaces/w1/environments/e1', { name: 'E' }],
    ['read an environment', 'GET', '/workspaces/w1/environments/e1'],
    ['list environments', 'GET', '/workspaces/w1/environments?limit=1000'],
    ['read the organization', 'GET', ''],
    ['change the organization', 'PUT', '', { name: 'Acme!', edition: 'enterprise' }],
    ['read a member', 'GET', '/members/m3'],
    ['read a workspace', 'GET', '/workspaces/w1'],
    ['change a workspace', 'PATCH', '/workspaces/w1', { name: 'V' }],
    ['read a resource', 'GET', '/workspaces/w1/resources/bot/b'],
    ['list resources', 'GET', '/workspaces/w1/resources?limit=1000'],
    ['assign a member', 'PUT', '/workspaces/w1/assignments/members/m5', { role: 'member' }],
    ['openapi.json', 'GET', '/v1/../openapi.json'],
    ['policy', 'GET', '/v1/policy'],
    ['status', 'GET', '/v1/status'],
  ];
  const once: readonly Call[] = [
    ['import 1000 tokens for good', 'POST', '/tokens/import', { tokens: foreign(0, asked) }],
    ['delete an environment', 'DELETE', '/workspaces/w1/environments/e1'],
    ['withdraw an assignment', 'DELETE', '/workspaces/w1/assignments/members/m5'],
    ['delete an account', 'DELETE', `${robot}?tokens=revoke`],
    ['remove a member', 'DELETE', '/members/m4'],
    ['transfer a workspace', 'POST', '/workspaces/w2/transfer', { owner: 'm1' }],
    ['delete a workspace that all tokens list', 'DELETE', '/workspaces/w1'],
    ['delete a workspace of many assignments', 'DELETE', '/workspaces/w3'],
    ['delete the organization', 'DELETE', ''],
  ];
  const rows: Row[] = [];
  for (const [name, method, path, body] of of) {
    let best: LongestTurn | undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      const { turn } = await meter.during(() => must(method, path, body));
      if (best === undefined || turn.atMostMs < best.atMostMs) best = turn;
    }
    rows.push({ name, turn: best! });
    say(`${name}: ${best!.atMostMs.toFixed(1)} ms`);
  }
  for (const [name, method, path, body] of once) {
    // What is tidied up after the answer is part of it.
    const { turn } = await meter.during(async () => {
      await must(method, path, body);
      await new Promise((resolve) => setTimeout(resolve, 3000));
    });
    rows.push({ name, turn });
    say(`${name}: ${turn.atMostMs.toFixed(1)} ms`);
  }
  return rows;
}

/** A thousand tokens of another system. */
function foreign(nth: number, asked: object): readonly object[] {
  return Array.from({ length: 1000 }, (_, index) => ({
    ...asked,
    owner: 'm0',
    sha256: `f${(nth * 1000 + index).toString(16)}`.padStart(64, '0'),
  }));
}

/** Of an organization with so many tokens that a list which skips most of them takes long. */
async function lists(serve: Serve, meter: TurnMeter, count: number, say: (line: string) => void): Promise<Row[]> {
  const many = '/v1/organizations/many';
  const must = async (method: string, path: string, body?: unknown) => {
    const answer = await serve.call(method, many + path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  };
  say(`importing ${count} tokens`);
  await must('PUT', '', { name: 'Many', edition: 'enterprise' });
  for (const id of ['m0', 'm1']) await must('PUT', `/members/${id}`, { name: 'M', role: 'administrator' });
  await must('PUT', '/workspaces/w1', { name: 'W', owner: 'm0' });
  const asked = { name: 't', scopes: ['flags:read'], workspaces: ['w1'] };
  for (let nth = 1; nth <= count / 1000; nth++) await must('POST', '/tokens/import', { tokens: foreign(nth, asked) });
  const rows: Row[] = [];
  for (const query of ['', '&state=revoked', '&owner=m1', '&owner=m0&state=active', '&kind=service']) {
    const { turn } = await meter.during(() => must('GET', `/tokens?limit=1000${query}`));
    rows.push({ name: `list 1000 of ${count} tokens${query}`, turn });
    say(`list 1000 of ${count} tokens${query}: ${turn.atMostMs.toFixed(1)} ms`);
  }
  return rows;
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = [...items];
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
    }),
  );
}

async function reloads(serves: Serves, serve: Serve, meter: TurnMeter, count: number, say: (line: string) => void) {
  const path = join(serves.folder, 'gateway.yaml');
  const text = readFileSync(path, 'utf8').replace(/^routes:.*$/m, '');
  const write = (more: string) => {
    const routes = Array.from(
      { length: count },
      (_, index) =>
        `  - { id: r${index}${more}, match: { path: "/a${index % 100}/b${index}/{id}" }, require: { scopes: ["flags:read"] }, upstream: api }`,
    );
    writeFileSync(path, `${text}\nroutes:\n${routes.join('\n')}\n`);
  };
  const rows: Row[] = [];
  for (const name of [`take up ${count} routes`, `reload ${count} routes`, `reload ${count} routes again`]) {
    write(`x${rows.length}`);
    const { value, turn } = await meter.during(() => serve.call('POST', '/v1/reload'));
    if (value.status >= 300) throw new Error(JSON.stringify(value.body));
    rows.push({ name, turn });
    say(`${name}: ${turn.atMostMs.toFixed(1)} ms`);
  }
  return rows;
}
