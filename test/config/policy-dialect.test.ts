/** A dialect of one's own is refused when the gateway could not send it: no refusal may fail at the moment it is needed. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadPolicy } from '../../src/config/load/load-policy.ts';

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
