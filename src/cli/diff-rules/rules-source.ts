/** Where the two configurations of `scopegate diff` come from: files, or files as they were in a revision of git. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { checkGateway, type Found } from '../../config/load/check-gateway.ts';
import type { Env } from '../../config/yaml/expand.ts';
import { SetupError } from '../../errors.ts';

const REVISION = /^git:([^:]+):(.+)$/s;

/** Throws ConfigError for one that is not good, and SetupError where git cannot show it. */
export function loadRules(named: string, env: Env): Found {
  const [, revision, path] = REVISION.exec(named) ?? [];
  if (revision === undefined || path === undefined) return checkGateway(named, env);
  const root = git(dirname(resolve(path)), 'rev-parse', '--show-toplevel').trim();
  const commit = git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`).trim();
  /** null: it lies outside, where there are no revisions. */
  const inside = (at: string) => {
    const name = relative(root, absoluteOf(at));
    return name.startsWith('..') ? null : name;
  };
  return checkGateway(path, env, {
    readFile: (at) => {
      const name = inside(at);
      return name === null ? readFileSync(at) : Buffer.from(gitBytes(root, 'cat-file', 'blob', `${commit}:${name}`));
    },
    readFolder: (at) => {
      const name = inside(at);
      return name === null ? readdirSync(at) : namesIn(root, commit, name);
    },
  });
}

/** The folder may be reached through a link; the file need not be there any more. */
function absoluteOf(at: string): string {
  const folder = dirname(resolve(at));
  try {
    return resolve(realpathSync(folder), relative(folder, resolve(at)));
  } catch {
    return resolve(at);
  }
}

function namesIn(root: string, commit: string, folder: string): string[] {
  const listed = git(root, 'ls-tree', '-z', '--name-only', commit, `${folder === '' ? '.' : folder}/`);
  return listed.split('\0').flatMap((name) => (name === '' ? [] : [name.slice(name.lastIndexOf('/') + 1)]));
}

function git(folder: string, ...words: string[]): string {
  return gitBytes(folder, ...words).toString('utf8');
}

function gitBytes(folder: string, ...words: string[]): Buffer {
  try {
    return execFileSync('git', ['-C', folder, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 256 * 1024 * 1024,
    });
  } catch (error) {
    const { stderr, code } = error as { readonly stderr?: Buffer; readonly code?: string };
    const said = stderr?.toString('utf8').trim().split('\n', 1)[0] ?? '';
    if (words[0] === 'cat-file') throw Object.assign(new Error(`not in git: ${said}`), { code: 'ENOENT' });
    throw new SetupError(
      `git ${words[0]} failed in ${folder}: ${code === 'ENOENT' ? 'there is no git' : said || 'no such revision'}`,
    );
  }
}
