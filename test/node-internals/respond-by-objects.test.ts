/** On a Node whose HTTP/2 takes fields as an object alone, and keeps its open streams elsewhere, answers are the same. */
import { expect, it } from 'vitest';
import { leaveOpenStreams } from '../../src/node-internals/h2-open-streams.ts';
import { respondByObjects } from '../../src/node-internals/h2-stream.ts';
import { askH2, h2 } from '../http/h2-client.ts';
import { startTlsGateway } from '../http/harness.ts';
import { Recorder } from '../support/recorder.ts';

it('an answer keeps its status, its fields and what is said twice', async () => {
  respondByObjects();
  leaveOpenStreams();
  await using upstream = await Recorder.start();
  upstream.reply = () => 'HTTP/1.1 201 Made\r\nContent-Length: 2\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\n\r\nok';
  await using own = await startTlsGateway(upstream.url, {
    routes: [{ id: 'public', match: { path: '/**' }, public: true }],
  });
  using session = await h2(own.gateway.url);
  const answer = await askH2(session, { ':path': '/x' });
  expect([answer.status, answer.body]).toEqual([201, 'ok']);
  expect([answer.headers['x-a'], answer.headers['x-b']]).toEqual(['1, 3', '2']);
});
