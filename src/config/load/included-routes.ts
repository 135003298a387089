/**
 * The routes of the files that gateway.yaml includes, in the order of the patterns and, within one, of the names. Each file
 * holds `routes` alone; what is wrong with one is told with its own name. Judges no route by itself.
 */
import { basename, dirname, join, resolve } from 'node:path';
import type { Static } from 'typebox';
import { ConfigError, formatProblem } from '../../errors.ts';
import { RoutesFileSchema } from '../schema/gateway-schema.ts';
import { soundParts, validate } from '../schema/validate.ts';
import type { Env } from '../yaml/expand.ts';
import { type FilePosition, type ReadFile, readYamlFile, type YamlFile } from '../yaml/yaml-file.ts';
import type { Path } from '../yaml/yaml-tree.ts';
import { namePattern } from './name-pattern.ts';
import type { Notes } from './notes.ts';
import { secretFiles } from './secret-files.ts';

type RouteFile = Static<typeof RoutesFileSchema>['routes'][number];

/** The names in a folder. Throws as `readdirSync` does. */
export type ReadFolder = (path: string) => readonly string[];

export interface IncludedFile {
  readonly yaml: YamlFile;
  /** undefined: it does not fit its schema. */
  readonly routes: readonly (RouteFile | undefined)[];
}

/** What including needs of whoever reads gateway.yaml. */
export interface IncludeSource {
  /** gateway.yaml: what cannot be found is its problem. */
  readonly yaml: YamlFile;
  /** Absolute. */
  readonly path: string;
  readonly env: Env;
  readonly readFile: ReadFile;
  readonly readFolder: ReadFolder;
  /** Called with each file and folder, also where reading then fails. */
  readonly reads: (path: string) => void;
}

/** What cannot be read is noted. `patterns`: undefined where one does not fit its schema. `warnings`: patterns that fit no file. */
export function readIncluded(
  source: IncludeSource,
  patterns: readonly (string | undefined)[],
  warnings: string[],
): IncludedFile[] {
  const included = new Map<string, IncludedFile>();
  for (const [index, pattern] of patterns.entries()) {
    const at: Path = ['include', index];
    for (const path of pattern === undefined ? [] : filesOf(source, at, pattern, warnings)) {
      if (path === source.path) source.yaml.problem(at, `${pattern} includes this file itself`);
      else if (!included.has(path)) {
        const file = readOne(source, at, path);
        if (file !== undefined) included.set(path, file);
      }
    }
  }
  return [...included.values()];
}

/** A pattern without `*` names a file that has to be there; one with it may fit none. */
function filesOf(source: IncludeSource, at: Path, pattern: string, warnings: string[]): string[] {
  const absolute = resolve(dirname(source.path), pattern);
  if (!pattern.includes('*')) return [absolute];
  const folder = dirname(absolute);
  source.reads(folder);
  const fits = namePattern(basename(absolute));
  try {
    // As in a shell, what is hidden is not meant.
    const names = source.readFolder(folder).filter((name) => fits.test(name) && !name.startsWith('.'));
    if (names.length === 0)
      warnings.push(formatProblem({ ...source.yaml.at(at), message: `warning: no file fits ${pattern}` }));
    return names.toSorted().map((name) => join(folder, name));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    source.yaml.problem(at, `${folder}: ${code === 'ENOENT' ? 'no such folder' : message}`);
    return [];
  }
}

function readOne({ yaml, env, readFile, reads }: IncludeSource, at: Path, path: string): IncludedFile | undefined {
  reads(path);
  try {
    const file = readYamlFile(path, env, readFile, secretFiles(path, readFile, reads));
    const whole = validate(file, RoutesFileSchema);
    return { yaml: file, routes: whole?.routes ?? soundParts(file, RoutesFileSchema).routes ?? [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yaml.problem(at, `${path} ${error.problems[0]!.message}`);
    return undefined;
  }
}

/** Takes the routes of several files for one list, and says of each where it really stands. */
export class JoinedNotes implements Notes {
  readonly #main: Notes;
  /** The index in the one list with which each file begins, the last file first. */
  readonly #starts: readonly (readonly [number, Notes])[];

  /** `mainCount`: how many of the routes are gateway.yaml's own. */
  constructor(main: Notes, mainCount: number, included: readonly IncludedFile[]) {
    this.#main = main;
    let start = mainCount;
    const starts = included.map(({ yaml, routes }) => {
      const entry = [start, yaml] as const;
      start += routes.length;
      return entry;
    });
    this.#starts = starts.toReversed();
  }

  at(path: Path): FilePosition {
    const [notes, within] = this.#find(path);
    return notes.at(within);
  }

  keys(section: string): ReadonlySet<string> {
    return this.#main.keys(section);
  }

  problem(path: Path, message: string, where?: { readonly key?: boolean }): void {
    const [notes, within] = this.#find(path);
    notes.problem(within, message, where);
  }

  #find(path: Path): readonly [Notes, Path] {
    const [section, index, ...rest] = path;
    if (section !== 'routes' || typeof index !== 'number') return [this.#main, path];
    const found = this.#starts.find(([start]) => index >= start);
    return found === undefined ? [this.#main, path] : [found[1], [section, index - found[0], ...rest]];
  }
}
