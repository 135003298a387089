/** Which routes an OpenAPI document makes: never one that takes more requests, or asks for less, than the document says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compileScopes, SCOPE_PATTERN, satisfies } from '../../src/core/scope.ts';
import { ConfigError } from '../../src/errors.ts';
import { type ApiDocument, readApiDocument } from '../../src/openapi/document.ts';
import { routesOfDocument } from '../../src/openapi/routes.ts';
import { scopeNames } from '../../src/openapi/scope-names.ts';
import { askedBy } from '../../src/openapi/security.ts';

const FILE = fileURLToPath(new URL('document.yaml', import.meta.url));
const ROUTING = { caseSensitive: true, ignoreTrailingSlash: false };
const read = (text: string) => readApiDocument('api.yaml', () => Buffer.from(text));
const made = (document: ApiDocument, publicOk = false) => routesOfDocument(document, { publicOk, routing: ROUTING });
const lines = (document: ApiDocument, publicOk = false) =>
  made(document, publicOk).routes.map(({ id, method, path, require }) => {
    return `${id}: ${method} ${path} ${require === null ? 'public' : `${require.key} ${require.scopes.join(' ')}`}`.trim();
  });

describe('a document in YAML', () => {
  const document = readApiDocument(FILE, readFileSync);

  it('makes a route of each operation behind the path of its server, named by its operationId', () => {
    expect(lines(document)).toEqual([
      'listOrders: GET /api/orders scopes orders:read',
      'addOrder: POST /api/orders scopes orders:write stock:write',
      'readOrder: GET /api/orders/{order_id} anyOf orders:read audit:read',
      'delete order: DELETE /api/orders/{order_id} scopes orders:write',
      'get-api-orders-id-lines-order-id: GET /api/orders/{order_id}/lines/{order_id_2} scopes read_lines',
      'put-api-stock: PUT /api/stock scopes stock:write',
      'signed: GET /api/signed scopes orders:read',
      'key: GET /api/key scopes',
    ]);
  });

  it('leaves out what a route cannot say, and says why', () => {
    expect(made(document).leftOut.map(({ method, path, at, why }) => `${at.line} ${method} ${path}: ${why}`)).toEqual([
      expect.stringMatching(/^27 GET \/api\/orders\/\{order-id\}\.pdf: the segment "\{order-id\}\.pdf" is neither/),
      '30 GET /api/catalogue: the document asks for no token; --public-ok makes it public',
      '32 GET /api/basket: the document asks for no token; --public-ok makes it public',
      '35 GET /files: it is served at https://files.example.com: it needs an upstream of its own',
      '37 GET /api/mixed: a route can ask for all of some scopes or for one of them, not for orders:read and stock:write, or audit:read',
      '38 TRACE /api/mixed: the gateway forwards no TRACE',
    ]);
  });

  it('makes what asks for no token public where that is confirmed', () => {
    expect(lines(document, true)).toEqual(
      expect.arrayContaining(['catalogue: GET /api/catalogue public', 'basket: GET /api/basket public']),
    );
  });

  it('says beside a route what the document asks for and the gateway does not look at', () => {
    const notes = Object.fromEntries(made(document).routes.map(({ id, notes: said }) => [id, said]));
    expect(notes).toMatchObject({
      listOrders: [],
      readOrder: ['deprecated'],
      'delete order': ['the document takes key without scopes instead; a token needs them'],
      signed: ['the document asks for oauth and signature together; the gateway looks at one token'],
    });
  });

  it('is the same in JSON, at the places where its operations stand there', () => {
    const text = JSON.stringify(parse(readFileSync(FILE, 'utf8')), null, 1);
    const asJson = read(text);
    expect(lines(asJson)).toEqual(lines(document));
    for (const { operation, method, path } of made(asJson).routes) {
      if (path === '/api/stock') continue; // stands elsewhere
      const line = text.split('\n')[operation.at.line - 1]!;
      expect(line.slice(operation.at.column - 1)).toBe(`"${method.toLowerCase()}": {`);
    }
  });
});

describe('Swagger 2.0', () => {
  it('has its base path, its security definitions, and no servers', () => {
    const document = read(`swagger: "2.0"
host: api.example.com
basePath: /v2/
securityDefinitions: { oauth: { type: oauth2, scopes: { "pets:read": Read pets } }, key: { type: apiKey } }
security: [{ key: [] }]
paths:
  /pets: { get: { security: [{ oauth: ["pets:read"] }, { key: [] }] }, post: {} }
`);
    expect(lines(document)).toEqual([
      'get-v2-pets: GET /v2/pets scopes pets:read',
      'post-v2-pets: POST /v2/pets scopes',
    ]);
  });
});

describe('a document', () => {
  const problem = (text: string) => {
    try {
      made(read(text));
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
    }
    return null;
  };

  it.each([
    ['of another kind', 'asyncapi: 3.0.0', 'api.yaml:1:1: is no OpenAPI document'],
    ['of a version to come', 'openapi: 4.0.0', 'is no OpenAPI document'],
    ['with a mistake in its YAML', 'openapi: 3.0.0\npaths:\n  /a: [', 'api.yaml:3:8: '],
    ['with a mistake in its JSON', '{"openapi": "3.0.0",}', 'is no JSON'],
    [
      'that refers to another file',
      'openapi: 3.0.0\npaths: { /a: { $ref: a.yaml } }',
      'npx @redocly/cli bundle api.yaml',
    ],
    ['whose references lead in a circle', 'openapi: 3.0.0\npaths: { /a: { $ref: "#/paths/~1a" } }', 'in a circle'],
  ])('%s is refused with what to do', (_what, text, said) => {
    expect(problem(text)).toContain(said);
  });

  it('that says nothing of security asks for a token all the same', () => {
    const document = read('openapi: 3.0.0\npaths: { /a: { get: {} } }');
    expect(lines(document)).toEqual(['get-a: GET /a scopes']);
    expect(made(document).routes[0]!.notes).toEqual(['the document says nothing of security: any valid token']);
  });

  it('with one path under two names of its parameter has one route for each method, and no two for one request', () => {
    const document = read(`openapi: 3.0.0
paths:
  /a/{x}: { get: { operationId: one } }
  /a/{y}: { get: { operationId: two }, post: { operationId: three } }`);
    expect(lines(document)).toEqual(['one: GET /a/{x} scopes', 'three: POST /a/{x} scopes']);
    expect(made(document).leftOut).toMatchObject([{ why: 'its requests cannot be told from those of /a/{x}' }]);
  });

  it('may use the words of objects as keys', () => {
    const document = read(
      'openapi: 3.0.0\npaths: { /constructor: { get: { operationId: __proto__ } } }\nconstructor: 1',
    );
    expect(lines(document)).toEqual(['__proto__: GET /constructor scopes']);
  });
});

describe('what a route asks for', () => {
  const SCHEMES = { oauth: { type: 'oauth2' }, oidc: { type: 'openIdConnect' }, key: { type: 'apiKey' } };
  const SCOPES = ['a:one', 'b:one', 'c:one'];
  const names = fc.uniqueArray(fc.constantFrom(...SCOPES), { maxLength: 2 });
  const requirement = fc.dictionary(fc.constantFrom('oauth', 'oidc'), names, {
    minKeys: 1,
    maxKeys: 2,
    noNullPrototype: true,
  });
  const withKeys = fc.oneof(
    requirement,
    fc.constant({ key: [] }),
    requirement.map((each) => ({ ...each, key: [] })),
  );
  const held = fc.uniqueArray(fc.constantFrom(...SCOPES), { maxLength: 3 });
  const document = read(JSON.stringify({ openapi: '3.1.0', components: { securitySchemes: SCHEMES } }));

  /** As the specification says it: one of the requirements, and of that one every scope. */
  const meets = (security: ReadonlyArray<Readonly<Record<string, readonly string[]>>>, scopes: readonly string[]) =>
    security.some((each) => Object.values(each).every((asked) => asked.every((scope) => scopes.includes(scope))));
  const opens = (key: 'scopes' | 'anyOf', asked: readonly string[], scopes: readonly string[]) =>
    asked.length === 0 || satisfies(compileScopes(asked, key === 'scopes'), new Set(scopes), 'all');

  it('is what the document says, for all holders, where it says scopes', () => {
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 4 }), held, (security, scopes) => {
        const asked = askedBy(document, security);
        if (asked.kind === 'token') expect(opens(asked.key, asked.scopes, scopes)).toBe(meets(security, scopes));
        else expect(asked.kind).toBe('inexpressible');
      }),
    );
  });

  it('is never less, whatever else the document takes', () => {
    fc.assert(
      fc.property(fc.array(withKeys, { minLength: 1, maxLength: 4 }), held, (security, scopes) => {
        const asked = askedBy(document, security);
        if (asked.kind !== 'token') expect(asked.kind).toBe('inexpressible');
        else if (opens(asked.key, asked.scopes, scopes)) expect(meets(security, scopes)).toBe(true);
      }),
    );
  });

  it('has scopes of the form that policies have: no two become one, and none implies another', () => {
    const hostile = [
      'repo',
      'Repo',
      'a/b',
      'a:b:c',
      'a b',
      'a-b',
      'user.read',
      'user.write',
      'https://x.example/auth/drive',
      'tokens:manage',
      '',
      '日本',
    ];
    const made_ = scopeNames(hostile);
    expect(new Set(made_.values()).size).toBe(hostile.length);
    expect(made_.get('a-b')).toBe('a-b');
    expect(made_.get('user.read')).toBe('user.read');
    expect(made_.get('https://x.example/auth/drive')).toBe('x-example-auth-drive');
    for (const name of made_.values()) expect(name).toMatch(new RegExp(SCOPE_PATTERN));
  });
});
