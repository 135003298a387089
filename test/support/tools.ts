/**
 * The programs that tests need beside Node: installed here where that is possible (root and apt), otherwise the tests
 * that need them are skipped, by name and loudly. With CI=true a missing one is an error.
 */
import { spawnSync } from 'node:child_process';

/** Program → Debian package. */
const TOOLS: Readonly<Record<string, string>> = {
  curl: 'curl',
  h2load: 'nghttp2-client',
  nginx: 'nginx',
  caddy: 'caddy',
  lighttpd: 'lighttpd',
  'php-cgi': 'php-cgi',
  python3: 'python3',
  strace: 'strace',
  faketime: 'faketime',
  sqlite3: 'sqlite3',
  'redis-server': 'redis-server',
  'redis-sentinel': 'redis-sentinel',
};

/** Some promises need what Node learned with this version; older ones fail closed instead (docs/conformance.md). */
export function hasNode(major: number, minor = 0): boolean {
  const [ours, oursMinor] = process.versions.node.split('.').map(Number) as [number, number];
  return ours > major || (ours === major && oursMinor >= minor);
}

export function hasTool(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** vitest's global set-up: runs once, before any test file. */
export function setup(): void {
  const missing = Object.keys(TOOLS).filter((name) => !hasTool(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => TOOLS[name]!))];
  if (process.getuid?.() === 0 && hasTool('apt-get')) {
    process.stdout.write(`installing for the tests: ${packages.join(', ')}\n`);
    const install = `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${packages.join(' ')}`;
    spawnSync('sh', ['-c', install], { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const still = missing.filter((name) => !hasTool(name));
  if (still.length === 0) return;
  const message = `MISSING: ${still.join(', ')}; tests that need them are skipped. Install: ${packages.join(' ')}`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n${message}\n\n`);
}
