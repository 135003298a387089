/** Which headers cross, as texts: what the upstream reads as ours is ours, whatever the client wrote. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForgery } from '../../src/core/field-names.ts';
import {
  interimHeaders,
  requestHeaderLines,
  responseHeaders,
  responseTrailers,
  trailerLines,
} from '../../src/edge/forward/headers.ts';

const CONTEXT = {
  ...{
    requestId: 'ID',
    decisionId: 'DECISION',
    peerAddress: '192.0.2.1',
    encrypted: true,
    host: 'api.test',
    protocol: '1.1',
    viaName: 'here',
  },
  ...{ trusted: false, forwardAuthorization: false, identityLines: 'X-Scopegate-Role: member\r\n' },
};
const OURS = [
  'Via: 1.1 here',
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: api.test',
  'X-Request-Id: ID',
  'X-Scopegate-Decision-Id: DECISION',
  'X-Scopegate-Role: member',
];
const lines = (raw: readonly string[], more: Partial<typeof CONTEXT> = {}) =>
  requestHeaderLines(raw, { ...CONTEXT, ...more })
    .split('\r\n')
    .slice(0, -1);

describe('towards the upstream', () => {
  it('what means nothing to us crosses as it came, and ours come last', () => {
    const raw = ['b', '1', 'A', '2', 'b', '3', 'Content-Type', 'ä'];
    expect(lines(raw)).toEqual(['b: 1', 'A: 2', 'b: 3', 'Content-Type: ä', ...OURS]);
  });

  it.each([
    ['the token', ['Authorization', 'Bearer a', 'AUTHORIZATION_', 'x', 'Proxy-Authorization', 'x']],
    ['identities', ['X-Scopegate-Role', 'admin', 'x_scopegate.anything', 'y']],
    ['framing and host', ['Host', 'a', 'Content-Length', '1', 'Transfer-Encoding', 'chunked', 'Trailer', 'x']],
    ['hop by hop', ['Keep-Alive', '1', 'TE', 'trailers', 'Upgrade', 'x', 'Proxy-Connection', 'x', 'Expect', 'x']],
    ['other requests', ['X-Original-URL', '/x', 'X-HTTP-Method-Override', 'PUT', 'x_rewrite_url', '/x']],
    ['addresses', ['Forwarded', 'for=6.6.6.6', 'X-Real-IP', '6.6.6.6', 'CF-Connecting-IP', '6.6.6.6']],
    ['forwarding', ['X-Forwarded-For', '6.6.6.6', 'X-Forwarded-Host', 'evil', 'X-Forwarded-Port', '1']],
    ['the request id', ['X-Request-Id', 'forged']],
  ])('%s of a client do not cross', (_, raw) => {
    const kept = lines(raw).filter((line) => !line.startsWith('AUTHORIZATION_'));
    expect(kept).toEqual(OURS);
  });

  it('Connection takes away what it names, but nothing of ours and nothing that frames', () => {
    const named = 'x-mine, X-Scopegate-Role, via, x-forwarded-for, content-length';
    expect(lines(['Connection', named, 'X-Mine', '1', 'X-Other', '2'])).toEqual(['X-Other: 2', ...OURS]);
  });

  it('a trusted proxy is appended to; Via always is', () => {
    const raw = [
      'X-Forwarded-For',
      '6.6.6.6',
      'X-Forwarded-Proto',
      'http',
      'X-Forwarded-Host',
      'front',
      'Via',
      '1.0 a',
    ];
    expect(lines(raw, { trusted: true, peerAddress: '::ffff:10.9.0.1' }).slice(0, 4)).toEqual([
      'Via: 1.0 a, 1.1 here',
      'X-Forwarded-For: 6.6.6.6, 10.9.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: front',
    ]);
  });

  it('a route may let the token through', () => {
    expect(lines(['Authorization', 'Bearer a'], { forwardAuthorization: true })[0]).toBe('Authorization: Bearer a');
  });

  it('no spelling of an identity crosses', () => {
    const spelled = fc.array(fc.constantFrom('-', '_', '.'), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(spelled, fc.boolean(), ([first, second], upper) => {
        const name = `x${first}scopegate${second}subject`;
        const cased = upper ? name.toUpperCase() : name;
        expect(isForgery(cased)).toBe(true);
        expect(lines([cased, 'forged'])).toEqual(OURS);
      }),
    );
  });
});

describe('towards the client', () => {
  it('framing is ours, and what Connection names stays behind', () => {
    const raw = ['Content-Length', '9', 'Connection', 'x-a', 'X-A', '1', 'Set-Cookie', 'a', 'Set-Cookie', 'b'];
    const common = ['Set-Cookie', 'a', 'Set-Cookie', 'b'];
    const last = ['Via', '1.1 scopegate', 'X-Request-Id', 'ID', 'X-Scopegate-Decision-Id', 'DECISION'];
    const ids = { requestId: 'ID', decisionId: 'DECISION' };
    expect(responseHeaders(raw, 9, ids)).toEqual([...common, 'Content-Length', '9', ...last]);
    expect(responseHeaders(raw, -1, ids)).toEqual([...common, ...last]);
  });

  it('trailers neither frame nor identify, in either direction', () => {
    expect(trailerLines(['X-Sum', '1', 'X-Scopegate-Role', 'admin', 'X-Judged', '2'], ['x-judged', '1'])).toBe(
      'X-Sum: 1\r\n',
    );
    expect(responseTrailers(['X-Sum', '1', 'Content-Length', '2', 'Via', 'x'])).toEqual(['X-Sum', '1']);
  });

  it('early hints are links, in plain characters', () => {
    const raw = ['Link', '</a>', 'X-Other', '1', 'Link', 'ä'];
    expect(interimHeaders(103, raw)).toEqual(['Link', '</a>']);
    expect(interimHeaders(102, raw)).toEqual(['Link', '</a>', 'X-Other', '1']);
  });
});
