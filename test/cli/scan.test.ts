/** Tokens that were left in files are found, wherever they stand, told by their place and owner, and never printed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mintToken } from '../../src/secret.ts';
import { ENTRY } from '../support/process.ts';
import { startWorld, type World } from './world.ts';

interface Finding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly token: { readonly id: string; readonly ownerId: string; readonly state: string } | null;
}

interface SarifRun {
  readonly tool: { readonly driver: { readonly rules: ReadonlyArray<{ readonly id: string }> } };
  readonly results: ReadonlyArray<{ readonly ruleId: string; readonly ruleIndex: number; readonly level: string }>;
}

let world: World;
let folder: string;
let live: { readonly id: string; readonly token: string };
let ended: { readonly id: string; readonly token: string };
const stranger = mintToken('pat_').reveal();

beforeAll(async () => {
  world = await startWorld();
  await world.shell('scopegate apply directory.yaml');
  const mint = async (name: string) => {
    const input = { name, owner: 'ann', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 7 };
    const { body } = await world.gateway.admin('POST', '/v1/organizations/acme/tokens', input);
    return body as { id: string; token: string };
  };
  [live, ended] = [await mint('live'), await mint('ended')];
  await world.gateway.admin('POST', `/v1/organizations/acme/tokens/${ended.id}/revoke`);
  folder = join(world.gateway.folder, 'src');
  mkdirSync(join(folder, 'deep', 'node_modules'), { recursive: true });
  const mistyped = `${live.token.slice(0, -1)}${live.token.endsWith('0') ? '1' : '0'}`;
  for (const [name, text] of [
    ['app.env', `# täst 字\r\nTOKEN="${live.token}"\nOTHER=x${ended.token}y\nNONE=${mistyped}\n`],
    ['deep/app.js', `const ä = '字'; fetch(u, '${stranger}${live.token}')`],
    ['deep/node_modules/dep.js', live.token],
    ['image.bin', `\0${live.token}`],
    ['secret.env', ended.token],
  ] as const)
    writeFileSync(join(folder, name), text);
});
afterAll(() => world.stop());

async function scan(line: string): Promise<{ readonly findings: readonly Finding[]; readonly code: unknown }> {
  const { code, stdout, stderr } = await world.shell(`scopegate scan ${line} --json`);
  for (const { token } of [live, ended]) expect(stdout + stderr).not.toContain(token);
  expect(stdout + stderr).not.toContain(stranger);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { code, findings: findings.map((each) => ({ ...each, file: each.file.replace(`${folder}/`, '') })) };
}

const placesOf = (findings: readonly Finding[]) =>
  findings.map(({ file, line, column, token }) => `${file}:${line}:${column} ${token?.state ?? '-'}`);

it('by form and checksum, whatever they are glued to, with line and column as editors count', async () => {
  const { code, findings } = await scan(folder);
  expect(placesOf(findings)).toEqual([
    'app.env:2:8 active',
    'app.env:3:8 revoked',
    'deep/app.js:1:26 -',
    `deep/app.js:1:${26 + stranger.length} active`,
    'secret.env:1:1 revoked',
  ]);
  expect(findings[0]!.token).toMatchObject({ id: live.id, ownerId: 'ann' });
  expect(code).toBe(2);
});

it('people see the place, whose it is, and how to end those that still work', async () => {
  const { stdout, stderr, code } = await world.shell(`scopegate scan ${folder} --exit-zero`);
  expect(code).toBe(0);
  expect(stdout).toContain(`app.env:2:8`);
  expect(stdout).toMatch(/not known here/);
  expect(stderr).toContain(
    `5 found. To end those that work:\n  scopegate token revoke ${live.id} --organization acme\n`,
  );
  expect(stdout + stderr).not.toContain(live.token);
});

it('code scanners read the same as SARIF: by whether it works, where, and never the token', async () => {
  const { stdout, code } = await world.shell(`scopegate scan ${folder} --format sarif`);
  expect(code).toBe(2);
  for (const { token } of [live, ended]) expect(stdout).not.toContain(token);
  const { version, runs } = JSON.parse(stdout) as { version: string; runs: SarifRun[] };
  expect(version).toBe('2.1.0');
  const [{ tool, results }] = runs as [SarifRun];
  expect(results.map(({ ruleId, level }) => `${ruleId} ${level}`)).toEqual([
    'live-token error',
    'ended-token note',
    'unknown-token warning',
    'live-token error',
    'ended-token note',
  ]);
  for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
  const sha256 = createHash('sha256').update(live.token).digest('hex');
  expect(results[0]).toMatchObject({
    message: { text: `The token ${live.id} (live) of ann in acme is active.` },
    partialFingerprints: { 'tokenSha256/v1': sha256 },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: expect.stringMatching(/app\.env$/) },
          region: { startLine: 2, startColumn: 8 },
        },
      },
    ],
  });
});

it('in a repository what git ignores is left out, unless it is asked for', async () => {
  execFileSync('git', ['init', '-q'], { cwd: folder });
  writeFileSync(join(folder, '.gitignore'), 'secret.env\nnode_modules\n');
  expect((await scan(folder)).findings.map(({ file }) => file)).not.toContain('secret.env');
  expect((await scan(`${folder} --no-ignore`)).findings.map(({ file }) => file)).toContain('secret.env');
});

it('offline nobody is asked, standard input is read to its end, and nothing found is no', async () => {
  const run = (input: string) => {
    const { status, stdout } = spawnSync(process.execPath, [ENTRY, 'scan', '-', '--offline', '--json'], { input });
    return { code: status, stdout: stdout.toString() };
  };
  const found = run(`${'x'.repeat(100_000)}\n+ ${live.token}\n`);
  expect(found.code).toBe(2);
  expect(JSON.parse(found.stdout)).toMatchObject({ findings: [{ file: '-', line: 2, column: 3, token: null }] });
  expect(run('nothing')).toEqual({ code: 0, stdout: '{"findings":[]}\n' });
  expect((await world.shell('scopegate scan nowhere --offline')).code).toBe(1);
});

it('the sidecar is told hashes alone, and its trail says who asked', async () => {
  const { body } = await world.gateway.admin('GET', '/v1/organizations/acme/audit-events?limit=1000');
  expect(JSON.stringify(body)).toContain('"token.found"');
  expect((await world.gateway.admin('POST', '/v1/tokens/find', { sha256: 'x' })).status).toBe(400);
});

it.each(['github', 'gitleaks', 'trufflehog'])('the pattern for %s takes the tokens of the policy', async (scanner) => {
  const { stdout, code } = await world.shell(`scopegate scan --patterns ${scanner} -c gateway.yaml`);
  expect(code).toBe(0);
  const pattern = /\(\?:[a-z0-9_|]+\)\[0-9A-Za-z\]\{49\}/.exec(stdout)![0];
  for (const token of [live.token, mintToken('sgs_').reveal()]) expect(token).toMatch(new RegExp(`^${pattern}$`));
  expect(`eyJ${'a'.repeat(60)}`).not.toMatch(new RegExp(pattern));
});
