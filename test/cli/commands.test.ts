/** The command line as an operator and a script meet it: what goes where, what it refuses, and how it fails. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHOWN_COMMANDS } from '../../src/cli/commands.ts';
import { receiptText } from '../../src/cli/session.ts';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { localFolder } from '../../src/config/load/local-folder.ts';
import { readSidecarSettings } from '../../src/config/load/sidecar-settings.ts';
import { run } from '../directory/harness.ts';
import { ENTRY, ROOT, started } from '../support/process.ts';
import { hasTool } from '../support/tools.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let ann: string;

const json = (text: string) => JSON.parse(text) as Record<string, unknown>;
const CREATE = 'scopegate token create --scope content:read --workspace sales --expires 7d';

beforeAll(async () => {
  world = await startWorld();
  await world.shell('scopegate apply directory.yaml');
  for (const [owner, name] of [
    ['ann', 'one'],
    ['ann', 'two'],
    ['ann', 'three'],
  ] as const) {
    const { stdout } = await world.shell(`${CREATE} --owner ${owner} --name ${name}`);
    ann = stdout.trim();
  }
});
afterAll(() => world.stop());

describe('standard output', () => {
  it('holds the new token alone, so that a script can take it; the receipt is on standard error', async () => {
    const { code, stdout, stderr } = await world.shell(`${CREATE} --owner ann --name script`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^pat_[0-9A-Za-z]{49}\n$/) });
    expect(stderr).toMatch(/^token tok_\w+ "script" of ann .*in force at the gateway process after [\d,]+ ms/);
    expect(stderr).not.toContain(stdout.trim());
  });

  it('is one document with --json, and one a line with --jsonl', async () => {
    const listed = json((await world.shell('scopegate token list --json --limit 2')).stdout);
    expect(listed).toMatchObject({ items: [{ name: 'one' }, { name: 'two' }], more: true });
    const { lines, stderr } = await world.shell('scopegate token list --jsonl --limit 2');
    expect(lines.map((line) => json(line).name)).toEqual(['one', 'two']);
    expect(stderr).toBe('2 shown; --limit 0 shows all tokens\n');
  });

  it('has no colour where it is no terminal', async () => {
    expect((await world.shell('scopegate token list')).stdout).not.toContain('\x1b');
  });

  it('of a list may be left by its reader without a word', async () => {
    const env = { SCOPEGATE_ADMIN_URL: world.gateway.adminUrl, SCOPEGATE_ADMIN_KEY: world.gateway.adminKey };
    const line = `for n in 1 2 3; do "${process.execPath}" "${ENTRY}" --help; done | true; "${process.execPath}" "${ENTRY}" token list --jsonl | head -c 1`;
    const piped = started('bash', ['-c', line], { env });
    expect({ code: await piped.exit(), stdout: piped.stdout(), stderr: piped.stderr() }).toEqual({
      ...{ code: 0, stdout: '{', stderr: '' },
    });
  });
});

describe('which organization', () => {
  it('is the only one that there is, the one that is named, or the one of the environment', async () => {
    const env = { SCOPEGATE_ADMIN_URL: world.gateway.adminUrl, SCOPEGATE_ADMIN_KEY: world.gateway.adminKey };
    expect((await world.shell('scopegate member list')).code).toBe(0);
    await world.gateway.admin('PUT', '/v1/organizations/other', { name: 'Other', edition: 'team' });
    expect(await world.shell('scopegate member list')).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringContaining('which organization? There are several') },
    });
    expect((await world.shell('scopegate member list -o acme')).stdout).toContain('Ann');
    expect((await run(['member', 'list'], { ...env, SCOPEGATE_ORGANIZATION: 'other' })).stderr).toBe('no members\n');
    await world.gateway.admin('DELETE', '/v1/organizations/other');
  });

  it('cannot be found out by a member, who is told to name it', async () => {
    expect((await world.shell('scopegate token list --as ann')).stderr).toMatch(
      /^scopegate: which organization\? Name it/,
    );
    expect((await world.shell('scopegate token list --as bob -o acme')).stderr).toBe('no tokens\n');
  });
});

describe('a secret', () => {
  it('among the words is refused, and not repeated', async () => {
    for (const words of [`token find ${ann}`, `token show ${ann}`, `token list --owner=${ann}`]) {
      const { code, stdout, stderr } = await world.shell(`scopegate ${words}`);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/a token stands among the words: whoever lists processes here/);
      expect(stderr).not.toContain(ann);
    }
  });

  it('is read from a file or from standard input; one that nobody knows is a no: exit code 2', async () => {
    writeFileSync(join(world.gateway.folder, 'found.txt'), `  ${ann}\n`);
    expect((await world.shell('scopegate token find --token-file found.txt')).stdout).toMatch(/name +three/);
    writeFileSync(join(world.gateway.folder, 'lost.txt'), 'pat_nobodys');
    expect(await world.shell('scopegate token find --token-file lost.txt')).toMatchObject({
      ...{ code: 2, stdout: '', stderr: 'no token of this gateway\n' },
    });
    expect(json((await world.shell('scopegate token find --token-file lost.txt --json')).stdout)).toEqual({
      found: false,
    });
    const env = { SCOPEGATE_ADMIN_URL: world.gateway.adminUrl, SCOPEGATE_ADMIN_KEY: world.gateway.adminKey };
    const piped = started('bash', ['-c', `printf %s "$T" | "${process.execPath}" "${ENTRY}" token find --json`], {
      env: { ...env, T: ann },
    });
    expect(await piped.exit()).toBe(0);
    expect(json(piped.stdout())).toMatchObject({ found: true, name: 'three', organizationId: 'acme' });
  });

  it('the admin key may come from standard input, too', async () => {
    const env = { SCOPEGATE_ADMIN_URL: world.gateway.adminUrl, SCOPEGATE_ADMIN_KEY: '', K: world.gateway.adminKey };
    const line = `printf '%s\\n' "$K" | "${process.execPath}" "${ENTRY}" organization list --key-file - --jsonl`;
    const piped = started('bash', ['-c', line], { env });
    expect([await piped.exit(), piped.stderr()]).toEqual([0, '']);
    expect(json(piped.stdout())).toMatchObject({ id: 'acme' });
  });
});

describe('what goes wrong is one line and exit code 1', () => {
  const failing = async (words: string, env: Record<string, string> = {}) => {
    const usual = { SCOPEGATE_ADMIN_URL: world.gateway.adminUrl, SCOPEGATE_ADMIN_KEY: world.gateway.adminKey };
    const { code, stdout, stderr } = await run(words.split(' '), { ...usual, ...env });
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 });
    return stderr;
  };

  it.each([
    [
      'the gateway is away',
      'token list',
      { SCOPEGATE_ADMIN_URL: 'http://127.0.0.1:9' },
      /cannot be asked \(ECONNREFUSED\); is `scopegate serve` running/,
    ],
    [
      'the key is wrong',
      'token list',
      { SCOPEGATE_ADMIN_KEY: 'k'.repeat(32) },
      /does not accept the admin key from SCOPEGATE_ADMIN_KEY/,
    ],
    [
      'the address is none',
      'token list',
      { SCOPEGATE_ADMIN_URL: 'gateway' },
      /takes the sidecar's address, such as http/,
    ],
    ['there is no such token', 'token show tok_1', {}, /^scopegate: .*\(404 not_found\)/],
    ['the sidecar refuses', 'token create --name x --owner ann', {}, /^scopegate: .*\(422 \w+\)/],
    ['nothing is to be changed', 'token edit tok_1', {}, /nothing to change/],
    [
      'an option is misspelt',
      'token list --stat active',
      {},
      /there is no option --stat \(did you mean --state\?\); see scopegate token list --help/,
    ],
    [
      'a value is none of those there are',
      'token list --state activ',
      {},
      /--state takes active, inactive, expired or revoked, not "activ" \(did you mean active\?\)/,
    ],
    ['an id is missing', 'token show', {}, /token show takes one ID; see/],
    ['there is one too many', 'token list all', {}, /token list takes options only, not "all"/],
    ['a word is misspelt', 'token sow', {}, /there is no command "token sow" \(did you mean show\?\)/],
    ['a time is none', 'token list --unused soon', {}, /--unused takes a time such as 90s/],
    ['a limit is none', 'token list --limit many', {}, /--limit takes a whole number/],
    ['the wait is too long', 'token revoke tok_1 --wait 2m', {}, /--wait takes 60s at most/],
    ['workspaces are given twice', 'token create --workspace a --workspaces all', {}, /not both/],
    ['healthcheck finds nobody', 'healthcheck', { SCOPEGATE_ADMIN_URL: 'http://127.0.0.1:9' }, /ECONNREFUSED/],
  ] as const)('%s', async (_, words, env, said) => expect(await failing(words, env)).toMatch(said));
});

describe('filters', () => {
  it('show what was asked for, and say where there is none', async () => {
    expect((await world.shell('scopegate token list --owner bob')).stderr).toBe('no tokens\n');
    expect((await world.shell('scopegate token list --unused 1d')).stderr).toBe('no tokens\n');
    expect((await world.shell('scopegate token list --unused 0 --jsonl')).lines.length).toBeGreaterThan(2);
    const { lines } = await world.shell('scopegate token list --name ON --never-used --jsonl');
    expect(lines.map((line) => json(line).name)).toEqual(['one']);
    expect((await world.shell('scopegate token list --expiring 10d --jsonl')).lines.length).toBeGreaterThan(2);
    expect((await world.shell('scopegate token list --expiring 1d')).stderr).toBe('no tokens\n');
  });

  it('a token like another has what is not given of it, and an end of its own', async () => {
    const [first] = (await world.shell('scopegate token list --jsonl --limit 1')).lines;
    const { id } = json(first!) as { id: string };
    const { stdout } = await world.shell(`scopegate token create --like ${id} --name copy --expires 3d --json`);
    expect(json(stdout)).toMatchObject({
      name: 'copy',
      ownerId: 'ann',
      scopes: ['content:read'],
      workspaces: ['sales'],
    });
  });
});

describe('a receipt', () => {
  const said = (receipt: object) => {
    process.exitCode = 0;
    const text = receiptText(receipt, 'refused by');
    const code = process.exitCode as number;
    process.exitCode = 0;
    return [text, code];
  };
  it('says who has applied the change; where somebody has not, the answer is no', () => {
    expect(said({ applied: true, processes: 4, lagMs: 12 })).toEqual([
      'refused by all 4 gateway processes after 12 ms',
      0,
    ]);
    expect(said({ applied: true, processes: 1, lagMs: 1200 })).toEqual([
      'refused by the gateway process after 1,200 ms',
      0,
    ]);
    expect(said({ applied: true, processes: 0, lagMs: 0 })).toEqual(['done; no gateway process runs', 0]);
    expect(said({})).toEqual(['done; nobody was waited for', 0]);
    expect(said({ applied: false, processes: 4, laggards: ['gw2'], lagMs: 2000 })).toEqual([
      ...['done, but not yet refused by 1 of 4 gateway processes after 2,000 ms: gw2', 2],
    ]);
    expect(said({ applied: false, processes: null, laggards: [], lagMs: 5 })).toEqual([
      ...['done, but which gateway processes have applied it could not be asked (after 5 ms)', 2],
    ]);
  });
});

describe('the table of commands', () => {
  it('tells of every option in the help of its command, and of every command in the help of all', async () => {
    const all = (await run(['--help'])).stdout;
    expect(all).not.toContain('undefined');
    for (const { words, options } of SHOWN_COMMANDS) {
      const [first] = words.split(' ');
      expect(all).toContain(`scopegate ${first}`);
      const { stdout } = await run([...words.split(' '), '--help']);
      for (const name of Object.keys(options)) expect(stdout, words).toContain(`--${name}`);
    }
    expect((await run(['token'])).stdout).toContain('scopegate token rotate ID');
    expect((await run(['help', 'token', 'list'])).stdout).toContain('--unused TIME');
  });

  it('what only speaks to the sidecar loads neither the configuration engine nor a gateway', () => {
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      const text = readFileSync(path, 'utf8').replace(/import type [^;]*;/g, '');
      for (const [, , spec] of text.matchAll(/^(import|export)\b[^;]*?from '(\.[^']*)'/gm))
        visit(join(dirname(path), spec!));
    };
    visit(join(ROOT, 'src/main.ts'));
    for (const file of ['token/list', 'token/create', 'token/state', 'directory/lists', 'healthcheck'])
      visit(join(ROOT, `src/cli/${file}.ts`));
    const rooms = new Set([...seen].map((path) => relative(join(ROOT, 'src'), path).split('/').slice(0, 2).join('/')));
    expect(
      [...rooms].filter((room) => /^(?:store|gateway|edge|http|upstream|observe|config\/(?:load|schema))/.test(room)),
    ).toEqual([]);
  });

  it.each([
    'admin: { host: 127.0.0.2, port: 9000 }\nstore: { driver: sqlite, path: kept/here.db }',
    'store: { driver: redis, url: "redis://127.0.0.1" }',
    'admin:\n  port: $'.concat('{P}'),
    '',
  ])('a sidecar is found where the whole loader finds it: %j', (more) => {
    const path = join(world.gateway.folder, 'found.yaml');
    writeFileSync(
      path,
      `policy: ${join(ROOT, 'policies/default.yaml')}
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: all, match: { path: "/**" }, public: true, upstream: api }]
${more}
`,
    );
    const configuration = loadGateway(path, { P: '9999' });
    const { host, port, folder } = readSidecarSettings(path, { P: '9999' });
    expect({ host, port, folder: join(dirname(path), folder) }).toEqual({
      ...{
        host: configuration.file.admin.host,
        port: configuration.file.admin.port,
        folder: localFolder(configuration),
      },
    });
  });
});

describe('completion', () => {
  const script = async (shell: string) => (await run(['completion', shell])).stdout;

  it('of bash knows commands, options, values and files', async () => {
    const complete = (...words: string[]) => {
      const list = words.map((word) => `'${word}'`).join(' ');
      const line = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _scopegate; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['-c', `${source}\n${line}`], { encoding: 'utf8', cwd: ROOT });
      expect(stderr).toBe('');
      return stdout.trim().split('\n');
    };
    const source = await script('bash');
    expect(complete('scopegate', 'he')).toEqual(['healthcheck']);
    expect(complete('scopegate', 'token', 're')).toEqual(['revoke']);
    expect(complete('scopegate', 'token', 'list', '--st')).toEqual(['--state']);
    expect(complete('scopegate', 'token', 'list', '--state', 'in')).toEqual(['inactive']);
    expect(complete('scopegate', 'bench', 'comp')).toEqual(['compare']);
    expect(complete('scopegate', 'bench', 'http://127.0.0.1', '--sav')).toEqual(['--save']);
    expect(complete('scopegate', 'bench', 'compare', '--wo')).toEqual(['--worse']);
    expect(complete('scopegate', 'check', 'gateway.y')).toEqual(['gateway.yaml']);
    expect(complete('scopegate', 'serve', '--config', 'gateway.y')).toEqual(['gateway.yaml']);
  });

  it.skipIf(!hasTool('zsh'))('of zsh is a script that zsh reads', async () => {
    expect(spawnSync('zsh', ['-n'], { input: await script('zsh'), encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  it.skipIf(!hasTool('fish'))('of fish is a script that fish reads', async () => {
    // A script in a file: of standard input fish wants to know what it is first.
    const path = join(world.gateway.folder, 'scopegate.fish');
    writeFileSync(path, await script('fish'));
    expect(spawnSync('fish', ['-n', path], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('names every command and every option in each shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const text = await script(shell);
      for (const { words, options } of SHOWN_COMMANDS) {
        expect(text, shell).toContain(words.split(' ').at(-1));
        for (const name of Object.keys(options)) expect(text, `${shell} ${words}`).toContain(name);
      }
    }
  });
});
