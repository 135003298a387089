/**
 * Which files of policy tests a configuration asks for. They are read along with it, so that what is run later is what stood
 * there then. Runs nothing; what is wrong in them is said by whoever does.
 */
import { basename, dirname, join, resolve } from 'node:path';
import type { Validated } from '../schema/gateway-schema.ts';
import type { SoundParts } from '../schema/validate.ts';
import { isMapping } from '../yaml/bare-copy.ts';
import { readYamlFile } from '../yaml/yaml-file.ts';
import type { IncludeSource } from './included-routes.ts';
import { namePattern } from './name-pattern.ts';

/** Absolute; none where they are not required. Notes a pattern that fits no file. */
export function requiredTestFiles(source: IncludeSource, reload: SoundParts<Validated>['reload']): string[] {
  if (reload?.tests !== 'required') return [];
  const found = reload.testFiles.flatMap((pattern, index) => {
    const files = filesOf(source, pattern);
    if (files.length === 0) source.yaml.problem(['reload', 'testFiles', index], `no file fits ${pattern}`);
    return files;
  });
  const files = [...new Set(found)];
  for (const file of files) readAlong(source, file);
  return files;
}

function filesOf({ path, readFolder, reads }: IncludeSource, pattern: string): string[] {
  const absolute = resolve(dirname(path), pattern);
  if (!pattern.includes('*')) return [absolute];
  const folder = dirname(absolute);
  reads(folder);
  const fits = namePattern(basename(absolute));
  try {
    const names = readFolder(folder).filter((name) => fits.test(name) && !name.startsWith('.'));
    return names.toSorted().map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** With the directory that it names. */
function readAlong({ env, readFile, reads }: IncludeSource, file: string): void {
  reads(file);
  try {
    const { data } = readYamlFile(file, env, readFile);
    const directory = isMapping(data) ? data.directory : null;
    if (typeof directory !== 'string') return;
    const path = resolve(dirname(file), directory);
    reads(path);
    readFile(path);
  } catch {
    // It is read again, by somebody who says what is wrong.
  }
}
