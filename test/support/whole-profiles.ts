/**
 * With coverage each child process leaves a profile when it ends, and Vitest reads them after every test file. One that was
 * killed while it wrote left half of one, which would fail the run: it is removed before. Does nothing without coverage.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** How a profile ends: with its time, or with the source maps that follow it. Inside of it nothing ends like that. */
const WHOLE = /(?:"timestamp":[\d.e+]+|\})\}$/;

afterAll(() => {
  const folder = process.env.NODE_V8_COVERAGE;
  if (folder === undefined || !existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (!WHOLE.test(readFileSync(join(folder, name), 'latin1').slice(-100))) rmSync(join(folder, name));
});
