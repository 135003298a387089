/** What a route may change on the way, and what is told of the rest (contract 8.1). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-edits-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is said of the route stands in line 3, from column 12 on. */
function load(said: string, path = '/npm/**') {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `policy: ${join(ROOT, 'policies/coze.yaml')}
upstreams: { a: { targets: ["http://127.0.0.1:9000"] } }
routes: [{ ${said}, id: x, match: { path: "${path}" }, public: true, upstream: a }]
`,
  );
  const match = loadGateway(file, { KEY: 's3cr\r\net' }).routes.match('', 'GET', ['npm', 'x']);
  if (match.kind !== 'route') throw new Error('no route');
  return match.route;
}

function problems(said: string, path?: string): string[] {
  try {
    load(said, path);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${folder}/gateway.yaml:`, ''));
  }
}

it('a route that changes nothing has nothing to do', () => {
  expect(load('forwardAuthorization: true')).toMatchObject({ requestEdits: null, answerEdits: null, rewrite: null });
});

describe('headers', () => {
  it('are set and removed in every spelling', () => {
    expect(load('headers: { set: { Authorization: "Bearer k", X-A: b }, remove: [Cookie] }').requestEdits).toEqual({
      removed: new Set(['authorization', 'x-a', 'cookie']),
      lines: 'Authorization: Bearer k\r\nX-A: b\r\n',
    });
    expect(load('answerHeaders: { set: { X-A: b }, remove: [Server] }').answerEdits).toEqual({
      removed: new Set(['x-a', 'server']),
      added: ['X-A', 'b'],
      cors: null,
    });
  });

  it.each([
    'Host',
    'Content-Length',
    'transfer_encoding',
    'Connection',
    'TE',
    'Upgrade',
    'Trailer',
    'Via',
    'X-Scopegate-Role',
    'x_scopegate_role',
    'Proxy-Authorization',
  ])('%s is not a route’s', (name) => {
    for (const section of ['headers', 'answerHeaders']) {
      expect(problems(`${section}: { set: { ${name}: x } }`)).toEqual([
        expect.stringMatching(`^3:\\d+: ${name} is the gateway's to write$`),
      ]);
      expect(problems(`${section}: { remove: [${name}] }`)).toEqual([
        expect.stringMatching(`^3:\\d+: ${name} is the gateway's to write$`),
      ]);
    }
  });

  it('cannot hold what no header can, and a secret is not told', () => {
    const told = problems(`headers: { set: { X-Key: "\${KEY}" } }`);
    expect(told).toEqual(['3:37: it holds what no header can: beyond Latin-1, or control characters']);
    expect(problems('headers: { set: { "X Key": a } }')).toEqual([
      expect.stringContaining('must be the name of a header'),
    ]);
    expect(problems('headers: { set: { X-A: a }, remove: [x_a] }')).toEqual([
      '3:49: x_a already stands here, in some spelling',
    ]);
  });

  it('Authorization is either the client’s or the route’s', () => {
    expect(problems('headers: { set: { Authorization: a } }, forwardAuthorization: true')).toEqual([
      '3:21: forwardAuthorization passes on the Authorization of the client: drop one of the two',
    ]);
  });
});

describe('rewrite', () => {
  it('takes whole literal segments away, and tells the upstream', () => {
    expect(load('rewrite: { strip: /npm, add: /registry }')).toMatchObject({
      rewrite: { strip: '/npm', stripCount: 1, add: '/registry' },
      requestEdits: { lines: 'X-Forwarded-Prefix: /npm\r\n' },
    });
    expect(load('rewrite: { add: /v1 }')).toMatchObject({ rewrite: { strip: '', add: '/v1' }, requestEdits: null });
  });

  it.each([
    ['{ strip: /other }', "3:30: it must be the first segments of the route's path, literally"],
    ['{ strip: /npm/x }', "3:30: it must be the first segments of the route's path, literally"],
    ['{ strip: /np }', "3:30: it must be the first segments of the route's path, literally"],
    ['{ strip: /npm/ }', '3:30: must be a path such as /npm, without a slash at its end'],
    ['{ add: / }', '3:28: must be a path such as /npm, without a slash at its end'],
    ['{ add: /a/../b }', '3:28: the segment ".." can never be matched: requests with it are refused'],
    ['{ add: "/a?b" }', '3:28: must be a path such as /npm, without a slash at its end'],
  ])('%s is told', (rewrite, told) => {
    expect(problems(`rewrite: ${rewrite}`)).toEqual([told]);
  });
});

describe('cors', () => {
  it('names origins as browsers write them', () => {
    expect(
      load('cors: { origins: [https://app.test, "https://*.pages.test:8443"], headers: [x-a], maxAgeSeconds: 60 }')
        .answerEdits!.cors,
    ).toEqual({
      isOpen: false,
      exact: new Set(['https://app.test']),
      wildcards: [{ scheme: 'https://', end: '.pages.test:8443' }],
      allowHeaders: 'x-a',
      exposeHeaders: '',
      credentials: false,
      maxAgeSeconds: 60,
    });
    expect(load('cors: none').answerEdits).toBeNull();
    expect(load('cors: { origins: ["*"] }').answerEdits!.cors).toMatchObject({ isOpen: true });
  });

  it.each([
    ['https://app.test/', 'it sends https://app.test'],
    ['https://app.test:443', 'it sends https://app.test'],
    ['https://APP.test', 'it sends https://app.test'],
    ['app.test', 'it begins with http:// or https://'],
    ['"null"', 'it is what every page without one sends, and so nobody’s'],
    ['"https://a.*.test"', '"*." may stand in front of the host, once'],
  ])('%s is told', (origin, told) => {
    expect(problems(`cors: { origins: [${origin}] }`)).toEqual([
      `3:30: no browser sends the origin "${origin.replaceAll('"', '')}": ${told}`,
    ]);
  });

  it('"*" goes without credentials', () => {
    expect(problems('cors: { origins: ["*"], credentials: true }')).toEqual([
      '3:30: "*" and "credentials: true" do not go together: name the origins',
    ]);
  });
});
