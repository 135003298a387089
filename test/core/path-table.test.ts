/** Which route answers: the path decides first, then the method, whatever the order in the file. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configuredName } from '../../src/core/configured-name.ts';
import { BEARER_ONLY } from '../../src/core/credential.ts';
import { PathTable, type RoutingOptions } from '../../src/core/path-table.ts';
import type { Route } from '../../src/core/route.ts';
import { readTarget } from '../../src/core/target.ts';
import { readTemplate } from '../../src/core/template.ts';
import { assertForSeeds } from '../support/chance.ts';

const STRICT: RoutingOptions = { caseSensitive: true, ignoreTrailingSlash: false };

function route(template: string, methods?: readonly string[], id = `${methods?.join() ?? '*'} ${template}`): Route {
  return {
    id: configuredName(id),
    hosts: null,
    template,
    methods,
    requirement: null,
    upstream: 'u',
    credentials: BEARER_ONLY,
    dialect: null,
    requestEdits: null,
    answerEdits: null,
    rewrite: null,
    rewritesLocations: true,
    timeouts: null,
    keepsEncodedSlashes: false,
    allowFrom: null,
    forwardAuthorization: false,
    registration: null,
    limits: null,
  };
}

function add(table: PathTable, added: Route): string | undefined {
  const template = readTemplate(added.template);
  if (!template.ok) throw new Error(template.problem);
  return table.add(added, template.segments);
}

/** Each route is a template, or a template behind its methods: `GET,PUT /a`. */
function table(routes: readonly string[], options = STRICT): PathTable {
  const built = new PathTable(options);
  for (const text of routes) {
    const [first, second] = text.split(' ') as [string, string | undefined];
    const taken = add(
      built,
      second === undefined ? route(first, undefined, text) : route(second, first.split(','), text),
    );
    if (taken !== undefined) throw new Error(`${text} overlaps ${taken}`);
  }
  return built;
}

/** The id of the route that answers, the methods allowed instead, or null. */
function ask(built: PathTable, method: string, path: string): string | readonly string[] | null {
  const target = readTarget(path, 'h');
  if (target === null) throw new Error(`${path}: no target`);
  const match = built.match(method, target.segments);
  return match.kind === 'route' ? match.route.id : match.kind === 'method' ? match.allow : null;
}

describe('the most specific template answers, whatever the order', () => {
  const templates = ['/**', '/a', '/a/**', '/a/{x}', '/a/b', '/a/b/**', '/a/{x}/c', '/{y}/b', '/{y}', '/a/b/c/d', '/'];
  const expected: Array<[string, string]> = [
    ['/', '/'],
    ['/a', '/a'],
    ['/z', '/{y}'],
    ['/a/', '/a/**'],
    ['/a/b', '/a/b'],
    ['/a/z', '/a/{x}'],
    ['/a/b/c', '/a/b/**'],
    ['/a/z/c', '/a/{x}/c'],
    ['/a/z/d', '/a/**'],
    ['/a/b/c/d', '/a/b/c/d'],
    ['/a/b/c/e', '/a/b/**'],
    ['/z/b', '/{y}/b'],
    ['/z/c', '/**'],
    ['/z/b/', '/**'],
    ['/a/b/', '/a/b/**'],
  ];

  it('in any of 200 orders', async () => {
    await assertForSeeds(
      fc.property(fc.shuffledSubarray(templates, { minLength: templates.length }), (shuffled) => {
        const built = table(shuffled);
        for (const [path, template] of expected) expect(ask(built, 'GET', path), path).toBe(template);
      }),
      { numRuns: 200 },
    );
  });

  it('a literal that leads nowhere gives way to a parameter beside it', () => {
    const built = table(['/a/b/x', '/a/{p}/y', '/{q}/b/z', '/**']);
    expect(ask(built, 'GET', '/a/b/x')).toBe('/a/b/x');
    expect(ask(built, 'GET', '/a/b/y')).toBe('/a/{p}/y');
    expect(ask(built, 'GET', '/a/b/z')).toBe('/{q}/b/z');
    expect(ask(built, 'GET', '/a/b/w')).toBe('/**');
  });

  it('a rest further left gives way to nothing wider', () => {
    const built = table(['/a/b/**', '/{x}/b/c']);
    expect(ask(built, 'GET', '/a/b/c')).toBe('/a/b/**');
  });

  it('a rest template also answers for nothing', () => {
    const built = table(['/a/**']);
    expect([ask(built, 'GET', '/a'), ask(built, 'GET', '/a/'), ask(built, 'GET', '/a/b/c')]).toEqual(
      Array(3).fill('/a/**'),
    );
    expect(ask(built, 'GET', '/ab')).toBeNull();
  });

  it('a parameter takes one segment, and never an empty one', () => {
    const built = table(['/a/{x}']);
    expect(ask(built, 'GET', '/a/b')).toBe('/a/{x}');
    expect(ask(built, 'GET', '/a/')).toBeNull();
    expect(ask(built, 'GET', '/a')).toBeNull();
    expect(ask(built, 'GET', '/a/b/c')).toBeNull();
    expect(ask(built, 'GET', '/a/b/')).toBeNull();
  });

  it('names of properties that every object has are plain segments', () => {
    const built = table(['/constructor', '/a/{x}']);
    expect(ask(built, 'GET', '/__proto__')).toBeNull();
    expect(ask(built, 'GET', '/constructor')).toBe('/constructor');
    expect(built.match('toString', ['a', 'b'])).toMatchObject({ kind: 'route' });
  });
});

describe('methods', () => {
  it('only the winning template is asked, never a wider one', () => {
    const built = table(['GET /a/b', 'POST /a/{x}', '/**']);
    expect(ask(built, 'POST', '/a/b')).toEqual(['GET', 'HEAD']);
    expect(ask(built, 'POST', '/a/c')).toBe('POST /a/{x}');
    expect(ask(built, 'DELETE', '/a/c')).toEqual(['POST']);
  });

  it('routes of one template share it, by method', () => {
    const built = table(['GET /a/{x}', 'PUT,PATCH /a/{y}', '/a/{z}']);
    expect(ask(built, 'GET', '/a/1')).toBe('GET /a/{x}');
    expect(ask(built, 'PATCH', '/a/1')).toBe('PUT,PATCH /a/{y}');
    expect(ask(built, 'DELETE', '/a/1')).toBe('/a/{z}');
  });

  it('GET serves HEAD', () => {
    expect(ask(table(['GET /a', '/a']), 'HEAD', '/a')).toBe('GET /a');
  });

  it.each([[['GET /a', 'HEAD /a']], [['HEAD /a', 'GET /a']]])(
    'GET does not serve HEAD where HEAD is listed: %j',
    (routes) => {
      expect(ask(table(routes), 'HEAD', '/a')).toBe('HEAD /a');
      expect(ask(table(routes), 'GET', '/a')).toBe('GET /a');
    },
  );

  it('Allow names every method once, in order', () => {
    expect(ask(table(['PUT /a', 'GET,DELETE /a']), 'POST', '/a')).toEqual(['DELETE', 'GET', 'HEAD', 'PUT']);
  });

  it.each(['TRACE', 'CONNECT'])('a route without methods never serves %s, and says what it does serve', (method) => {
    const allow = ask(table(['PURGE /a', '/a']), method, '/a');
    expect(allow).toEqual(
      expect.arrayContaining(['GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PURGE', 'PUT', 'DELETE']),
    );
    expect(allow).not.toContain(method);
  });

  it('a method is compared in its very case', () => {
    expect(ask(table(['GET /a']), 'get', '/a')).toEqual(['GET', 'HEAD']);
  });
});

describe('overlaps are told with the route that was there first', () => {
  it.each([
    ['the same template and method', ['GET /a'], 'GET /a', 'GET /a'],
    ['one of several methods', ['GET,PUT /a'], 'DELETE,PUT /a', 'GET,PUT /a'],
    ['two parameters of other names', ['GET /a/{x}/c'], 'GET /a/{y}/c', 'GET /a/{x}/c'],
    ['two routes for all other methods', ['/a/{x}'], '/a/{y}', '/a/{x}'],
    ['two rests', ['/a/**'], '/a/**', '/a/**'],
    ['a segment that is the same after decoding', ['/a'], '/%61', '/a'],
  ])('%s', (_name, before, text, taken) => {
    const built = table(before);
    const [first, second] = text.split(' ') as [string, string | undefined];
    expect(add(built, second === undefined ? route(first) : route(second, first.split(',')))).toBe(taken);
  });

  it.each([
    ['disjoint methods', ['GET /a', 'PUT /a', '/a']],
    ['GET and HEAD', ['GET /a', 'HEAD /a']],
    ['a template and its rest', ['/a', '/a/**']],
    ['two cases', ['/a', '/A']],
    ['a trailing slash', ['/a', '/a/']],
  ])('%s are no overlap', (_name, routes) => {
    expect(() => table(routes)).not.toThrow();
  });

  it('a route that was refused changes nothing', () => {
    const built = table(['GET /a']);
    expect(add(built, route('/a', ['POST', 'GET']))).toBe('GET /a');
    expect(ask(built, 'POST', '/a')).toEqual(['GET', 'HEAD']);
  });

  it.each([
    [{ caseSensitive: false, ignoreTrailingSlash: false }, '/A/b', '/a/B'],
    [{ caseSensitive: true, ignoreTrailingSlash: true }, '/a/b', '/a/b/'],
    [{ caseSensitive: false, ignoreTrailingSlash: true }, '/a/É', '/a/é/'],
  ])('%j makes %s and %s one', (options, left, right) => {
    expect(add(table([left], options), route(right))).toBe(left);
  });
});

describe('lax upstreams', () => {
  it('case is ignored in literals, and kept in parameters', () => {
    const built = table(['/V1/Admin/{x}', '/v1/**'], { caseSensitive: false, ignoreTrailingSlash: false });
    expect(ask(built, 'GET', '/v1/ADMIN/Q')).toBe('/V1/Admin/{x}');
    expect(ask(built, 'GET', '/V1/other')).toBe('/v1/**');
  });

  it('a trailing slash is ignored in requests and in templates', () => {
    const built = table(['/a', '/b/', '/c/{x}', '/'], { caseSensitive: true, ignoreTrailingSlash: true });
    expect(['/a', '/a/', '/b', '/b/', '/c/1', '/c/1/', '/'].map((path) => ask(built, 'GET', path))).toEqual([
      '/a',
      '/a',
      '/b/',
      '/b/',
      '/c/{x}',
      '/c/{x}',
      '/',
    ]);
    expect(ask(built, 'GET', '/c/')).toBeNull();
  });

  it('otherwise a trailing slash is another path', () => {
    const built = table(['/a', '/b/']);
    expect(['/a', '/a/', '/b', '/b/'].map((path) => ask(built, 'GET', path))).toEqual(['/a', null, null, '/b/']);
  });
});

it('of 10,000 routes the right one answers, and a look-up does not walk through them', () => {
  const built = new PathTable(STRICT);
  for (let index = 0; index < 10_000; index++)
    add(built, route(`/v1/things-${index}/{id}/parts`, ['GET'], String(index)));
  const segments = (index: number) => ['v1', `things-${index}`, 'x', 'parts'];
  for (const index of [0, 1, 4999, 9999])
    expect(built.match('GET', segments(index))).toMatchObject({ route: { id: String(index) } });
  expect(ask(built, 'GET', '/v1/things-10000/x/parts')).toBeNull();
  let read = 0;
  const counted = new Proxy(segments(9999), {
    get: (target, key) => {
      read++;
      return Reflect.get(target, key) as unknown;
    },
  });
  built.match('GET', counted);
  expect(read).toBeLessThan(20);
});

it('any path meets the route that a plain reading of the rules names', async () => {
  const piece = fc.constantFrom('a', 'b', '{x}');
  const template = fc
    .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([pieces, rest]) => `/${[...pieces, ...(rest ? ['**'] : [])].join('/')}`)
    .map((text) => text.replace(/\{x\}/g, () => '{x}'))
    .map((text) => {
      let count = 0;
      return text.replaceAll('{x}', () => `{x${count++}}`);
    });
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 });
  await assertForSeeds(
    fc.property(fc.uniqueArray(template, { maxLength: 12 }), path, (templates, segments) => {
      const found = table(templates).match('GET', segments);
      expect(found.kind === 'route' ? found.route.template : null).toBe(slowMatch(templates, segments));
    }),
    { numRuns: 1000 },
  );
});

/** All templates that fit, compared segment by segment from the left: literal, parameter, rest. */
function slowMatch(templates: readonly string[], segments: readonly string[]): string | null {
  const rank = (piece: string | undefined) =>
    piece === undefined ? 0 : piece === '**' ? 3 : piece.startsWith('{') ? 2 : 1;
  const fits = (pieces: readonly string[]) => {
    const rest = pieces.at(-1) === '**';
    const fixed = rest ? pieces.slice(0, -1) : pieces;
    if (rest ? segments.length < fixed.length : segments.length !== fixed.length) return false;
    return fixed.every((piece, index) => piece.startsWith('{') || piece === segments[index]);
  };
  const fitting = templates
    .map((text) => ({ text, pieces: text.slice(1).split('/') }))
    .filter(({ pieces }) => fits(pieces));
  fitting.sort((left, right) => {
    for (let index = 0; index < 6; index++) {
      const difference = rank(left.pieces[index]) - rank(right.pieces[index]);
      if (difference !== 0) return difference;
    }
    return 0;
  });
  return fitting[0]?.text ?? null;
}
