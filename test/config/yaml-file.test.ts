/** What reading a YAML file promises, whatever the file is about. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseYaml, readYamlFile } from '../../src/config/yaml/yaml-file.ts';
import { ConfigError } from '../../src/errors.ts';

const parse = (text: string) => parseYaml(text, 'f.yaml', {});
const problems = (text: string) => parse(text).problems.map((p) => `${p.line}:${p.column}: ${p.message}`);

/** The ConfigError that `act` throws. */
function failure(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a file that is not a strict YAML document', () => {
  it.each([
    ['an empty file', '', ['1:1: the file is empty']],
    ['a file of comments only', '# nothing\n', ['1:1: the file is empty']],
    ['a document of markers only', '---\n...\n', ['1:1: the file is empty']],
    [
      'a second document',
      'a: 1\n---\nb: 2\n',
      ['2:1: a second document starts here; a configuration file is one document'],
    ],
    ['a tab as indentation', 'a:\n\tb: 1\n', ['2:1: Tabs are not allowed as indentation']],
    ['a tab as indentation in a CRLF file', 'a:\r\n\tb: 1\r\n', ['2:1: Tabs are not allowed as indentation']],
    ['an open quote', 'a: "x\n', ['2:1: Missing closing "quote']],
    [
      'an unquoted variable in flow style',
      `a: { port: \${PORT:-1} }\n`,
      [`1:13: in flow style, put quotes around \${…}`],
    ],
    ['a variable inside a flow list', `a: [http://\${H}:1, b]\n`, [`1:13: in flow style, put quotes around \${…}`]],
    ['a mapping as a key', '{a: 1}: x\n', ['1:1: a key must be plain text']],
    ['an older YAML version', '%YAML 1.1\n---\na: 1\n', ['1:1: only YAML 1.2 is supported']],
    ['an unknown tag', 'a: !secret x\n', ['1:4: Unresolved tag: !secret']],
    ['a tag that makes bytes', 'a: !!binary x\n', ['1:4: Unresolved tag: tag:yaml.org,2002:binary']],
    ['a merge key', 'a: &a {x: 1}\nb:\n  <<: *a\n', ['3:3: merge keys ("<<") are not supported']],
    ['an alias without anchor', 'a: *nobody\n', ['1:4: no anchor &nobody stands before this alias']],
    ['an alias before its anchor', 'a: *x\nb: &x 1\n', ['1:4: no anchor &x stands before this alias']],
    ['an alias inside what it names', 'a: &x [1, *x]\n', ['1:11: the alias *x stands inside what it names']],
    [
      'two syntax errors',
      'a: `x`\nb: @x\n',
      [
        '1:4: Plain value cannot start with reserved character `',
        '2:4: Plain value cannot start with reserved character @',
      ],
    ],
  ])('%s is an error at its place', (_name, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('has no data when it is not YAML at all', () => {
    expect(parse('a: "x\n').data).toBeUndefined();
    expect(parse('').data).toBeUndefined();
  });
});

describe('keys', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('%s is refused as a key, in any style', (key) => {
    const file = parse(`a:\n  ${key}: { polluted: true }\nb: { "${key}": 1, ok: 2 }\n`);
    expect(file.problems.map(({ line, column, message }) => ({ line, column, message }))).toEqual([
      { line: 2, column: 3, message: `the key "${key}" is not allowed` },
      { line: 3, column: 6, message: `the key "${key}" is not allowed` },
    ]);
    expect(Object.keys((file.data as { b: object }).b)).toEqual(['ok']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('objects have no prototype, so that a name like toString is not found where nobody wrote it', () => {
    const data = parse('a: {}\n').data as Record<string, Record<string, unknown>>;
    expect(data.toString).toBeUndefined();
    expect(Object.getPrototypeOf(data.a)).toBeNull();
  });

  it.each([
    ['a: 1\nb: 2\na: 3\n', '3:1: duplicate key "a"'],
    ['{a: 1, "a": 2}\n', '1:8: duplicate key "a"'],
    ['1: x\n"1": y\n', '2:1: duplicate key "1"'],
  ])('a duplicate key is an error however it is written: %j', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });

  it('are text, whatever they look like', () => {
    expect(parse('1: a\ntrue: b\n~: c\n0x10: d\n').data).toEqual({ 1: 'a', true: 'b', '~': 'c', '0x10': 'd' });
  });
});

describe('aliases', () => {
  it('stand for a copy of what they name', () => {
    const data = parse('a: &x { k: [1] }\nb: *x\n').data as { a: { k: number[] }; b: { k: number[] } };
    expect(data.b).toEqual({ k: [1] });
    expect(data.b.k).not.toBe(data.a.k);
  });

  it('mean the last anchor of that name before them', () => {
    expect(parse('a: &x 1\nb: &x 2\nc: *x\n').data).toEqual({ a: 1, b: 2, c: 2 });
  });

  it('a billion laughs is refused', () => {
    const laughs = Array.from(
      { length: 30 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
    );
    const file = parse(['l0: &l0 lol', ...laughs].join('\n'));
    expect(file.problems.length).toBeGreaterThan(0);
    expect(file.problems[0]?.message).toBe('aliases in this file stand for more than 10000 values');
  });

  it('an honest number of them is not', () => {
    const users = Array.from({ length: 500 }, (_, i) => `u${i}: *shared`);
    expect(problems(['shared: &shared { a: 1, b: [2, 3] }', ...users].join('\n'))).toEqual([]);
  });
});

it('nesting without end is refused, not a crash', () => {
  expect(problems(`a: ${'['.repeat(150)}${']'.repeat(150)}\n`)).toEqual(['1:104: nested too deeply']);
  expect(parse('['.repeat(100_000)).problems[0]?.message).toBe('nested too deeply');
});

describe('positions', () => {
  const text = 'a:\n  b: [x, { c: 1 }]\nempty:\nshared: &s { k: 1 }\nuser: *s\n';

  it.each([
    [[], 1, 1],
    [['a', 'b'], 2, 6],
    [['a', 'b', 1], 2, 10],
    [['a', 'b', 1, 'c'], 2, 15],
    [['empty'], 3, 7],
    [['user'], 5, 7],
    [['user', 'k'], 4, 17],
  ])('the value at %j is found', (path, line, column) => {
    expect(parse(text).at(path)).toEqual({ file: 'f.yaml', line, column });
  });

  it('the key of a value is found', () => {
    expect(parse(text).at(['a', 'b', 1, 'c'], { key: true })).toEqual({ file: 'f.yaml', line: 2, column: 12 });
  });

  it('of what is not there, the nearest ancestor is given', () => {
    expect(parse(text).at(['a', 'b', 1, 'x', 'y'])).toEqual({ file: 'f.yaml', line: 2, column: 10 });
    expect(parse(text).at(['a', 'b', 1, 'x'], { key: true })).toEqual({ file: 'f.yaml', line: 2, column: 10 });
    expect(parse('').at(['a'])).toEqual({ file: 'f.yaml', line: 1, column: 1 });
  });

  it('are the same with CRLF line ends and after a byte order mark', () => {
    expect(parse(text.replaceAll('\n', '\r\n')).at(['a', 'b', 1, 'c'])).toEqual({
      file: 'f.yaml',
      line: 2,
      column: 15,
    });
    expect(parse(`\uFEFFa: x\n`).at(['a'])).toEqual({ file: 'f.yaml', line: 1, column: 4 });
    expect(parse(`\uFEFFa: x\r\nb: |\r\n  y\r\n`).data).toEqual({ a: 'x', b: 'y\n' });
  });
});

describe('a file on disk', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'yaml-file-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('that is missing is named', () => {
    const path = join(folder, 'absent.yaml');
    expect(failure(() => readYamlFile(path, {})).message).toBe(`${path}:1:1: cannot be read: no such file`);
  });

  it('that is a directory is named', () => {
    const path = join(folder, 'dir.yaml');
    mkdirSync(path);
    expect(failure(() => readYamlFile(path, {})).message).toBe(`${path}:1:1: cannot be read: it is a directory`);
  });

  it('that is not UTF-8 is refused instead of being read with replacement characters', () => {
    const path = join(folder, 'latin1.yaml');
    writeFileSync(path, Buffer.from('a: caf\xe9\n', 'latin1'));
    expect(failure(() => readYamlFile(path, {})).message).toBe(
      `${path}:1:7: cannot be read: it is not UTF-8 text (byte 0xE9)`,
    );
  });

  it('with a byte order mark and CRLF line ends is read', () => {
    const path = join(folder, 'windows.yaml');
    writeFileSync(path, '\uFEFFa: 1\r\nb: x\r\n');
    expect(readYamlFile(path, {}).data).toEqual({ a: 1, b: 'x' });
  });
});

it('every problem in a file is reported at once, in the order of the file, each once', () => {
  const file = parse('a: 1\nb: *none\na: 2\n');
  file.problem(['a'], 'is wrong');
  file.problem(['a'], 'is wrong');
  expect(failure(() => file.throwIfAny()).message).toBe(
    [
      'f.yaml:1:4: is wrong',
      'f.yaml:2:4: no anchor &none stands before this alias',
      'f.yaml:3:1: duplicate key "a"',
    ].join('\n'),
  );
  expect(() => parse('a: 1\n').throwIfAny()).not.toThrow();
});
