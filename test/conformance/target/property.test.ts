import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTarget } from '../../../src/core/target.ts';
import { assertForSeeds, effort } from '../../support/chance.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { counted, harness } from '../harness.ts';

const at = harness();
/** `SCOPEGATE_FUZZ=100 npx vitest run test/conformance/target/property` looks a hundred times as hard. */
const PATIENCE_MS = 60_000 * effort;
/** Targets sent over the wire; `SCOPEGATE_TARGETS=1000000` for the long form, nine minutes. */
const wireTargets = Number(process.env.SCOPEGATE_TARGETS ?? 1200 * effort);
const AT_ONCE = 20;

/** Pieces that parsers quarrel over, and a few that they do not. */
const ODDITIES = [
  '/',
  '//',
  '\\',
  '.',
  '..',
  '...',
  ';',
  ';x=1',
  '%2e',
  '%2E',
  '%2f',
  '%2F',
  '%5c',
  '%00',
  '%0d%0a',
  '%09',
  '%20',
  ' ',
  '%',
  '%%',
  '%2',
  '%25',
  '%252e',
  '%c0%ae',
  '%c0%af',
  '%e0%80%ae',
  '%ff',
  '%ef%bc%8e',
  '%ef%bc%8f',
  '%ef%bc%bc',
  '%c2%a0',
  '%7f',
  '#',
  '?',
  '@',
  ':',
  '&',
  '=',
  '+',
  '~',
  '_',
  '-',
  '*',
  '%41',
  '%61',
  'admin',
  'files',
  'public',
  'any',
  'a',
  'Z',
  '0',
  '%e4%bd%a0',
  '.x',
  '\t',
  '\x0b',
  '\x00',
  '\x80',
  '\xff',
  '\xef\xbc\x8e',
];
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ODDITIES) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`) },
);
const start = fc.constantFrom('/files/', '/public/', '/any/', '/admin/', '/', '', 'http://api.test/files/', '/items/');
const target = fc.tuple(start, fc.array(piece, { maxLength: 10 })).map(([first, rest]) => first + rest.join(''));

/** Every way in which some parser may read a path: decoded once and twice, normalised, without parameters. */
function readings(path: string): string[] {
  const decode = (text: string) =>
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const once = decode(path);
  const utf8 = Buffer.from(once, 'latin1').toString('utf8');
  return [path, once, utf8, utf8.normalize('NFC')];
}

function expectNoTraps(path: string): void {
  expect(path).toMatch(/^\/(?!\/)[^#?\x00-\x20\x7f]*$/);
  expect(path).not.toMatch(/%(?:5c|00|0[0-9a-f]|1[0-9a-f]|7f)/i);
  for (const reading of readings(path)) {
    expect(reading).not.toMatch(/\/\/|\\|[\x00-\x1f\x7f]/);
    for (const segment of reading.split('/')) expect(segment.split(';')[0]!.trim()).not.toMatch(/^\.{1,2}$/);
  }
  // The parser of browsers and of node's URL, known for its repairs, finds nothing to repair.
  expect(new URL(`http://x${path}`).pathname.split('/').length).toBe(path.split('/').length);
}

attack({
  name: 'any target at all: the path authorised is byte for byte the path on the wire',
  outcome: 'tens of thousands of generated targets a run',
  sources: ['RFC 9112 section 3.2'],
})(() => {
  test('what is authorised can be read in one way, and reading it again changes nothing', {
    timeout: PATIENCE_MS,
  }, async () => {
    await assertForSeeds(
      fc.property(target, (raw) => {
        const read = readTarget(raw, 'api.test');
        if (read === null) return;
        expectNoTraps(read.path);
        expect(readTarget(read.path + read.query, 'api.test')).toEqual(read);
        expect(read.segments.length).toBe(read.path.split('/').length - 1);
        expect(/%2f/i.test(read.path)).toBe(read.slashSegments !== null);
        if (read.slashSegments !== null) expect(read.slashSegments).toEqual(read.segments.join('/').split('/'));
        expect(raw.endsWith(read.query)).toBe(true);
      }),
      { numRuns: Math.round(30_000 * effort) },
    );
  });

  test(
    'the path authorised is byte for byte the path on the wire',
    async () => {
      await assertForSeeds(
        fc.asyncProperty(fc.array(target, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (targets) => {
          at.upstream.clear();
          // Each on a connection of its own: a refused one closes it.
          const answers = await Promise.all(
            targets.map(async (raw, nth) => {
              using client = await RawClient.connect(at.gateway.url);
              client.send(rawRequest(`GET ${raw}`, [at.reader, `X-Nth: ${nth}`]));
              return (await client.response()).status;
            }),
          );
          const seen = new Map(at.upstream.requests.map((request) => [Number(request.header('x-nth')), request]));
          for (const [nth, raw] of targets.entries()) {
            const request = seen.get(nth);
            expect(answers[nth] === 200, `${JSON.stringify(raw)}: ${answers[nth]}`).toBe(request !== undefined);
            if (request === undefined) continue;
            // What node:http made of the bytes is what was read; spaces end a target.
            const read = readTarget(raw.trimStart().split(/ /)[0]!, 'api.test');
            expect(request.target).toBe(read!.path + read!.query);
            expectNoTraps(read!.path);
            expect(read!.slashSegments).toBeNull();
            expect(request.target).toMatch(/^\/(?:files|public|any|items)(?:[/?]|$)/);
          }
        }),
        { numRuns: Math.ceil(wireTargets / AT_ONCE) },
      );
    },
    PATIENCE_MS + wireTargets * 2,
  );
});

/** Requests of every kind that the tests send, whole. `T`: the reader's token. */
const SEEDS = [
  'GET /files/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\n\r\n',
  'HEAD /files/x?a=1 HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\nConnection: keep-alive, X-A\r\nX-A: 1\r\n\r\n',
  'GET /public/x HTTP/1.1\r\nHost: api.test\r\n\r\nGET /admin/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\n\r\n',
  'POST /any/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\nContent-Length: 66\r\n\r\nGET /admin/smuggled HTTP/1.1\r\nHost: api.test\r\nAuthorization: B\r\n\r\n',
  'POST /any/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n1;x=y\r\nf\r\n0\r\nX-Sum: 1\r\n\r\n',
  'POST /public/x HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin/x HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /admin/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\nContent-Length: 40\r\n\r\nGET /files/x HTTP/1.1\r\nHost: api.test\r\n\r\n',
  'POST /public/x HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
  'GET /by-query?environmentId=env_live HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\n\r\n',
  'GET /by-query?environmentId=env_legal HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\n\r\n',
  'GET /by-header HTTP/1.1\r\nHost: api.test\r\nX-Workspace: ws_sales\r\nX_Workspace: ws_legal\r\nAuthorization: Bearer T\r\n\r\n',
  'GET http://api.test/files/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer T\r\n\r\n',
  'GET /socket?authorization=T HTTP/1.0\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'OPTIONS /public/../admin HTTP/1.1\r\nHost: api.test\r\nX-Scopegate-Role: admin\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n',
];
const SPLICES = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  '\x00',
  ':',
  ',',
  ';',
  '0',
  '1',
  '-',
  '+',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'Host: evil.test\r\n',
  'Connection: close\r\n',
  'Connection: Content-Length\r\n',
  'Authorization: Bearer x\r\n',
  'X-Scopegate-Role: admin\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: h2c\r\n',
  '/../',
  '%2e%2e',
  '//',
  '0\r\n\r\n',
  '\r\n\r\n',
  'HTTP/1.0',
  'GET /admin/x HTTP/1.1\r\nHost: api.test\r\n\r\n',
  '&environmentId=env_legal',
  'chunked',
  'identity',
  '\xff',
];

type Mutation = readonly [
  kind: 'insert' | 'delete' | 'replace' | 'repeat' | 'swap',
  at: number,
  length: number,
  splice: string,
];
const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom('insert', 'insert', 'delete', 'replace', 'repeat', 'swap'),
  fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  fc.integer({ min: 1, max: 12 }),
  fc.oneof(
    fc.constantFrom(...SPLICES),
    fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
  ),
);

function mutate(text: string, [kind, place, length, splice]: Mutation): string {
  const from = Math.floor(place * text.length);
  const [before, middle, after] = [text.slice(0, from), text.slice(from, from + length), text.slice(from + length)];
  switch (kind) {
    case 'insert':
      return before + splice + middle + after;
    case 'delete':
      return before + after;
    case 'replace':
      return before + splice + after;
    case 'repeat':
      return before + middle + middle + after;
    case 'swap':
      return after.slice(0, 5) + before + middle + after.slice(5);
  }
}

attack({
  name: 'any request, however damaged: the upstream sees only what was decided',
  outcome: 'thousands of damaged requests a run, none beyond the decisions',
  sources: ['RFC 9112 section 11.2'],
})(() => {
  test(
    'the upstream sees only requests by the letter, each one that the gateway decided to let through',
    async () => {
      let sent = 0;
      let passed = 0;
      const before = await counted(at.gateway, 'forwarded');
      await assertForSeeds(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { maxLength: 4 })), {
            minLength: 25,
            maxLength: 25,
          }),
          async (cases) => {
            at.upstream.clear();
            const { reader } = at.gateway.tokens;
            await Promise.all(
              cases.map(async ([seed, mutations]) => {
                const bytes = Buffer.from(
                  mutations.reduce(mutate, seed).replaceAll('Bearer T', `Bearer ${reader}`).replace('=T', `=${reader}`),
                  'latin1',
                );
                using client = await RawClient.connect(at.gateway.url);
                client.send(bytes);
                // A request that is not whole gets no answer: hearing that no more will come ends it.
                await client
                  .until(({ received, ending }) => received.includes('\r\n\r\n') || ending !== 'open', '', 30)
                  .catch(() => {});
                await client.finish().untilEnded();
                expect(() => client.responses, client.received).not.toThrow();
              }),
            );
            sent += cases.length;
            passed += at.upstream.requests.length;
            expect(at.upstream.garbage).toBe('');
            for (const request of at.upstream.requests) {
              expectAllowed(request.method, request.target, request.header('x-scopegate-subject'));
              expect(request.all('x-scopegate-role')).toEqual(request.target.startsWith('/by-') ? ['member'] : []);
              expect(request.all('authorization')).toEqual(
                request.target.startsWith('/own-auth') ? [`Bearer ${reader}`] : [],
              );
              expect(request.text).not.toContain(reader);
              expect(request.all('x-forwarded-for')).toEqual(['127.0.0.1']);
              for (const name of ['connection', 'upgrade', 'expect', 'te', 'x_scopegate_role'])
                expect(request.all(name)).toEqual([]);
            }
            // Never more than were decided on: nothing was made of a body or of leftovers. Since the start, as one whose client
            // has left may arrive after the next clients.
            expect(passed).toBeLessThanOrEqual((await counted(at.gateway, 'forwarded')) - before);
          },
        ),
        // To look for a smaller case would take longer than the test may.
        { numRuns: Math.round(120 * effort), endOnFailure: true },
      );
      // Neither is the gateway shut nor the fuzzer blunt.
      expect(passed).toBeGreaterThan(sent / 20);
      expect(passed).toBeLessThan(sent);
      expect(at.gateway.errorLines).toEqual([]);
      await at.sentinel();
    },
    PATIENCE_MS,
  );
});

/** What the reader's token may call, and what is public. */
function expectAllowed(method: string, target: string, subject: string | undefined): void {
  const path = target.split('?')[0]!;
  if (/^\/public(?:\/|$)/.test(path)) {
    expect(subject).toBeUndefined();
    return;
  }
  expect(subject, `${method} ${target}`).toBe('bob');
  if (/^\/any(?:\/|$)/.test(path)) return;
  if (path === '/by-query')
    return expect(new URLSearchParams(target.split('?')[1]).getAll('environmentId')).toEqual(['env_live']);
  if (['/own-auth', '/bare', '/socket', '/by-header'].includes(path)) return;
  expect(`${method} ${path}`).toMatch(/^(?:GET|HEAD) \/(?:files(?:\/.*)?|items\/[^/]+|workspaces\/ws_sales\/things)$/);
}
