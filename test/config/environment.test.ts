/** What `${NAME}` in a configuration file promises. */
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { validate } from '../../src/config/schema/validate.ts';
import { parseYaml } from '../../src/config/yaml/yaml-file.ts';

const env = {
  PORT: '9000',
  HOST: 'example.org',
  EMPTY: '',
  YES: 'true',
  EVIL: 'x\nadmin: true # {',
  LINE: 'secret\n',
  WINDOWS_LINE: 'secret\r\n',
  LINES: 'secret\n\n',
  BLANK_LINE: '\n',
  PORT_LINE: '9000\n',
  NESTED: `\${PORT}`,
};
const data = (text: string) => {
  const file = parseYaml(text, 'f.yaml', env);
  file.throwIfAny();
  return file.data;
};
const problems = (text: string) =>
  parseYaml(text, 'f.yaml', env).problems.map((p) => `${p.line}:${p.column}: ${p.message}`);

describe('an environment variable', () => {
  it.each([
    ['in an unquoted scalar becomes a number', `\${PORT}`, 9000],
    ['in an unquoted scalar becomes a boolean', `\${YES}`, true],
    ['that is empty becomes nothing in an unquoted scalar', `\${EMPTY}`, null],
    ['that is unset gives way to its default', `\${UNSET:-8080}`, 8080],
    ['that is empty gives way to its default', `\${EMPTY:-8080}`, 8080],
    ['that is set wins over its default', `\${PORT:-8080}`, 9000],
    ['may have an empty default', `"\${UNSET:-}"`, ''],
    ['may have a default with colons and dashes', `\${UNSET:-http://a:-b}`, 'http://a:-b'],
    ['in a double-quoted scalar stays a string', `"\${PORT}"`, '9000'],
    ['in a single-quoted scalar stays a string', `'\${PORT}'`, '9000'],
    ['in a block scalar stays a string', `|-\n  \${PORT}`, '9000'],
    ['under a string tag stays a string', `!!str \${PORT}`, '9000'],
    ['stands within other text', `http://\${HOST}:\${PORT}/x`, 'http://example.org:9000/x'],
    ['is typed after expansion as a whole', `\${PORT}.\${PORT}`, 9000.9],
    ['cannot add keys or comments', `\${EVIL}`, 'x\nadmin: true # {'],
    ['loses a line break at its end', `"\${LINE}"`, 'secret'],
    ['loses a line break of Windows at its end', `"\${WINDOWS_LINE}"`, 'secret'],
    ['loses one line break, not two', `"\${LINES}"`, 'secret\n'],
    ['that is a line break is empty', `"\${BLANK_LINE:-none}"`, 'none'],
    ['is typed without its line break', `\${PORT_LINE}`, 9000],
    ['stands within other text without its line break', `http://u:\${LINE}@h`, 'http://u:secret@h'],
    ['is not expanded twice', `\${NESTED}`, `\${PORT}`],
    ['is literal after a doubled dollar', `$\${PORT}`, `\${PORT}`],
    ['may follow a literal one', `$\${PORT}=\${PORT}`, `\${PORT}=9000`],
    ['needs its braces', '$PORT', '$PORT'],
  ])('%s', (_promise, scalar, expected) => {
    expect(data(`a: ${scalar}\n`)).toEqual({ a: expected });
  });

  it('is not expanded in keys and comments', () => {
    expect(data(`\${PORT}: 1 # \${UNSET}\n# \${UNSET}\n`)).toEqual(Object.fromEntries([[`\${PORT}`, 1]]));
  });

  it('is expanded behind an alias too', () => {
    expect(data(`a: &p \${PORT}\nb: *p\n`)).toEqual({ a: 9000, b: 9000 });
  });

  it('that is unset and has no default is a problem naming it, and every one is named', () => {
    expect(problems(`a: \${UNSET}\nb: [x, "\${A}-\${B}"]\n`)).toEqual([
      '1:4: the environment variable UNSET is not set and has no default',
      '2:8: the environment variable A is not set and has no default',
      '2:8: the environment variable B is not set and has no default',
    ]);
  });

  it('is looked up among the variables only, never on a prototype', () => {
    expect(problems(`a: \${toString}\n`)).toEqual([
      '1:4: the environment variable toString is not set and has no default',
    ]);
  });

  it.each([`\${}`, `\${1A}`, `\${A-b}`, `\${A`, `\${A:-\${B}}`])('that is misspelt is a problem: %s', (text) => {
    expect(problems(`a: '${text}'\n`)[0]).toMatch(/^1:4: ".*" is not \$\{NAME\} or \$\{NAME:-default\}/);
  });
});

describe('where the schema knows which type is meant', () => {
  const schema = Type.Object({ n: Type.Integer({ minimum: 1 }), s: Type.String() }, { additionalProperties: false });
  const read = (text: string) => {
    const file = parseYaml(text, 'f.yaml', { ...env, SECRET: 'hunter2', DIGITS: '12345' });
    return { value: validate(file, schema), problems: file.problems.map((p) => `${p.line}:${p.column}: ${p.message}`) };
  };

  it('a quoted variable may be a number, because flow style needs the quotes', () => {
    expect(read(`{ n: "\${PORT:-8080}", s: x }`).value).toEqual({ n: 9000, s: 'x' });
  });

  it('an unquoted variable that happens to be digits may be a string', () => {
    expect(read(`n: 1\ns: \${DIGITS}\n`).value).toEqual({ n: 1, s: '12345' });
  });

  it('a quoted number without a variable stays a string', () => {
    expect(read('{ n: "1", s: x }').problems).toEqual(['1:6: expected integer, found "1"']);
  });

  it('a bad value from the environment is not printed', () => {
    expect(read(`n: \${SECRET}\ns: x\n`).problems).toEqual([`1:4: expected integer, found the value of \${SECRET}`]);
  });

  it('an unset variable is one problem, not also a wrong type or a missing key', () => {
    expect(read(`n: \${UNSET}\ns: x\n`).problems).toEqual([
      '1:4: the environment variable UNSET is not set and has no default',
    ]);
  });
});
