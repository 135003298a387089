/**
 * Reads one strict YAML file and knows where each of its values stands, so that whoever judges them can say where.
 * Collects problems instead of stopping at the first; never knows what the file is about.
 */
import { readFileSync } from 'node:fs';
import { type Alias, isAlias, isMap, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml';
import { ConfigError, formatProblem, type Problem } from '../../errors.ts';
import { isMapping } from './bare-copy.ts';
import type { Env, SecretFiles } from './expand.ts';
import { NotUtf8, textOf } from './utf8.ts';
import { type Expansion, keyText, type Path, pathKey, readTree } from './yaml-tree.ts';

/** Counted from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where in which file. */
export interface FilePosition extends Position {
  readonly file: string;
}

/** From the disk, or as the file was at another time. Throws as `readFileSync` does. */
export type ReadFile = (path: string) => Buffer;

interface Where {
  /** The position of the key instead of its value. */
  readonly key?: boolean;
}

interface Source {
  readonly name: string;
  readonly lines: LineCounter;
  readonly root: Node | null;
  readonly data: unknown;
  readonly expansions: ReadonlyMap<string, Expansion>;
  readonly targets: ReadonlyMap<Alias, Node>;
}

/** Far more than a reader corrects in one go; what follows a broken quote is noise anyway. */
const SYNTAX_PROBLEMS_MAX = 20;

/** One file's data, positions and problems. */
export class YamlFile {
  readonly name: string;
  /**
   * Strings, numbers, booleans, null, arrays and objects without prototype. A value that could not be read (its problem
   * is noted) is `undefined`; so is the whole when the file is empty or is not YAML. Not to be changed.
   */
  readonly data: unknown;
  /** Everything found so far, in the order found, each once. */
  readonly problems: Problem[] = [];
  readonly #source: Source;
  readonly #known = new Set<string>();

  constructor(source: Source) {
    this.name = source.name;
    this.data = source.data;
    this.#source = source;
  }

  /** Where the value (or key) at `path` stands; where there is none, its nearest ancestor. Behind an alias: the anchor. */
  at(path: Path, where: Where = {}): FilePosition {
    let node = this.#source.root;
    let offset = node?.range?.[0] ?? 0;
    for (const [index, step] of path.entries()) {
      if (isAlias(node)) node = this.#source.targets.get(node) ?? null;
      const pair = isMap(node) ? node.items.find(({ key }) => keyText(key) === String(step)) : undefined;
      const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
      const next = (pair === undefined ? item : (pair.value ?? pair.key)) as Node | undefined;
      if (next === undefined) break;
      const keyWanted = where.key === true && index === path.length - 1;
      const shown = keyWanted && pair !== undefined ? (pair.key as Node) : next;
      offset = shown.range?.[0] ?? offset;
      node = next;
    }
    return { file: this.name, ...this.#position(offset) };
  }

  /** One of its sections as a file of its own, with problems of its own. */
  part(section: string): YamlFile {
    const { root, expansions } = this.#source;
    const found = isMap(root) ? root.items.find(({ key }) => keyText(key) === section)?.value : null;
    const start = pathKey([section]).slice(0, -1);
    const within = [...expansions].filter(([path]) => path.startsWith(`${start},`));
    return new YamlFile({
      ...this.#source,
      root: (isAlias(found) ? this.#source.targets.get(found) : (found as Node | null)) ?? null,
      data: isMapping(this.data) ? this.data[section] : undefined,
      expansions: new Map(within.map(([path, expansion]) => [`[${path.slice(start.length + 1)}`, expansion])),
    });
  }

  /** The keys of the file, or of one of its sections; none where that is no mapping. */
  keys(section?: string): ReadonlySet<string> {
    const mapping = section === undefined || !isMapping(this.data) ? this.data : this.data[section];
    return new Set(isMapping(mapping) ? Object.keys(mapping) : []);
  }

  /** What the environment put at `path`, or undefined where nothing was expanded. */
  expansion(path: Path): Expansion | undefined {
    return this.#source.expansions.get(pathKey(path));
  }

  /** Notes a problem with the value (or key) at `path`. */
  problem(path: Path, message: string, where: Where = {}): void {
    this.#add({ ...this.at(path, where), message });
  }

  /** Notes a problem at a place in the text, counted in UTF-16 units from its start. */
  problemAtOffset(offset: number, message: string): void {
    this.#add({ file: this.name, ...this.#position(offset), message });
  }

  /** The problems in the order of the file. */
  problemsInOrder(): Problem[] {
    return this.problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }

  /** Throws one ConfigError with every problem, in the order of the file; does nothing without problems. */
  throwIfAny(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problemsInOrder());
  }

  #add(problem: Problem): void {
    // Two aliases of one bad block would report it twice.
    const text = formatProblem(problem);
    if (this.#known.has(text)) return;
    this.#known.add(text);
    this.problems.push(problem);
  }

  #position(offset: number): Position {
    const { line, col } = this.#source.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

/** Reads and parses a file, see `parseYaml`. Throws ConfigError for one that is missing or unreadable, at 1:1, or not UTF-8. */
export function readYamlFile(
  path: string,
  env: Env,
  readFile: ReadFile = readFileSync,
  secrets: SecretFiles | null = null,
): YamlFile {
  return parseYaml(readText(path, readFile), path, env, secrets);
}

/**
 * Parses one YAML 1.2 document (core schema, no merge keys) and expands `${NAME}` in its scalar values. Never throws:
 * what is wrong stands in `problems`. A quoted scalar stays a string, an unquoted one is typed after expansion.
 */
export function parseYaml(text: string, fileName: string, env: Env, secrets: SecretFiles | null = null): YamlFile {
  // A byte order mark would shift every column of the first line.
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const lines = new LineCounter();
  const document = parseDocument<Node>(source, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    // Judged in yaml-tree.ts instead, where the message can name the key and the rest of the file is still read.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const empty = { name: fileName, lines, root: null, data: undefined, expansions: new Map(), targets: new Map() };
  if (document.errors.length > 0) {
    const file = new YamlFile(empty);
    reportSyntax(file, document.errors, source, lines);
    return file;
  }
  if (document.contents === null || document.contents.range?.[0] === document.contents.range?.[1]) {
    const file = new YamlFile(empty);
    file.problemAtOffset(0, 'the file is empty');
    return file;
  }
  const tree = readTree(document, env, secrets);
  const file = new YamlFile({ ...empty, root: document.contents, ...tree });
  if (document.directives?.yaml.version !== '1.2') file.problemAtOffset(0, 'only YAML 1.2 is supported');
  for (const warning of document.warnings) file.problemAtOffset(warning.pos[0], warning.message);
  for (const fault of tree.faults) file.problemAtOffset(fault.offset, fault.message);
  return file;
}

/** One problem per line: the parser's later errors on a line are mostly echoes of its first. */
function reportSyntax(file: YamlFile, errors: readonly YAMLError[], source: string, lines: LineCounter): void {
  const seen = new Set<number>();
  for (const error of errors) {
    const offset = error.pos[0];
    const { line } = lines.linePos(offset);
    if (seen.has(line) || file.problems.length >= SYNTAX_PROBLEMS_MAX) continue;
    seen.add(line);
    file.problemAtOffset(offset, syntaxMessage(error, source));
  }
}

function syntaxMessage(error: YAMLError, source: string): string {
  // In `{ port: ${PORT} }` the variable's brace opens a mapping, which the parser reports in its own terms.
  if (source.slice(error.pos[0] - 1, error.pos[0] + 1) === '${') return `in flow style, put quotes around \${…}`;
  if (error.code === 'MULTIPLE_DOCS') return 'a second document starts here; a configuration file is one document';
  if (error.code === 'RESOURCE_EXHAUSTION') return 'nested too deeply';
  if (error.code === 'NON_STRING_KEY') return 'a key must be plain text';
  return error.message.split('\n', 1)[0] ?? error.code;
}

function readText(path: string, readFile: ReadFile): string {
  try {
    return textOf(path, readFile(path));
  } catch (error) {
    if (error instanceof NotUtf8) throw error;
    throw new ConfigError([{ file: path, line: 1, column: 1, message: `cannot be read: ${readFailure(error)}` }]);
  }
}

/** In words for a reader. */
export function readFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'EACCES') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}
