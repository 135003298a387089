/** Who vouches for servers: the system, at every place where we are a client. With real processes, since Node reads it once. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServeFolder } from '../conformance/process/serving.ts';
import { first } from '../support/certificates.ts';
import { scopegate } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-authorities-'));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const cert = file('cert.pem', first.cert);
const key = file('key.pem', first.key);
const none = file('none.pem', '');

/** A system that trusts those in `path`, and nobody else. */
const system = (path: string) => ({
  SSL_CERT_FILE: path,
  SSL_CERT_DIR: join(folder, 'nobody'),
  NODE_EXTRA_CA_CERTS: '',
});
const words = (path: string) =>
  Object.entries(system(path))
    .map(([name, value]) => `export ${name}='${value}';`)
    .join(' ');

let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer(first, (_, answer) => answer.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `https://localhost:${(server.address() as { port: number }).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function publicly(serving: ServeFolder, changes: (yaml: string) => string = (yaml) => yaml): ServeFolder {
  const yaml = readFileSync(serving.configuration, 'utf8').replace(/require: \{.*?\}/, 'public: true');
  writeFileSync(serving.configuration, changes(yaml));
  return serving;
}

const statusOf = async (url: string) => (await fetch(`${url}/files/x`)).status;

describe('an authority that the system trusts vouches', () => {
  it.each([1, 2])('for an upstream; %i workers', async (workers) => {
    const withWorkers = (yaml: string) =>
      yaml.replace('gateway: { port: 0 }', `gateway: { port: 0, workers: ${workers} }`);
    using trusting = publicly(new ServeFolder(origin), withWorkers);
    expect(await statusOf((await trusting.serve(words(cert))).gatewayUrl)).toBe(200);
  });

  it('for the sidecar that a command speaks to', async () => {
    const directory = file('directory.yaml', 'organizations: { acme: { name: Acme, edition: team } }\n');
    const args = ['apply', directory, '--url', origin];
    const asked = async (path: string) => {
      const running = scopegate(args, { env: { ...system(path), SCOPEGATE_ADMIN_KEY: 'k'.repeat(32) } });
      await running.exit();
      return running.stderr();
    };
    expect(await asked(cert)).toContain('is no scopegate sidecar');
    expect(await asked(none)).toContain('cannot be asked');
  });

  it.skipIf(!hasTool('redis-server'))('for a Redis', async () => {
    const tls = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no', '--port', '0'];
    await using redis = await startRedis({ args: tls, tls: true, cliArgs: ['--tls', '--insecure'] });
    using trusting = publicly(new ServeFolder('http://127.0.0.1:9'), (yaml) =>
      yaml.replace(/store: .*/, `store: { driver: redis, url: "rediss://localhost:${redis.port}" }`),
    );
    const { adminUrl } = await trusting.serve(words(cert));
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
  });
});

it('an authority of which the system knows nothing vouches for nobody, and check says so where there is none', async () => {
  using wary = publicly(new ServeFolder(origin));
  expect(await statusOf((await wary.serve(words(none))).gatewayUrl)).toBe(502);
  const checking = scopegate(['check', wary.configuration], { env: system(none) });
  expect(await checking.exit()).toBe(0);
  expect(checking.stderr()).toMatch(/gateway\.yaml:\d+:\d+: warning: upstream "api": the system has no certificate/);
});
