/** What a request and its answer say of the hops between their ends: Via, Max-Forwards, Date. */
import { afterEach, describe, expect, test } from 'vitest';
import { ask, RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { counted, harness } from '../harness.ts';

const at = harness();
afterEach(() => {
  at.upstream.replyToHead = null;
});

/** A proxy behind the gateway that leads back to it, and adds no Via of its own: worse than a good one. */
async function looping() {
  const back = await at.start({});
  let hops = 0;
  at.upstream.reply = async ({ text }) => {
    if (++hops > 20) return 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfor ever';
    const [, head] = /^([\s\S]*?)\r\n\r\n/.exec(text) as unknown as [string, string];
    using again = await RawClient.connect(back.url);
    again.send(`${head}\r\n${`Authorization: Bearer ${back.tokens.reader}`}\r\n\r\n`);
    const { status, body } = await again.response();
    return `HTTP/1.1 ${status} x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  return { back, hops: () => hops };
}

attack({
  name: 'an upstream that leads back to the gateway is told from one that does not',
  outcome: '508 in the first round, by the Via of our own; the round ends there',
  sources: ['RFC 9110 section 7.6.3', 'RFC 9110 section 7.6', 'CWE-834'],
})(() => {
  test.each(['GET /files/x', 'GET /public/x'])('%s', async (line) => {
    const { back, hops } = await looping();
    const answer = await ask(back.url, rawRequest(line, [`Authorization: Bearer ${back.tokens.reader}`]));
    expect(answer.status).toBe(508);
    expect(hops()).toBe(1);
    expect(await counted(back, 'loop_detected')).toBe(1);
    expect(answer.body).toContain('5080');
    await back.logged('loop_detected');
  });

  test('an upgrade that comes round is refused, too', async () => {
    at.upstream.replyToHead = () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    const own = (await at.passes(rawRequest('GET /public/x'))).request.header('via')!;
    at.upstream.clear();
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', `Via: ${own}`];
    await at.refuses(rawRequest('GET /socket', [at.reader, ...upgrade]), 508);
  });

  test('in any spelling, place and number of Via', async () => {
    const own = (await at.passes(rawRequest('GET /public/x'))).request.header('via')!;
    const name = own.split(' ')[1]!;
    at.upstream.clear();
    for (const lines of [
      [`Via: ${own}`],
      [`via: 1.1 other, HTTP/1.1 ${name} (a comment), 1.0 third`],
      ['VIA: 1.1 a', `Via: 2.0\t${name.toUpperCase()}`],
    ])
      await at.refuses(rawRequest('GET /public/x', lines), 508);
  });

  test('others may stand on the way, another scopegate and one that calls itself like us, too', async () => {
    const others = ['Via: 1.1 scopegate, 1.1 scopegate.aaaaaaaaaaaa (scopegate), 1.1 x', 'Via: scopegate', 'Via: ,'];
    const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, ...others]));
    expect(request.header('via')).toMatch(
      /^1\.1 scopegate, 1\.1 scopegate\.a{12} \(scopegate\), 1\.1 x, scopegate, ,, 1\.1 scopegate\.[a-p]{12}$/,
    );
    const behind = await at.start({});
    const twice = ['Via: 1.1 a', `Via: ${request.header('via')}`];
    const answer = await ask(
      behind.url,
      rawRequest('GET /files/x', [`Authorization: Bearer ${behind.tokens.reader}`, ...twice]),
    );
    expect(answer.status).toBe(200);
  });

  test('who has no right learns nothing of it', async () => {
    const own = (await at.passes(rawRequest('GET /public/x'))).request.header('via')!;
    at.upstream.clear();
    await at.refuses(rawRequest('GET /files/x', [`Via: ${own}`]), 401);
  });
});

attack({
  name: 'Max-Forwards is counted down where it counts, and ends the way',
  outcome: 'OPTIONS goes on with one less, or is answered here; TRACE is refused; other methods leave it alone',
  sources: ['RFC 9110 section 7.6.2'],
})(() => {
  const options = (...lines: string[]) => rawRequest('OPTIONS /files/x', [at.writer, ...lines]);

  test.each([
    ['7', '6'],
    ['1', '0'],
    ['007', '6'],
    ['99999999999999999999', '999999999'],
  ])('%s becomes %s', async (sent, expected) => {
    const { request } = await at.passes(options('X-A: 1', `max-forwards: ${sent}`, 'X-B: 2'));
    expect(request.all('max-forwards')).toEqual([expected]);
    expect([request.header('x-a'), request.header('x-b')]).toEqual(['1', '2']);
  });

  test('none is made up', async () => {
    expect((await at.passes(options())).request.all('max-forwards')).toEqual([]);
  });

  test.each(['0', '000'])('%s is answered here, by the methods of the path', async (sent) => {
    const answer = await at.refuses(options(`Max-Forwards: ${sent}`), 200);
    expect(answer!.header('allow')).toBe('DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT');
    expect([answer!.header('content-length'), answer!.body]).toEqual(['0', '']);
    expect(answer!.header('x-request-id')).toMatch(/^[0-9A-Z]{26}$/);
  });

  test('not before the caller has a right to it', () =>
    at.refuses(rawRequest('OPTIONS /files/x', ['Max-Forwards: 0']), 401));

  test.each([['-1'], ['1.5'], ['x'], [''], ['1', '2'], ['0, 0'], ['0', '0']])('%s %s is refused', async (...sent) => {
    await at.refuses(options(...sent.map((value) => `Max-Forwards: ${value}`)), 400);
  });

  test('other methods leave it alone', async () => {
    const { request } = await at.passes(rawRequest('GET /files/x', [at.reader, 'Max-Forwards: 0']));
    expect(request.all('max-forwards')).toEqual(['0']);
    await at.refuses(rawRequest('TRACE /public/x', ['Max-Forwards: 0']), 405);
  });
});

describe('the Date of an answer', () => {
  const RFC_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

  test('is added where the upstream sent none (RFC 9110 section 6.6.1)', async () => {
    for (const head of ['200 OK\r\nContent-Length: 2\r\n\r\nok', '204 No Content\r\n\r\n', '404 No\r\n\r\ngone']) {
      at.upstream.reply = ({ connection }) => void connection.end(`HTTP/1.1 ${head}`);
      const { response } = await at.passes(rawRequest('GET /public/x'));
      expect(response.all('date'), head).toEqual([expect.stringMatching(RFC_DATE)]);
      expect(Math.abs(Date.parse(response.header('date')!) - Date.now())).toBeLessThan(60_000);
    }
  });

  test("is the upstream's where it sent one", async () => {
    const theirs = 'Tue, 15 Nov 1994 08:12:31 GMT';
    at.upstream.reply = () => `HTTP/1.1 200 OK\r\ndate: ${theirs}\r\nContent-Length: 2\r\n\r\nok`;
    const { response } = await at.passes(rawRequest('GET /public/x'));
    expect(response.headers.filter(([name]) => name.toLowerCase() === 'date')).toEqual([['date', theirs]]);
  });
});

describe('an answer on its way', () => {
  test("has the upstream's Allow, challenges and Server, and our own version of HTTP", async () => {
    const theirs = [
      ['Allow', 'GET, ODD'],
      ['WWW-Authenticate', 'Basic realm="a, b", Digest realm="c"'],
      ['www-authenticate', 'Odd'],
      ['Server', 'theirs/1.0'],
      ['Cache-Control', 'no-transform'],
      ['Retry-After', '7'],
      ['Age', '3'],
      ['Unheard-Of', 'x'],
    ] as const;
    const lines = theirs.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    for (const version of ['1.0', '1.1']) {
      at.upstream.reply = () => `HTTP/${version} 401 No\r\n${lines}Content-Length: 2\r\n\r\nno`;
      using client = await at.connect();
      const answer = await client.send(rawRequest('GET /public/x')).response();
      expect(client.received).toMatch(/^HTTP\/1\.1 401 /);
      const names = new Set(theirs.map(([name]) => name.toLowerCase()));
      expect(answer.headers.filter(([name]) => names.has(name.toLowerCase()))).toEqual(theirs);
      expect(answer.all('via')).toEqual([`${version} scopegate`]);
    }
  });

  test('and a request over HTTP/1.0 goes on over HTTP/1.1', async () => {
    const { request } = await at.passes(rawRequest('GET /public/x HTTP/1.0'));
    expect(request.version).toBe('HTTP/1.1');
    expect(request.header('via')).toMatch(/^1\.0 /);
  });
});
