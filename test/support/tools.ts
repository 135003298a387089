/**
 * The programs that tests need beside Node. Where one is missing, the tests that need it are skipped, by name and loudly,
 * and the line that installs it is printed. With CI=true it is installed (root and apt), and one still missing is an error.
 */
import { spawnSync } from 'node:child_process';

/** Program → Debian package. */
const TOOLS = {
  curl: 'curl',
  git: 'git',
  chromium: 'chromium',
  skopeo: 'skopeo',
  'docker-registry': 'docker-registry',
  h2load: 'nghttp2-client',
  nginx: 'nginx',
  caddy: 'caddy',
  lighttpd: 'lighttpd',
  'php-cgi': 'php-cgi',
  python3: 'python3',
  pip3: 'python3-pip',
  etcd: 'etcd-server',
  prometheus: 'prometheus',
  strace: 'strace',
  faketime: 'faketime',
  sqlite3: 'sqlite3',
  'redis-server': 'redis-server',
  'redis-sentinel': 'redis-sentinel',
  script: 'bsdutils',
  zsh: 'zsh',
  fish: 'fish',
} as const;
export type Tool = keyof typeof TOOLS;

/** Some promises need what Node learned with this version; older ones fail closed instead (docs/conformance.md). */
export function hasNode(major: number, minor = 0): boolean {
  const [ours, oursMinor] = process.versions.node.split('.').map(Number) as [number, number];
  return ours > major || (ours === major && oursMinor >= minor);
}

export function hasTool(name: Tool): boolean {
  return isInstalled(name);
}

const isInstalled = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** vitest's global set-up: runs once, before any test file. */
export function setup(): void {
  const missing = (Object.keys(TOOLS) as Tool[]).filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => TOOLS[name]))];
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.env.CI === 'true') installInCi(missing, install);
  else
    process.stderr.write(
      `\nMISSING: ${missing.join(', ')}; the tests that need them are skipped. To run them, too (Debian, as root):\n  ${install}\n\n`,
    );
}

function installInCi(missing: readonly string[], install: string): void {
  if (process.getuid?.() === 0 && isInstalled('apt-get')) {
    process.stdout.write(`installing for the tests: ${missing.join(', ')}\n`);
    spawnSync('sh', ['-c', `apt-get update -qq && ${install} -qq`], {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const still = missing.filter((name) => !isInstalled(name));
  if (still.length > 0) throw new Error(`MISSING: ${still.join(', ')}; with CI=true no test is skipped for that`);
}
