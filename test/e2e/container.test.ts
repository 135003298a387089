/**
 * What the Dockerfile says, as far as it can be tried in seconds: the health check, what is sent to the build, and the documented line.
 * The image itself is built and tried by `npm run test:image`, which takes minutes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { writePair } from '../http/harness.ts';
import { first } from '../support/certificates.ts';
import { codeBlocks, readDocument } from '../support/documents.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { freePort } from '../support/redis.ts';

const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

/** As Docker would, in `folder`, with no program but those in `path`. */
async function lookedAfter(port: string, folder: string, path = '/nowhere'): Promise<number | null> {
  const words = JSON.parse(/^HEALTHCHECK .*? CMD (\[.*\])$/m.exec(DOCKERFILE)![1]!) as string[];
  expect(words[0]).toBe('bash');
  const env = { ...process.env, PATH: path, SCOPEGATE_ADMIN_PORT: port };
  const [code] = await once(spawn('/bin/bash', words.slice(1), { env, cwd: folder }), 'close');
  return code as number | null;
}

it('the health check says yes to a gateway that is ready and no to one that is gone, and starts no Node', async () => {
  expect(await lookedAfter(String(await freePort()), ROOT)).not.toBe(0);
  const gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false });
  expect(await lookedAfter(new URL(gateway.adminUrl).port, ROOT)).toBe(0);
  await gateway.stop();
});

it('the health check asks a sidecar over HTTPS by the command', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-image-'));
  const paths = writePair(folder, first);
  const gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    seed: false,
    settings: { admin: { tls: paths } },
  });
  const { port } = new URL(gateway.adminUrl);
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'dist/start.js'), `await import(${JSON.stringify(join(ROOT, 'src/start.js'))})`);
  const admin = { port: Number(port), tls: paths };
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify({ admin }));
  const path = dirname(process.execPath);
  expect(await lookedAfter(port, folder, path)).toBe(0);
  await gateway.stop();
  expect(await lookedAfter(port, folder, path)).not.toBe(0);
  rmSync(folder, { recursive: true });
});

it('everything that the image is made of is sent to the build, and nothing else is', () => {
  const [everything, ...sent] = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(everything).toBe('*');
  const copied = Array.from(DOCKERFILE.matchAll(/^COPY (?!--from)(.+) \S+$/gm), ([, names]) =>
    names!.split(' '),
  ).flat();
  expect(new Set(sent)).toEqual(new Set(copied.map((name) => `!${name}`)));
  for (const name of copied) expect(existsSync(join(ROOT, name)), name).toBe(true);
});

it('the console is built where its tools are, and is in what the image carries', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { build: string } };
  const [build, last] = DOCKERFILE.split(/^FROM .*$/m).slice(1);
  expect(build).toMatch(/^RUN npm ci (?!.*--omit)[\s\S]*^COPY src \.\/src$[\s\S]*^RUN npm run build\b/m);
  expect(scripts.build).toContain('npm run build:console');
  // Where console-files.ts looks, from dist as from src.
  expect(last).toMatch(/^COPY --from=build \/app\/dist \.\/dist$/m);
});

it("the documented line mounts the README's files where the image reads them, and they listen where it is reached", () => {
  const [, run] = codeBlocks(readDocument('docs/deploy.md').split('\n## Container\n')[1]!)[0]!.split('docker run');
  const readme = codeBlocks(readDocument('README.md')).find((block) => block.startsWith('cat > gateway.yaml'))!;
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-mounted-'));
  try {
    writeFileSync(
      join(folder, 'gateway.yaml'),
      readme
        .split('\n')
        .slice(1, -2)
        .join('\n')
        .replace(/\nEND[\s\S]*/, '\n'),
    );
    writeFileSync(join(folder, 'policy.yaml'), readFileSync(join(ROOT, 'policies/default.yaml')));
    const env = Object.fromEntries(
      [...DOCKERFILE.matchAll(/(SCOPEGATE_\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!]),
    );
    const { file, policyPath } = loadGateway(join(folder, 'gateway.yaml'), env);
    expect([file.gateway.host, file.admin.host]).toEqual(['0.0.0.0', '0.0.0.0']);
    const mounts = [...run!.matchAll(/-v \.\/(\S+):\/app\/(\S+):ro/g)].map(([, from, to]) => [from, to]);
    expect(mounts).toEqual([
      ['gateway.yaml', /"serve", "-c", "(.+)"\]$/m.exec(DOCKERFILE)![1]],
      ['policy.yaml', relative(folder, policyPath)],
    ]);
    expect(run).toContain(`-v scopegate-data:${/^VOLUME (.+)$/m.exec(DOCKERFILE)![1]} `);
    for (const [, port] of DOCKERFILE.matchAll(/^EXPOSE (\d+) (\d+)$/gm)) expect(run).toContain(`:${port} `);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
