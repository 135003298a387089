/** One request of HTTP/2 in memory, with trailers, and its answer: does Node's own http2 do what we rely on? Opens no port. */
import { connect, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { H2_PUSH, h2BodyOf, takeChunks } from './body-push.ts';
import { ANSWER_END, hearAnswer, RAW_ANSWER, requestWith } from './h2-client.ts';
import { OPEN_STREAMS, takeOpenStreams } from './h2-open-streams.ts';
import { onRawTrailers, RAW_RESPONSE, RAW_TRAILERS, respondWith } from './h2-stream.ts';
import type { Finding } from './habit.ts';

export async function probeH2(withinMs: number): Promise<Finding[]> {
  const seen = { trailers: false, push: false, response: false, answer: false, end: false, streams: false };
  const [ours, theirs] = duplexPair();
  const over = Promise.withResolvers<void>();
  const late = setTimeout(over.resolve, withinMs);
  const server = performServerHandshake(theirs);
  const open = takeOpenStreams(server);
  server.on('error', () => over.resolve());
  server.on('stream', (stream: ServerHttp2Stream) => {
    seen.streams = open !== null && open.get(stream.id!) === stream;
    stream.on('error', () => over.resolve());
    takeChunks(h2BodyOf(stream), () => {
      seen.push = typeof stream._read === 'function';
      return true;
    });
    onRawTrailers(stream, (raw) => {
      seen.trailers = raw[0] === 'x-probe' && raw[1] === '1';
    });
    stream.on('end', () => {
      try {
        respondWith(stream, [':status', '299', 'x-probe', '1', 'x-probe', '2'], {});
        stream.end('x');
      } catch {
        over.resolve();
      }
    });
    stream.resume();
    // What comes with the head would have been buffered already.
    setImmediate(() => request.end('x'));
  });
  const client = connect('http://probe', { createConnection: () => ours as Duplex as never });
  client.on('error', () => over.resolve());
  const fields = [':method', 'POST', ':scheme', 'http', ':authority', 'probe', ':path', '/'];
  const request = requestWith(client, fields, { endStream: false, waitForTrailers: true });
  hearAnswer(request, {
    interim: () => undefined,
    head: (raw) => {
      seen.answer = raw.slice(0, 6).join() === ':status,299,x-probe,1,x-probe,2';
    },
    data: () => true,
    trailers: () => undefined,
    ended: () => {
      seen.end = true;
    },
    closed: () => over.resolve(),
  });
  request.on('response', (answer) => {
    seen.response = answer[':status'] === 299 && answer['x-probe'] === '1, 2';
  });
  request.on('wantTrailers', () => request.sendTrailers({ 'x-probe': '1' }));
  await over.promise;
  clearTimeout(late);
  client.destroy();
  server.destroy();
  return [
    { ...H2_PUSH, isThere: seen.push },
    { ...RAW_TRAILERS, isThere: seen.trailers },
    { ...OPEN_STREAMS, isThere: seen.streams && open!.size === 0 },
    { ...RAW_RESPONSE, isThere: seen.response },
    { ...RAW_ANSWER, isThere: seen.answer },
    { ...ANSWER_END, isThere: seen.end },
  ];
}
