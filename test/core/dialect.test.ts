/** How a refusal looks: bodies and headers to the byte, for the dialects that ship. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { BUILT_IN_DIALECTS, compileDialect, type DialectSource, unknownPlaceholders } from '../../src/core/dialect.ts';
import { REASON_NAMES, REASONS, type Reason } from '../../src/core/reason.ts';
import { assertForSeeds } from '../support/chance.ts';

const coze = loadPolicy(fileURLToPath(new URL('../../policies/coze.yaml', import.meta.url)), {}).policy!.dialect;
const problem = compileDialect(BUILT_IN_DIALECTS.problem);
const oauth = compileDialect(BUILT_IN_DIALECTS.oauth);
const requestId = '01JABCDEF';

function headersOf(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    expect(headers, 'every header once').not.toHaveProperty([raw[index]!.toLowerCase()]);
    headers[raw[index]!.toLowerCase()] = raw[index + 1]!;
  }
  return headers;
}

describe('as lines that are ready for the wire', () => {
  const all = [coze, problem, oauth].flatMap((dialect) => REASON_NAMES.map((reason) => ({ dialect, reason })));
  const varying = [
    {},
    { scopes: 'workflows:read workflows:write' },
    { allow: ['GET', 'HEAD'] },
    { allow: [] },
    { retryAfterSeconds: 7 },
    { scopes: 'a:b', retryAfterSeconds: 8 },
  ];

  it.each(varying)('every reason says the same as in pairs: %j', (more) => {
    for (const { dialect, reason } of all)
      for (const id of [requestId, '01KBE7ZQ0000000000000000ZZ', 'odd "\u00e4\u{1f600}\n']) {
        const { headers, ...said } = dialect.render(reason, { requestId: id, ...more });
        const { lines, ...same } = dialect.renderLines(reason, { requestId: id, ...more });
        expect(same).toEqual(said);
        const told: string[] = [];
        for (let at = 0; at < headers.length; at += 2) told.push(`${headers[at]}: ${headers[at + 1]}\r\n`);
        expect(lines.split(/(?<=\r\n)(?!$)/).sort()).toEqual(told.sort());
      }
  });
});

describe('coze', () => {
  const table: Record<Reason, [number, number]> = {
    bad_request: [400, 4000],
    route_not_found: [404, 4200],
    method_not_allowed: [405, 4000],
    token_missing: [401, 4100],
    token_malformed: [401, 4100],
    token_unknown: [401, 4100],
    token_inactive: [401, 4100],
    owner_removed: [401, 4100],
    ownership_transferred: [401, 4100],
    token_expired: [401, 4100],
    address_not_allowed: [403, 4101],
    version_not_supported: [403, 4101],
    scope_missing: [403, 4101],
    body_too_large: [413, 4000],
    body_unreadable: [400, 4000],
    body_timeout: [408, 4000],
    workspace_ambiguous: [400, 4000],
    workspace_not_granted: [403, 4101],
    environment_not_granted: [403, 4101],
    role_insufficient: [403, 4101],
    not_a_collaborator: [403, 4101],
    rate_limited: [429, 4013],
    store_unavailable: [503, 5031],
    upstream_unreachable: [502, 5020],
    upstream_timeout: [504, 5040],
    loop_detected: [508, 5080],
    overloaded: [503, 5030],
  };

  it.each(Object.entries(table))('%s answers %j', (reason, [status, code]) => {
    const refusal = coze.render(reason as Reason, { requestId });
    const body = JSON.parse(refusal.body) as { code: number; msg: string; detail: { logid: string } };
    expect(refusal.status).toBe(status);
    expect(body).toEqual({ code, msg: expect.stringMatching(/\w/) as string, detail: { logid: requestId } });
    expect(Object.keys(body)).toEqual(['code', 'msg', 'detail']);
    expect(headersOf(refusal.headers)).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(refusal.body)),
      'cache-control': 'no-store',
      'x-request-id': requestId,
      'x-tt-logid': requestId,
    });
  });

  it('names a missing scope, to the byte', () => {
    expect(coze.render('scope_missing', { requestId, decisionId: 'D', scopes: 'workflows:write' })).toEqual({
      status: 403,
      code: 4101,
      headers: [
        'Content-Type',
        'application/json',
        'Content-Length',
        '105',
        'Cache-Control',
        'no-store',
        'X-Request-Id',
        requestId,
        'WWW-Authenticate',
        'Bearer realm="scopegate", error="insufficient_scope", scope="workflows:write"',
        'X-Accepted-Scopes',
        'workflows:write',
        'x-tt-logid',
        requestId,
        'X-Scopegate-Decision-Id',
        'D',
      ],
      body: '{"code":4101,"msg":"The token lacks a permission that this API requires.","detail":{"logid":"01JABCDEF"}}',
    });
  });

  it('never says 4100 or 4101, which make clients throw their token away, for a fault of ours', () => {
    for (const reason of REASON_NAMES.filter((name) => REASONS[name].blame !== 'client'))
      expect(coze.render(reason, { requestId }).body).not.toMatch(/"code":41/);
  });

  it('does not tell an unknown token from an inactive one', () => {
    const [unknown, ...others] = (
      ['token_unknown', 'token_inactive', 'owner_removed', 'ownership_transferred', 'token_malformed'] as const
    ).map((reason) => coze.render(reason, { requestId }));
    for (const other of others) expect(other).toEqual(unknown);
  });
});

it('openai tells its clients not to ask again what the upstream may still be at work on, and only that', () => {
  const openai = compileDialect(BUILT_IN_DIALECTS.openai);
  const told = REASON_NAMES.filter(
    (reason) => headersOf(openai.render(reason, { requestId }).headers)['x-should-retry'],
  );
  expect(told).toEqual(['upstream_timeout']);
});

describe.each([
  ['coze', coze],
  ['problem', problem],
  ['oauth', oauth],
])('%s', (_name, dialect) => {
  it('challenges every 401 and a missing scope, and nothing else', () => {
    for (const reason of REASON_NAMES) {
      const { status, headers } = dialect.render(reason, { requestId });
      const challenge = headersOf(headers)['www-authenticate'];
      expect(challenge !== undefined, reason).toBe(status === 401 || reason === 'scope_missing');
    }
    const challengeOf = (reason: Reason) =>
      headersOf(dialect.render(reason, { requestId }).headers)['www-authenticate'];
    expect(challengeOf('token_missing')).toBe('Bearer realm="scopegate"');
    expect(challengeOf('token_expired')).toBe('Bearer realm="scopegate", error="invalid_token"');
    expect(challengeOf('token_malformed')).toBe('Bearer realm="scopegate", error="invalid_token"');
  });

  it('challenges by Basic, too, where the route takes it, and by nothing else where it takes nothing else', () => {
    const challenges = (reason: Reason, basicAlone: boolean) =>
      dialect
        .render(reason, { requestId, basicRealm: 'r', basicAlone })
        .headers.filter((_, at, all) => all[at - 1] === 'WWW-Authenticate');
    const basic = 'Basic realm="r", charset="UTF-8"';
    expect(challenges('token_missing', false)).toEqual([basic, 'Bearer realm="scopegate"']);
    expect(challenges('token_missing', true)).toEqual([basic]);
    expect(challenges('scope_missing', true)).toEqual([]);
  });

  it('names the methods that would be allowed', () => {
    const { headers } = dialect.render('method_not_allowed', { requestId, allow: ['GET', 'HEAD'] });
    expect(headersOf(headers).allow).toBe('GET, HEAD');
  });

  it('says when to come back after a fault that passes', () => {
    for (const reason of ['store_unavailable', 'overloaded', 'rate_limited'] as const)
      expect(headersOf(dialect.render(reason, { requestId }).headers)['retry-after']).toBe('1');
    expect(headersOf(dialect.render('token_expired', { requestId }).headers)).not.toHaveProperty('retry-after');
  });
});

it('problem is RFC 9457', () => {
  const refusal = problem.render('role_insufficient', { requestId });
  expect(refusal.status).toBe(403);
  expect(headersOf(refusal.headers)['content-type']).toBe('application/problem+json');
  expect(refusal.body).toBe(
    '{"type":"about:blank","title":"The role in this workspace is too low.","status":403,"code":"role_insufficient","requestId":"01JABCDEF"}',
  );
});

it.each([
  ['token_missing', 401, 'invalid_token'],
  ['token_unknown', 401, 'invalid_token'],
  ['token_expired', 401, 'invalid_token'],
  ['scope_missing', 403, 'insufficient_scope'],
  ['role_insufficient', 403, 'access_denied'],
  ['workspace_not_granted', 403, 'access_denied'],
  ['bad_request', 400, 'invalid_request'],
  ['workspace_ambiguous', 400, 'invalid_request'],
  ['store_unavailable', 503, 'temporarily_unavailable'],
] as const)('oauth is RFC 6750: %s', (reason, status, error) => {
  const refusal = oauth.render(reason, { requestId });
  expect(refusal.status).toBe(status);
  expect(JSON.parse(refusal.body)).toEqual({ error, error_description: REASONS[reason].text });
});

describe('a dialect of one’s own', () => {
  const rows = Object.fromEntries(
    REASON_NAMES.map((reason) => [reason, { status: 403, code: 'C', message: 'a "quoted" {code}, é' }]),
  ) as DialectSource['reasons'];
  const source = (body: DialectSource['body'], headers: DialectSource['headers'] = {}): DialectSource => ({
    contentType: 'application/json',
    headers,
    body,
    reasons: rows,
  });
  const bodyOf = (body: DialectSource['body'], context = { requestId }) =>
    JSON.parse(compileDialect(source(body)).render('token_inactive', context).body) as unknown;

  it('keeps the shape of its template', () => {
    expect(bodyOf({ success: false, errors: ['Forbidden'], data: null, n: 1.5, deep: [{ x: '{status}' }] })).toEqual({
      success: false,
      errors: ['Forbidden'],
      data: null,
      n: 1.5,
      deep: [{ x: 403 }],
    });
  });

  it('keeps a number a number, and puts words into texts', () => {
    expect(bodyOf({ whole: '{status}', part: 's{status}', reason: '{reason}', code: '{code}{code}' })).toEqual({
      whole: 403,
      part: 's403',
      reason: 'token_inactive',
      code: 'CC',
    });
  });

  it('fills a hole once: what a message holds is not filled again', () => {
    expect(bodyOf({ m: '{message}' })).toEqual({ m: 'a "quoted" {code}, é' });
  });

  it('may give another status to a bad token, and then challenges nobody', () => {
    const refusal = compileDialect(source({})).render('token_inactive', { requestId });
    expect(refusal.status).toBe(403);
    expect(headersOf(refusal.headers)).not.toHaveProperty('www-authenticate');
  });

  it('fills its headers too', () => {
    const dialect = compileDialect(source({}, { 'X-Why': '{reason} {status} {requestId}', 'X-Scopes': '{scopes}' }));
    expect(headersOf(dialect.render('scope_missing', { requestId, scopes: 'a:read b:read' }).headers)).toMatchObject({
      'x-why': 'scope_missing 403 01JABCDEF',
      'x-scopes': 'a:read b:read',
    });
  });

  it('is told of words that mean nothing', () => {
    expect(unknownPlaceholders('{code} {mesage} {logid} {x_y} {}')).toEqual(['mesage', 'logid']);
  });

  it('stays JSON of the right length whatever the request is called', async () => {
    const dialect = compileDialect(source({ id: '{requestId}', text: 'id {requestId}.', scopes: '{scopes}' }));
    await assertForSeeds(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (id, scopes) => {
        const { body, headers } = dialect.render('scope_missing', { requestId: id, scopes });
        expect(JSON.parse(body)).toEqual({ id, text: `id ${id}.`, scopes });
        expect(headers[headers.indexOf('Content-Length') + 1]).toBe(String(Buffer.byteLength(body)));
      }),
    );
  });
});

it('a reason of two statuses has both, unless the dialect says its own', () => {
  const problem = compileDialect(BUILT_IN_DIALECTS.problem);
  const seen = problem.render('body_unreadable', { requestId, status: 415 });
  expect([seen.status, JSON.parse(seen.body)]).toMatchObject([415, { status: 415, code: 'body_unreadable' }]);
  expect(problem.renderLines('body_unreadable', { requestId, status: 415 }).status).toBe(415);
  expect(problem.render('body_unreadable', { requestId }).status).toBe(400);
  const reasons = { ...BUILT_IN_DIALECTS.problem.reasons, body_unreadable: { status: 422, code: 'x', message: 'x' } };
  const own = compileDialect({ ...BUILT_IN_DIALECTS.problem, reasons });
  expect(own.render('body_unreadable', { requestId, status: 415 }).status).toBe(422);
});
