// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the files hold them
/** Values of headers that stand in files of their own: `${file:PATH}` (contract 8.1). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(join(folder, 'routes'), { recursive: true });
});

const route = (said: string, path = '/x') =>
  `routes: [{ id: "${path}", ${said}, match: { path: "${path}" }, public: true, upstream: a }]\n`;

/** What is said of the route stands in line 4. */
function load(said: string, before = '') {
  put(
    'gateway.yaml',
    `policy: ${join(ROOT, 'policies/coze.yaml')}
upstreams: { a: { targets: ["http://127.0.0.1:9000"] } }
${before}
${route(said)}`,
  );
  return loadGateway(join(folder, 'gateway.yaml'), { NAME: 'of-env' });
}

function edits(configuration: ReturnType<typeof load>, path = 'x') {
  const match = configuration.routes.match('', 'GET', [path]);
  if (match.kind !== 'route') throw new Error('no route');
  return { lines: match.route.requestEdits?.lines, added: match.route.answerEdits?.added };
}

function problems(said: string, before?: string): string[] {
  try {
    load(said, before);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replaceAll(`${folder}/`, ''));
  }
}

const SET = (value: string) => `headers: { set: { X-Key: "${value}" } }`;

it('the content of the file stands there, but for one line break at its end', () => {
  for (const [content, value] of [
    ['s3cret', 's3cret'],
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['${NAME} ${file:key}', '${NAME} ${file:key}'],
    ['12345', '12345'],
  ] as const) {
    put('key', content);
    expect(edits(load(SET('${file:key}'))).lines).toBe(`X-Key: ${value}\r\n`);
  }
});

it('beside other text, variables, and in both directions; unquoted too', () => {
  put('key', '12345\n');
  const both = '{ set: { X-Key: "Bearer ${file:key} ${NAME} $${file:key}" } }';
  expect(edits(load(`headers: ${both}, answerHeaders: ${both}`))).toEqual({
    lines: 'X-Key: Bearer 12345 of-env ${file:key}\r\n',
    added: ['X-Key', 'Bearer 12345 of-env ${file:key}'],
  });
  expect(
    edits(
      load(
        'public: true'.replace('public', 'rewriteLocations'),
        'defaults:\n  headers:\n    set:\n      X-Key: ${file:key}',
      ),
    ).lines,
  ).toBe('X-Key: 12345\r\n');
});

it('its name counts from the file that names it, and it is watched like the others', () => {
  put('key', 'outer');
  put('routes/key', 'inner');
  put('routes/more.yaml', route(SET('${file:key}'), '/more'));
  const configuration = load(SET('${file:key}'), 'include: ["routes/*.yaml"]');
  expect([edits(configuration).lines, edits(configuration, 'more').lines]).toEqual([
    'X-Key: outer\r\n',
    'X-Key: inner\r\n',
  ]);
  expect(configuration.files).toEqual(expect.arrayContaining([join(folder, 'key'), join(folder, 'routes/key')]));
  expect(edits(load(SET(`\${file:${join(folder, 'routes/key')}}`))).lines).toBe('X-Key: inner\r\n');
});

it.each([
  ['missing', null, 'the file key cannot be read: no such file'],
  ['empty', '', 'the file key is empty'],
  ['a line break alone', '\r\n', 'the file key is empty'],
  ['two lines', 's3cret\nX-Evil: 1', 'the file key has more than one line'],
  ['CR LF within', 's3cret\r\nX-Evil: 1\r\n', 'the file key has more than one line'],
  ['two line breaks at its end', 's3cret\n\n', 'the file key has more than one line'],
  ['CR within', 's3cret\rX', 'the file key has more than one line'],
  ['NUL within', 's3cret\x00X', 'it holds what no header can: beyond Latin-1, or control characters'],
  ['beyond Latin-1', 's3cret→', 'it holds what no header can: beyond Latin-1, or control characters'],
])('%s is refused at its place, and nothing of it is told', (_, content, message) => {
  if (content !== null) put('key', content);
  const found = problems(SET('${file:key}'));
  expect(found).toEqual([`gateway.yaml:4:47: ${message}`]);
  expect(found.join()).not.toContain('s3cret');
});

it('what is no UTF-8, or no file, is refused at its place', () => {
  put('key', Buffer.from('s3cret\xff', 'latin1'));
  expect(problems(SET('${file:key}'))).toEqual(['gateway.yaml:4:47: the file key is not UTF-8 text']);
  expect(problems(SET('${file:routes}'))).toEqual([
    'gateway.yaml:4:47: the file routes cannot be read: it is a directory',
  ]);
});

it('elsewhere no file can be named: neither in other settings, nor through an anchor', () => {
  put('key', 'http://127.0.0.1:9');
  const elsewhere = expect.stringContaining('stands in values of "set" in headers and answerHeaders of a route alone');
  expect(problems('dialect: "${file:key}"')).toEqual([elsewhere]);
  expect(problems('headers: { remove: ["${file:key}"] }')).toEqual([elsewhere]);
  expect(problems(SET('x'), 'admin: { host: "${file:key}" }')).toEqual([elsewhere]);
  expect(problems('headers: { set: { X-Key: &a "${file:key}" } }, dialect: *a')).toEqual([elsewhere]);
});
