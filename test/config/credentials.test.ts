/** Which places of a request a route may take its token from, and what is told of others (contract 8.1). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-credentials-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The list stands in line 4, from column 18 on. */
function load(credentials: string, more = '', gateway = '{}') {
  const path = join(folder, 'gateway.yaml');
  writeFileSync(
    path,
    `policy: ${join(ROOT, 'policies/coze.yaml')}
upstreams: { a: { targets: ["http://127.0.0.1:9000"] } }
gateway: ${gateway}
routes: [{ credentials: ${credentials}, id: x, match: { path: /x }, upstream: a${more} }]
`,
  );
  const match = loadGateway(path, {}).routes.match('', 'GET', ['x']);
  if (match.kind !== 'route') throw new Error('no route');
  return match.route.credentials;
}

function problems(credentials: string): string[] {
  try {
    load(credentials);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(`${folder}/gateway.yaml:`, ''));
  }
}

it('every place that a client may have', () => {
  expect(load('[bearer, basic, header.X-API-Key, query.access_token, query.Authorization]')).toMatchObject({
    bearer: true,
    raw: false,
    basic: { realm: 'scopegate', publicOrigin: null },
    headers: [{ name: 'x-api-key', folded: 'x-api-key' }],
    queries: [{ name: 'access_token' }, { name: 'authorization' }],
    leavesAuthorization: false,
  });
});

it('the realm of Basic is the address under which clients know us', () => {
  expect(load('[basic]', '', '{ publicUrl: "https://API.example.com/v1" }').basic).toMatchObject({
    realm: 'https://API.example.com/v1',
    publicOrigin: 'https://api.example.com',
  });
});

it('Authorization is left to the upstream where it is passed on and no token is taken from it', () => {
  expect(load('[header.X-API-Key]', ', forwardAuthorization: true').leavesAuthorization).toBe(true);
  expect(load('[header.X-API-Key, raw]', ', forwardAuthorization: true').leavesAuthorization).toBe(false);
  expect(load('[header.X-API-Key]').leavesAuthorization).toBe(false);
});

describe('what cannot hold a token is told', () => {
  it.each([
    'Host',
    'Cookie',
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'TE',
    'Upgrade',
    'Proxy-Authorization',
    'X-Forwarded-For',
    'X-Real-IP',
    'Via',
    'X-Scopegate-Token-Id',
    'X-Request-Id',
    'Origin',
    'X-HTTP-Method-Override',
    'Authorization',
  ])('header.%s', (name) => {
    expect(problems(`[bearer, header.${name}]`)).toEqual([
      expect.stringMatching(`^4:34: the header ${name} cannot hold a token: `),
    ]);
  });

  it.each(['cookie', 'header.', 'header.a b', 'header.x_api_key', 'query.', 'query.a b', 'Bearer', 'body.token'])(
    '%s',
    (text) => {
      expect(problems(`[bearer, "${text}"]`)).toEqual(['4:34: must be bearer, raw, basic, header.NAME or query.NAME']);
    },
  );

  it('one place twice, in any spelling', () => {
    expect(problems('[header.X-Key, header.x-key]')).toEqual([
      '4:40: the header x-key already stands here, in some spelling',
    ]);
    expect(problems('[query.access_token, query.access-token]')).toEqual([
      '4:46: the parameter access-token already stands here, in some spelling',
    ]);
  });
});
