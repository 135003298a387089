import { afterEach, expect, test } from 'vitest';
import { hasNode } from '../support/tools.ts';
import { answerOf, cleanUp, get, type Recorder } from './raw-server.ts';

afterEach(cleanUp);

const HEAD = get('/', { method: 'HEAD' });
const CHUNKED =
  'HTTP/1.1 203 Fancy That\r\nx-b: 2\r\nX-A:  1 \r\nX-B: \xfc\r\nEmpty:\r\nTransfer-Encoding: Chunked\r\n\r\n' +
  '3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nNone:\r\n\r\n';

function expectWhole(recorder: Recorder): void {
  expect(recorder.answer).toEqual({
    status: 203,
    statusText: 'Fancy That',
    headers: ['x-b', '2', 'X-A', '1', 'X-B', '\xfc', 'Empty', '', 'Transfer-Encoding', 'Chunked'],
    framing: 'chunked',
    length: -1,
    protocol: '1.1',
  });
  expect(recorder.body).toBe('abcde');
  expect(recorder.trailers).toEqual(['X-Sum', '5', 'None', '']);
  expect(recorder.calls.at(-1)).toBe('end');
}

test('an answer arrives with the bytes, case and order it was sent in, and its trailers apart', async () => {
  expectWhole((await answerOf(CHUNKED)).recorder);
});

test('an answer that arrives byte by byte is the same answer', async () => {
  expectWhole((await answerOf([...CHUNKED])).recorder);
});

test('an answer cut in two anywhere is the same answer', async () => {
  for (let at = 1; at < CHUNKED.length; at += 1) {
    expectWhole((await answerOf([CHUNKED.slice(0, at), CHUNKED.slice(at)])).recorder);
  }
});

test.each([
  ['chunked', CHUNKED],
  ['length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789'],
])('an answer cut short never looks whole (%s)', async (_, whole) => {
  for (let length = 0; length < whole.length; length += 1) {
    const { recorder } = await answerOf(whole.slice(0, length), 'end');
    expect(recorder.failure?.kind).toBe('unreachable');
    expect(recorder.calls).not.toContain('end');
  }
});

test('a body up to the end of the connection is whole when the connection ends, and only then', async () => {
  const answer = 'HTTP/1.0 200 OK\r\n\r\nall there is';
  const ended = (await answerOf(answer, 'end')).recorder;
  expect(ended.answer).toMatchObject({ framing: 'close', length: -1, statusText: 'OK', headers: [] });
  expect(ended.body).toBe('all there is');
  expect(ended.calls.at(-1)).toBe('end');

  // Before, libuv may tell of the end where the last bytes and a reset come at once.
  if (!hasNode(24)) return;
  const reset = (await answerOf(answer, 'reset')).recorder;
  expect(reset.failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('ECONNRESET') });
  expect(reset.calls).not.toContain('end');
});

test.each([
  ['HEAD with a length', HEAD, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 10],
  ['HEAD of a chunked answer', HEAD, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', -1],
  ['HEAD without framing', HEAD, 'HTTP/1.1 200 OK\r\n\r\n', -1],
  ['204', get(), 'HTTP/1.1 204 No Content\r\n\r\n', -1],
  ['304 with the length of what it stands for', get(), 'HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n', 10],
])('no body is waited for: %s', async (_, request, answer, length) => {
  const { recorder, upstream } = await answerOf(answer, 'stay', request);
  expect(recorder.calls).toEqual(['head', 'end']);
  expect(recorder.answer).toMatchObject({ framing: 'none', length });
  expect(upstream.stats.idle).toBe(1);
});

test('an empty body of known length ends at once', async () => {
  const { recorder } = await answerOf('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n');
  expect(recorder.calls).toEqual(['head', 'end']);
  expect(recorder.answer).toMatchObject({ framing: 'length', length: 0, statusText: '' });
});

test('informational answers come before the head, each with its own headers', async () => {
  const { recorder } = await answerOf(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1\r\n\r\nx',
  );
  expect(recorder.informationals).toEqual([
    [100, []],
    [103, ['Link', '</a>']],
  ]);
  expect(recorder.answer?.headers).toEqual(['A', 'b', 'Content-Length', '1']);
  expect(recorder.calls).toEqual(['informational', 'informational', 'head', 'data', 'end']);
});

const EARLY = 'HTTP/1.1 102 Processing\r\n\r\n';
const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

test('32 informational answers are enough', async () => {
  expect((await answerOf(EARLY.repeat(32) + FINAL)).recorder.calls.at(-1)).toBe('end');
  expect((await answerOf(EARLY.repeat(33) + FINAL)).recorder.failure?.detail).toContain('too many informational');
});

test('64 KiB of headers are enough, in one header or in many', async () => {
  const fill = (size: number) => `HTTP/1.1 200 OK\r\nX-Fill: ${'a'.repeat(size)}\r\nContent-Length: 0\r\n\r\n`;
  expect((await answerOf(fill(65_000))).recorder.calls.at(-1)).toBe('end');
  expect((await answerOf(fill(65_536))).recorder.failure?.detail).toContain('head too large');
  const many = `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(20_000)}Content-Length: 0\r\n\r\n`;
  expect((await answerOf(many)).recorder.failure?.detail).toContain('head too large');
  const trailers = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'a:\r\n'.repeat(20_000)}\r\n`;
  expect((await answerOf(trailers)).recorder.failure?.detail).toContain('head too large');
});

const INVALID: Record<string, string> = {
  'not HTTP': 'SSH-2.0-OpenSSH_9.9\r\n',
  'another protocol': 'RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'an empty line first': `\r\n${FINAL}`,
  'HTTP/2.0': 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/0.9': 'HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n',
  'status 099': 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n',
  'status 1000': 'HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n',
  'status text with NUL': 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
  'status text with bare CR': 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n',
  'both length and chunked': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'both chunked and length': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'a list of lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab',
  'a signed length': 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na',
  'a hexadecimal length': 'HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\na',
  'an endless length': `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(18)}\r\n\r\na`,
  'two lengths for HEAD': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  'a coding besides chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'a coding instead of chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
  'chunked twice': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'bare LF after a header': 'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n',
  'bare LF at the end of the head': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n',
  'bare CR in a header': 'HTTP/1.1 200 OK\r\nA: b\rC: d\r\nContent-Length: 0\r\n\r\n',
  'NUL in a header': 'HTTP/1.1 200 OK\r\nA: b\0\r\nContent-Length: 0\r\n\r\n',
  'a folded header': 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n',
  'a space before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n',
  'a header without a name': 'HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n',
  'a header without a colon': 'HTTP/1.1 200 OK\r\nAb\r\nContent-Length: 0\r\n\r\n',
  'a chunk size that is none': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
  'a chunk size too large': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n`,
  'a chunk longer than its size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
  'bare LF after a chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n',
  'an upgrade nobody asked for': 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbytes',
};

test.each(Object.entries(INVALID))(
  'an invalid answer is refused and its connection destroyed: %s',
  async (name, answer) => {
    const { recorder, upstream } = await answerOf(answer, 'stay', name.endsWith('HEAD') ? HEAD : get());
    expect(recorder.failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('invalid answer') });
    expect(recorder.calls).not.toContain('end');
    expect(upstream.stats).toEqual({ open: 0, idle: 0, active: 0, queued: 0 });
  },
);

test('an upgrade nobody asked for is named as such', async () => {
  const { recorder } = await answerOf(INVALID['an upgrade nobody asked for']!);
  expect(recorder.failure?.detail).toContain('unsolicited upgrade');
});
