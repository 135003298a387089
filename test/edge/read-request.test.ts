/** Steps 1 to 3 as the one function that requests and re-judged streams share. */
import { describe, expect, it } from 'vitest';
import { RouteTable } from '../../src/core/route-table.ts';
import { readTemplate } from '../../src/core/template.ts';
import { type IncomingRequest, readRequest } from '../../src/edge/read-request.ts';
import { hashToken } from '../../src/secret.ts';
import { networks, route } from './harness.ts';

const routes = new RouteTable({ caseSensitive: true, ignoreTrailingSlash: false });
for (const each of [
  route('read', '/bots/{id}', { methods: ['GET'] }),
  route('public', '/public', { requirement: null }),
  route('office', '/office', { requirement: null, allowFrom: networks('10.0.0.0/8') }),
]) {
  const read = readTemplate(each.template);
  if (read.ok) routes.add(each, read.segments);
}
const rules = { routes, isTrustedProxy: (address: string) => address === '10.9.0.1' };
const request = (line: string, more: Partial<IncomingRequest> = {}): IncomingRequest => {
  const [method, target] = line.split(' ') as [string, string];
  return { method, target, minorVersion: 1, headers: ['Host', 'h'], peerAddress: '192.0.2.1', ...more };
};
const read = (line: string, more: Partial<IncomingRequest> = {}) => readRequest(request(line, more), rules);

describe('a request that may be judged', () => {
  it('is a question about the token, from the segments and the query that are sent', () => {
    const reading = read('GET /bots/%62?x=1', { headers: ['Host', 'h', 'Authorization', 'Bearer a'] });
    expect(reading).toMatchObject({ refused: null, token: 'a', route: { id: 'read' } });
    expect(reading.question).toMatchObject({ hash: hashToken('a'), requirement: reading.route!.requirement });
    const { segments, query, headers, address } = reading.question!.source;
    expect([segments, query, headers.length, address]).toEqual([['bots', 'b'], '?x=1', 4, '192.0.2.1']);
  });

  it('asks nothing of anybody on a public route', () => {
    expect(read('GET /public')).toMatchObject({ refused: null, question: null, route: { id: 'public' } });
  });
});

describe('a request that may not', () => {
  it.each([
    ['POST /bots/1', {}, { reason: 'method_not_allowed', allow: ['GET', 'HEAD'] }, '/bots/1', null],
    ['GET /nowhere', {}, { reason: 'route_not_found' }, '/nowhere', null],
    ['GET /bots/1', {}, { reason: 'token_missing' }, '/bots/1', 'read'],
    ['GET /office', {}, { reason: 'address_not_allowed' }, '/office', 'office'],
    ['GET /bots/..', {}, { reason: 'bad_request' }, '', null],
    ['GET /public', { minorVersion: -1 }, { reason: 'bad_request' }, '', null],
    ['GET /public', { headers: [] }, { reason: 'bad_request' }, '', null],
    ["GET /public?it's", { upgrade: true }, { reason: 'bad_request' }, '', null],
  ] as const)('%s: %j', (line, more, refused, path, id) => {
    const reading = read(line, more);
    expect(reading.refused).toMatchObject({ kind: 'refused', ...refused });
    expect([reading.target.path, reading.route?.id ?? null, reading.question]).toEqual([path, id, null]);
  });
});

describe('whose request it is', () => {
  it.each([
    ['10.1.2.3', [], {}, '10.1.2.3'],
    ['192.0.2.1', ['X-Forwarded-For', '10.1.2.3'], {}, '192.0.2.1'],
    ['10.9.0.1', ['X-Forwarded-For', '10.1.2.3'], {}, '10.1.2.3'],
    ['10.9.0.1', ['X-Forwarded-For', '203.0.113.9'], {}, '203.0.113.9'],
    ['10.9.0.1', [], {}, null],
    ['10.1.2.3', [], { isClientUnknown: true }, null],
    ['', [], {}, null],
  ] as const)('from %s with %j %j: %s', (peerAddress, headers, more, address) => {
    const reading = read('GET /office', { peerAddress, headers: ['Host', 'h', ...headers], ...more });
    expect(reading.address).toBe(address);
    const isInside = address?.startsWith('10.') === true;
    expect(reading.refused?.reason ?? 'none').toBe(isInside ? 'none' : 'address_not_allowed');
  });
});
