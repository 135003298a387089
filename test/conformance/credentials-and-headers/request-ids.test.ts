/** By what name a request goes on: `X-Request-Id`, and the id of the decision. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../../support/raw.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
let behind: TestGateway;
beforeAll(async () => {
  behind = await at.start({ settings: { gateway: { trustedProxies: ['127.0.0.1'] } } });
});
afterAll(() => behind.stop());

const OURS = /^[0-9A-Z]{26}$/;
const named = (name: string) => [`X-Request-Id: ${name}`];
const LONGEST = 'aZ0._-'.repeat(22).slice(0, 128);

/** What client and upstream are told, in that order. The upstream is told of the decision by the request's id, where they are one. */
async function ids(url: string, line: string, lines: readonly string[]) {
  const [answer, request] = await askOnce(url, at.upstream, line, lines);
  const asked = request === null ? [] : [request.header('x-request-id')];
  const decided = request === null ? [] : [request.header('x-scopegate-decision-id') ?? asked[0]];
  return {
    status: answer.status,
    request: [answer.header('x-request-id'), ...asked],
    decision: [answer.header('x-scopegate-decision-id'), ...decided],
  };
}

attack({
  name: 'nobody but a trusted proxy names a request, and nobody names a decision',
  outcome: 'the request goes on under an id of ours; what the client sent is gone, in every spelling',
  sources: ['CWE-117', 'CWE-348'],
})(() => {
  test.each([
    named('forged'),
    named(LONGEST),
    ['x-request-id: forged'],
    ['X_Request_Id: forged'],
    ['X-Scopegate-Decision-Id: forged'],
    ['X_Scopegate_Decision_Id: forged', 'x-scopegate-decision-id: forged'],
    ['Connection: X-Request-Id, X-Scopegate-Decision-Id'],
  ])('a client, %j', async (...lines) => {
    const { response, request } = await at.passes(rawRequest('GET /public/x', lines.flat()));
    const told = [response.header('x-request-id'), response.header('x-scopegate-decision-id')];
    expect(told).toEqual([expect.stringMatching(OURS), told[0]]);
    expect(request.header('x-request-id')).toBe(told[0]);
    expect(request.header('x-scopegate-decision-id'), 'where it is another').toBeUndefined();
    expect(request.text).not.toMatch(/forged|aZ0\._-/);
  });

  test('a client that is refused', async () => {
    const response = (await at.refuses(rawRequest('GET /files/x', named('forged')), 401))!;
    expect(response.header('x-request-id')).toMatch(OURS);
    expect(response.header('x-scopegate-decision-id')).toBe(response.header('x-request-id'));
  });

  test('behind a trusted proxy the decision is still ours to name', async () => {
    const { request, decision } = await ids(behind.url, 'GET /public/x', [
      ...named('from-the-proxy'),
      'X-Scopegate-Decision-Id: forged',
    ]);
    expect(request).toEqual(['from-the-proxy', 'from-the-proxy']);
    expect(decision).toEqual([expect.stringMatching(OURS), decision[0]]);
  });
});

attack({
  name: 'the id of a trusted proxy is an id and nothing else',
  outcome: 'letters, digits, dot, underline and hyphen, 128 at most, are kept; anything else gives way to ours',
  sources: ['CWE-117', 'CWE-93'],
})(() => {
  test.each(['a', '0af7651916cd43dd8448eb211c80319c', LONGEST, '..', '__proto__'])('%s is kept', async (name) => {
    const { status, request } = await ids(behind.url, 'GET /public/x', named(name));
    expect([status, ...request]).toEqual([200, name, name]);
  });

  test.each([
    [named('')],
    [named(`${LONGEST}a`)],
    [named('a b')],
    [named('a,b')],
    [named('a"b')],
    [named('a\tb')],
    [named('a/../b')],
    [named('<script>')],
    [named('{"a":1}')],
    [named('%0d%0aSet-Cookie')],
    [named('\xe4\xf6')],
    [[...named('one'), ...named('two')]],
    [[...named('same'), ...named('same')]],
    [['X_Request_Id: one']],
    [['X.Request.Id: one']],
  ])('%j is not', async (lines) => {
    const { status, request, decision } = await ids(behind.url, 'GET /public/x', lines);
    expect([status, request]).toEqual([200, [expect.stringMatching(OURS), request[0]]]);
    expect(decision).toEqual(request);
  });

  test.each(['a\x00b', 'a\x0bb', 'a\x7fb'])('%j is no header, and refused', async (name) => {
    using client = await RawClient.connect(behind.url);
    const { status } = await client.send(rawRequest('GET /public/x', named(name))).response();
    expect([status, at.upstream.requests]).toEqual([400, []]);
  });

  test('it is in the body of a refusal as in its header', async () => {
    const answer = await ask(behind.url, rawRequest('GET /files/x', named('from-the-proxy')));
    expect([answer.status, answer.header('x-request-id')]).toEqual([401, 'from-the-proxy']);
    expect(JSON.parse(answer.body).detail.logid).toBe('from-the-proxy');
    expect(answer.header('x-scopegate-decision-id')).toMatch(OURS);
  });
});

attack({
  name: 'an upstream gives no answer the id of another request',
  outcome: 'its own reaches the client as X-Upstream-Request-Id, beside ours; what it calls our decision is gone',
  sources: ['CWE-345'],
})(() => {
  const answering = async (...lines: string[]) => {
    at.upstream.reply = () => `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
    return (await at.passes(rawRequest('GET /public/x'))).response;
  };
  const all = (response: Awaited<ReturnType<typeof answering>>, name: string) =>
    response.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);

  test.each([
    [['X-Request-Id: theirs', 'X-Scopegate-Decision-Id: theirs']],
    [['x-request-id: theirs', 'X-Request-Id: more', 'x-scopegate-decision-id: a', 'X-Scopegate-Decision-Id: b']],
    // Then each header is looked at by itself.
    [['Connection: X-Other', 'X-Request-Id: theirs', 'X-Scopegate-Decision-Id: theirs']],
  ])('%j', async (lines) => {
    const response = await answering(...lines);
    expect(all(response, 'x-request-id')).toEqual([expect.stringMatching(OURS)]);
    expect(all(response, 'x-scopegate-decision-id')).toEqual(all(response, 'x-request-id'));
    expect(all(response, 'x-upstream-request-id')).toEqual(['theirs']);
  });

  test('one that repeats ours says nothing new', async () => {
    at.upstream.reply = (request) =>
      `HTTP/1.1 200 OK\r\nX-Request-Id: ${request.header('x-request-id')}\r\nContent-Length: 0\r\n\r\n`;
    const { response } = await at.passes(rawRequest('GET /public/x'));
    expect(all(response, 'x-upstream-request-id')).toEqual([]);
  });
});
