/** `scopegate test --watch` tells again what holds after each change of a file that was read, and ends when it is asked to. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Started, scopegate } from '../support/process.ts';
import { type Folder, startFolder, testFile } from './folder.ts';

let folder: Folder;
let watching: Started | undefined;
beforeEach(() => {
  folder = startFolder();
  folder.file(
    'gateway.test.yaml',
    testFile({ tests: [{ name: 'one', token: 'reader', allow: ['GET /sales/pages/1'] }] }),
  );
});
afterEach(async () => {
  await watching?.stop();
  folder.remove();
});

/** Until it has said so often that it waits, and `said` since the last time. */
async function waits(times: number, said: string): Promise<void> {
  const { stdout, stderr } = watching!;
  await expect.poll(() => stderr().split('waiting for a change').length - 1, { timeout: 20_000 }).toBe(times);
  expect(`${stdout().slice(shown)}${stderr().slice(told)}`).toContain(said);
  shown = stdout().length;
  told = stderr().length;
}
let shown = 0;
let told = 0;

function start(): void {
  shown = 0;
  told = 0;
  watching = scopegate(['test', '--watch'], { cwd: folder.path });
}

function edit(name: string, from: string, to: string): void {
  const path = join(folder.path, name);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

it('after a change of the gateway and of the tests, once each', { timeout: 60_000 }, async () => {
  start();
  await waits(1, '1 passed, 0 failed');
  edit('gateway.yaml', 'path: "/{ws}/pages/{page}"', 'path: "/{ws}/leaves/{page}"');
  await waits(2, '0 passed, 1 failed');
  edit('gateway.test.yaml', 'GET /sales/pages/1', 'GET /sales/leaves/1');
  await waits(3, '1 passed, 0 failed');
});

it('waits for files that cannot be used to be mended, from the start', { timeout: 60_000 }, async () => {
  edit('gateway.yaml', 'scopes: ["content:read"]', 'scopes: ["content:raed"]');
  start();
  await waits(1, 'knows no scope "content:raed"');
  edit('gateway.yaml', 'content:raed', 'content:read');
  await waits(2, '1 passed, 0 failed');
  edit('gateway.test.yaml', 'name: one', 'nam: one');
  await waits(3, 'unknown key "nam"');
  edit('gateway.test.yaml', 'nam: one', 'name: one');
  await waits(4, '1 passed, 0 failed');
});

it('ends with exit code 0 at the first signal', { timeout: 30_000 }, async () => {
  start();
  await waits(1, '1 passed');
  expect(await watching!.stop('SIGINT')).toBe(0);
});
