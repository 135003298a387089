/** Judges a gateway.yaml that is about to be written, as `scopegate check` will. */
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { checkGateway, type Found } from '../config/load/check-gateway.ts';
import type { Env } from '../config/yaml/expand.ts';
import { ConfigError, formatProblem, SetupError } from '../errors.ts';
import type { FileTexts } from './write-files.ts';

/** `files`: by absolute path; others are read from the disk. Throws SetupError: what made them is then to be mended. */
export function checkTexts(path: string, files: FileTexts, env: Env): Found {
  const folder = resolve(path, '..');
  try {
    return checkGateway(basename(path), env, {
      contents: { text: files.get(path)!, folder },
      readFile: (name) => {
        const text = files.get(resolve(name));
        return text === undefined ? readFileSync(name) : Buffer.from(text);
      },
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.problems.map((problem) => `  ${formatProblem(problem)}`);
    throw new SetupError(`nothing was written: it would be wrong\n${lines.join('\n')}`);
  }
}

export function absoluteTexts(folder: string, files: FileTexts): FileTexts {
  return new Map([...files].map(([name, text]) => [resolve(join(folder, name)), text]));
}
