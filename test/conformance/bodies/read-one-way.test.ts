/** What a body says of its workspace or resource, and could say to another parser than ours. */
import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness, ROUTES } from '../harness.ts';

const body = (id: string, path: string, from: unknown, more = {}) => ({
  id,
  match: { methods: ['POST'], path },
  require: { scopes: ['bot:write'], workspace: { from, as: 'workspace', role: 'member' }, ...more },
});
const at = harness({
  routes: [
    ...ROUTES,
    body('space', '/space', 'body.space_id'),
    body('nested', '/nested', 'body.data.space_id'),
    body('either', '/either', ['query.space_id', 'body.space_id']),
    body('edit', '/edit', 'body.space_id', {
      resource: { type: 'bot', from: 'body.bot_id', relation: 'collaborator' },
    }),
  ],
});
const JSON_TYPE = 'Content-Type: application/json';
const FORM_TYPE = 'Content-Type: application/x-www-form-urlencoded';
const post = (target: string, text: string | Buffer, type = JSON_TYPE, credential = at.writer) => {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
  const head = rawRequest(`POST ${target}`, [credential, type, `Content-Length: ${bytes.length}`]);
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
};
const codeOf = (text: string | undefined) => (JSON.parse(text ?? '{}') as { code?: unknown }).code;

attack({
  name: 'a workspace in the body is judged like one anywhere else',
  outcome: 'its own workspace crosses byte for byte; another is 403, and so is one of another organization',
  sources: [],
})(() => {
  test.each([
    ['JSON', '/space', ' {"prompt": "é", "space_id": "ws_sales"}\n', JSON_TYPE],
    [
      'JSON by another name',
      '/space',
      '{"space_id":"ws_sales"}',
      'content-type: application/vnd.coze+json;charset=UTF-8',
    ],
    ['a member of a member', '/nested', '{"data":{"space_id":"ws_sales"}}', JSON_TYPE],
    ['a form', '/space', 'a=%20+&space_id=ws%5Fsales', FORM_TYPE],
    ['the same twice, in two places', '/either?space_id=ws_sales', '{"space_id":"ws_sales"}', JSON_TYPE],
    ['the first of two places', '/either?space_id=ws_sales', '{}', JSON_TYPE],
    ['the second of two places', '/either', '{"space_id":"ws_sales"}', JSON_TYPE],
  ])('%s', async (_name, target, text, type) => {
    const { response, request } = await at.passes(post(target, text, type));
    expect(response.status).toBe(200);
    expect([request.framing, Buffer.from(request.body, 'latin1').toString()]).toEqual(['length', text]);
    expect(request.header('x-scopegate-workspace')).toBe('ws_sales');
  });

  test.each([
    ['another workspace', '/space', '{"space_id":"ws_legal"}', JSON_TYPE],
    ['one that does not exist', '/space', '{"space_id":"ws_none"}', JSON_TYPE],
    ['a number, which no workspace has for an id', '/space', '{"space_id":7352}', JSON_TYPE],
    ['another workspace in a form', '/space', 'space_id=ws_legal', FORM_TYPE],
    ['with escapes', '/space', String.raw`{"\u0073pace_id":"\u0077s_legal"}`, JSON_TYPE],
  ])('%s is refused', async (_name, target, text, type) => {
    expect(codeOf((await at.refuses(post(target, text, type), 403))?.body)).toBe(4101);
  });

  test('a resource in the body is its owner’s alone', async () => {
    const text = '{"space_id":"ws_sales","bot_id":"bot_sales"}';
    await at.refuses(post('/edit', text), 403);
    await at.passes(post('/edit', text, JSON_TYPE, `Authorization: Bearer ${at.gateway.tokens.owner}`));
  });
});

attack({
  name: 'a body whose workspace two parsers would read differently has none',
  outcome: '400, and nothing crosses',
  sources: ['RFC 8259 section 4', 'RFC 7493 section 2.3'],
})(() => {
  test.each([
    ['absent', '/space', '{}'],
    ['null', '/space', '{"space_id":null}'],
    ['empty', '/space', '{"space_id":""}'],
    ['a list', '/space', '{"space_id":["ws_sales"]}'],
    ['an exponent', '/space', '{"space_id":1e3}'],
    ['a fraction', '/space', '{"space_id":1.0}'],
    ['twice', '/space', '{"space_id":"ws_sales","space_id":"ws_legal"}'],
    ['twice, in another case', '/space', '{"space_id":"ws_sales","Space_ID":"ws_legal"}'],
    ['twice, with escapes', '/space', String.raw`{"space_id":"ws_sales","\u0073pace_id":"ws_legal"}`],
    ['twice, as protobuf reads it', '/space', '{"space_id":"ws_sales","spaceId":"ws_legal"}'],
    ['in a list of objects', '/space', '[{"space_id":"ws_sales"}]'],
    ['on a way that stands twice', '/nested', '{"data":{"space_id":"ws_sales"},"data":{"space_id":"ws_legal"}}'],
    ['on a way through a list', '/nested', '{"data":[{"space_id":"ws_sales"}]}'],
    ['another one in the query', '/either?space_id=ws_sales', '{"space_id":"ws_legal"}'],
    ['null beside one in the query', '/either?space_id=ws_sales', '{"space_id":null}'],
    ['empty in the query beside it', '/either?space_id=', '{"space_id":"ws_sales"}'],
    ['in none of two places', '/either', '{}'],
  ])('%s', async (_name, target, text) => {
    expect(codeOf((await at.refuses(post(target, text), 400))?.body)).toBe(4000);
  });

  test.each([
    ['twice', '/space', 'space_id=ws_sales&space_id=ws_legal'],
    ['twice, with a bracket', '/space', 'space_id=ws_sales&space_id[]=ws_legal'],
    ['twice, as PHP reads it', '/space', 'space_id=ws_sales&space.id=ws_legal'],
    ['and another in the query', '/space?space_id=ws_legal', 'space_id=ws_sales'],
    ['and another in the query, in a second spelling', '/space?Space_id=ws_sales', 'space_id=ws_sales'],
    ['in the query alone', '/space?space_id=ws_sales', 'a=1'],
  ])('of a form: %s', async (_name, target, text) => {
    await at.refuses(post(target, text, FORM_TYPE), 400);
  });

  test('a resource that stands twice is 400, too', async () => {
    const text = '{"space_id":"ws_sales","bot_id":"bot_sales","bot_id":"bot_legal"}';
    await at.refuses(post('/edit', text, JSON_TYPE, `Authorization: Bearer ${at.gateway.tokens.owner}`), 400);
  });

  test('a request without a body says nothing by it', async () => {
    await at.refuses(rawRequest('POST /space', [at.writer, JSON_TYPE, 'Content-Length: 0']), 400);
    await at.refuses(rawRequest('POST /either', [at.writer]), 400);
    await at.passes(rawRequest('POST /either?space_id=ws_sales', [at.writer]));
  });

  test('a parameter of the query that says the same as the form crosses', async () => {
    await at.passes(post('/space?space_id=ws_sales', 'space_id=ws_sales', FORM_TYPE));
  });
});

attack({
  name: 'a body that is not plainly JSON or a form is refused, even where another place names the workspace',
  outcome: '400, or 415 where its type, charset or coding is another; nothing crosses',
  sources: ['RFC 8259 section 8.1', 'RFC 9110 section 15.5.16'],
})(() => {
  test.each<[string, string | Buffer]>([
    ['not well formed', '{"space_id":"ws_sales"'],
    ['with trailing data', '{"space_id":"ws_sales"}{"space_id":"ws_legal"}'],
    ['with a byte order mark', '\ufeff{"space_id":"ws_sales"}'],
    ['with invalid UTF-8', Buffer.from('{"space_id":"ws_sales","x":"\xff"}', 'latin1')],
    ['with half a pair of surrogates', String.raw`{"space_id":"ws_sales","x":"\ud800"}`],
    ['with a surrogate as raw bytes', Buffer.from('{"space_id":"ws_sales","x":"\xed\xa0\x80"}', 'latin1')],
    ['with a leading zero', '{"space_id":"ws_sales","x":01}'],
    ['with a comment', '{"space_id":"ws_sales"/**/}'],
    ['very deep', `{"space_id":"ws_sales","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('%s', async (_name, text) => {
    await at.refuses(post('/either?space_id=ws_sales', text), 400);
  });

  test.each([
    ['another type', 'Content-Type: text/plain'],
    ['none', 'X-Nothing: x'],
    ['another charset', 'Content-Type: application/json; charset=utf-16'],
    ['two types', 'Content-Type: application/json\r\nContent-Type: application/json'],
    ['a second spelling of its type', 'Content-Type: application/json\r\nContent_Type: text/plain'],
    ['a type that Connection drops', 'Content-Type: application/json\r\nConnection: content-type'],
    ['gzip', 'Content-Type: application/json\r\nContent-Encoding: gzip'],
    ['several parts', 'Content-Type: multipart/form-data; boundary=x'],
  ])('%s', async (_name, lines) => {
    const refused = await at.refuses(post('/either?space_id=ws_sales', '{"space_id":"ws_sales"}', lines), 415);
    expect(codeOf(refused?.body)).toBe(4000);
  });
});
