/** A dialect of one's own is refused when the gateway could not send it: no refusal may fail at the moment it is needed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import type { Reason } from '../../src/core/reason.ts';

const coze = parse(readFileSync('policies/coze.yaml', 'utf8'));

function problems(change: object): string[] {
  const text = JSON.stringify({ ...coze, dialect: { ...coze.dialect, ...change } });
  return loadPolicy('policy.yaml', {}, () => Buffer.from(text)).file.problems.map(({ message }) => message);
}

const inChinese = { ...coze.dialect.reasons, token_expired: { status: 401, code: 4101, message: '令牌已过期' } };

it('what a body may say, a header may not', () => {
  expect(problems({ reasons: inChinese })).toEqual([]);
  expect(
    problems({ reasons: inChinese, headers: { 'X-Why': 'so: {message}', 'X-Code': '{code} é {requestId}' } }),
  ).toEqual(['with the row of "token_expired" it holds what no header can: beyond Latin-1, or control characters']);
  expect(problems({ headers: { 'X-Why': 'a\r\nSet-Cookie: b' } })).toHaveLength(1);
});

it.each(['Content-Length', 'transfer-encoding', 'Connection', 'Content-Type'])(
  '%s is not a dialect’s to set',
  (name) => {
    expect(problems({ headers: { [name]: '1' } })).toEqual([`${name} is the gateway's to set`]);
  },
);

it.each(['application/json', 'application/problem+json; charset=utf-8', 'text/plain;charset=utf-8'])(
  '%s is a media type',
  (contentType) => {
    expect(problems({ contentType })).toEqual([]);
  },
);

it.each(['', 'json', 'application/json\r\nX: y', 'application/json; é', 'application/ json'])(
  '%j is no media type',
  (contentType) => {
    expect(problems({ contentType })).toEqual(['must be a media type such as application/json']);
  },
);

/** Contract 8.4. */
describe('further dialects, for routes that name them', () => {
  const load = (change: object) =>
    loadPolicy('policy.yaml', {}, () => Buffer.from(JSON.stringify({ ...coze, ...change })));
  const told = (change: object) => load(change).file.problems.map(({ message }) => message);
  const rendered = (name: string, reason: Reason, dialects: object = {}) => {
    const { status, body, headers } = load({ dialects })
      .policy!.dialects.get(name)!
      .render(reason, { requestId: 'id' });
    return { status, body: JSON.parse(body) as unknown, type: headers[headers.indexOf('Content-Type') + 1] };
  };

  it('three are built in', () => {
    expect(rendered('problem', 'scope_missing').type).toBe('application/problem+json');
    expect(rendered('oauth', 'token_expired').body).toMatchObject({ error: 'invalid_token' });
    expect(rendered('openai', 'token_unknown')).toEqual({
      status: 401,
      body: {
        error: {
          message: 'The token is invalid.',
          type: 'authentication_error',
          code: 'invalid_api_key',
          param: null,
        },
      },
      type: 'application/json',
    });
    expect(rendered('openai', 'rate_limited').body).toMatchObject({ error: { type: 'rate_limit_error' } });
    expect(rendered('openai', 'scope_missing').body).toMatchObject({ error: { type: 'permission_error' } });
    expect(rendered('openai', 'overloaded').body).toMatchObject({
      error: { type: 'server_error', code: 'overloaded' },
    });
  });

  it('one of the policy’s own says what differs from the one that it extends', () => {
    const dialects = {
      partner: {
        extends: 'openai',
        headers: { 'x-partner': '{requestId}' },
        reasons: { scope_missing: { status: 404, code: 'not_found', message: 'Nothing here.', type: 'hidden' } },
      },
    };
    expect(rendered('partner', 'scope_missing', dialects)).toMatchObject({
      status: 404,
      body: { error: { message: 'Nothing here.', type: 'hidden', code: 'not_found', param: null } },
    });
    expect(rendered('partner', 'token_missing', dialects).body).toMatchObject({ error: { code: 'invalid_api_key' } });
  });

  it('a reason without a row has the status of problem, its name as code, and the look of its dialect', () => {
    const dialects = { own: { body: { kind: '{type}', why: '{code}', text: '{message}' } } };
    expect(rendered('own', 'rate_limited', dialects)).toEqual({
      status: 429,
      body: { kind: 'rate_limited', why: 'rate_limited', text: 'Too many requests.' },
      type: 'application/json',
    });
    const { reasons: _, ...look } = coze.dialect;
    const { policy } = load({ dialect: look });
    expect(policy!.dialect.render('upstream_timeout', { requestId: 'id' })).toMatchObject({
      status: 504,
      code: 'upstream_timeout',
    });
  });

  it('the policy may name one of them for everything', () => {
    expect(load({ dialect: 'openai' }).policy).toMatchObject({ dialectName: 'openai' });
    const own = { dialect: 'own', dialects: { own: { extends: 'oauth' } } };
    expect(load(own).policy!.dialect.render('token_missing', { requestId: 'id' }).body).toContain('"error"');
  });

  it.each([
    [{ dialect: 'opanai' }, 'there is no dialect "opanai"; did you mean "openai"?'],
    [{ dialects: { own: {} } }, 'missing key "body", or "extends" with a dialect that has one'],
    [{ dialects: { problem: { extends: 'oauth' } } }, '"problem" is built in; give it another name'],
    [{ dialects: { own: { extends: 'oauht' } } }, 'must be one of: problem, oauth, openai, found "oauht"'],
    [{ dialects: { own: { body: { a: '{cod}' } } } }, 'unknown placeholder {cod}'],
    [{ dialects: { own: { extends: 'oauth', headers: { Connection: 'x' } } } }, "Connection is the gateway's to set"],
  ])('%j is told', (change, message) => {
    expect(told(change)).toEqual([message]);
  });
});
