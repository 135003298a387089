/** What we rely on without Node promising it is looked at when a process starts, and its absence is told. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkNodeInternals } from '../../src/node-internals/check.ts';
import { first } from '../support/certificates.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';
import { Harness } from '../workers/harness.ts';
import { deaf, fixed, hidden, preloading } from './other-node.ts';

const HTTP = "import { OutgoingMessage } from 'node:http'";
const STREAM = "import { Duplex, Readable } from 'node:stream'";
const NET = "import { Socket } from 'node:net'";
/** As where a socket is no file. */
const NO_FD =
  "import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; fs.writevSync = () => 0; syncBuiltinESMExports()";

/** Where an object has nothing by the name of `state`. */
const NO_STATE =
  "const own = Object.getOwnPropertySymbols; Object.getOwnPropertySymbols = (of) => own(of).filter((one) => one.description !== 'state')";

let harness: Harness | undefined;
let upstream: HttpUpstream | undefined;
afterEach(async () => {
  await harness?.[Symbol.asyncDispose]();
  await upstream?.stop();
  harness = undefined;
  upstream = undefined;
});

it('this Node is as we know it', async () => {
  expect(await checkNodeInternals({ http2: true })).toBeNull();
});

describe('a start without what nothing can be served without ends with a clear error', () => {
  it.each([
    ['socket._httpMessage', hidden(STREAM, 'Duplex', '_httpMessage'), 1],
    ['socket._httpMessage', hidden(STREAM, 'Duplex', '_httpMessage'), 2],
    ['socket.parser', hidden(STREAM, 'Duplex', 'parser'), 1],
    ['response.shouldKeepAlive', deaf(HTTP, 'OutgoingMessage', 'shouldKeepAlive'), 1],
  ])('%s', async (name, code, workers) => {
    harness = await Harness.prepare({ gateway: { workers } });
    harness.env = preloading(code);
    const running = harness.run();
    expect(await running.exit()).toBe(1);
    expect(running.stderr()).toContain(`scopegate: Node ${process.versions.node} lacks`);
    expect(running.stderr()).toContain(name);
    expect(running.stderr()).toMatch(/Run scopegate with Node 24\.\d+\.\d+/);
    expect(running.stdout()).not.toContain('"msg":"ready:');
  });
});

describe('where there is a fallback it is taken, and the operator is told', () => {
  it.each([
    ['request.push', fixed(STREAM, 'Readable', 'push'), /request\.push/],
    ['socket._write', fixed(NET, 'Socket', '_write', '_writev'), /socket\._write and socket\._writev/],
    ['tlsSocket._parent', hidden(STREAM, 'Duplex', '_parent'), /tlsSocket\._parent/],
    ['socket._handle.fd', NO_FD, /socket\._handle\.fd/],
    ['socket.destroySoon', deaf(STREAM, 'Duplex', 'destroySoon'), /socket\.destroySoon/],
  ])('%s', async (_name, code, told) => {
    harness = await Harness.prepare({ gateway: { workers: 1 }, ...(await slowUpstream()) });
    harness.env = preloading(code);
    await harness.serve();
    const [warning, ...others] = warnings();
    expect(others).toEqual([]);
    expect(warning).toMatch(told);
    expect(warning).toContain('without it');
    expect(warning, 'what is not served is not looked at').not.toContain('node:http2');
    await uploads();
  });

  it.each([
    ['stream.push', fixed(STREAM, 'Readable', 'push'), /request\.push.*stream\.push and stream\._read/],
    ['session[kState].streams', NO_STATE, /session\[kState\]\.streams/],
  ])('%s of HTTP/2, where that is served', async (_name, code, told) => {
    const tls = { cert: 'cert.pem', key: 'key.pem', http2: true };
    harness = await Harness.prepare({ gateway: { workers: 1, tls } });
    for (const part of ['cert', 'key'] as const) writeFileSync(join(harness.folder, tls[part]), first[part]);
    harness.env = preloading(code);
    await harness.serve();
    expect(warnings()).toEqual([expect.stringMatching(told)]);
  });
});

function warnings(): string[] {
  const lines = harness!.process.stdout().split('\n');
  return lines.filter((line) => line.includes('"level":40') && line.includes('lacks'));
}

/** The section of the settings for one that takes its time, and answers with a digest of what it got. */
async function slowUpstream() {
  upstream = await startHttpUpstream((asked, answer) => {
    const hash = createHash('sha256');
    asked.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      asked.pause();
      setImmediate(() => asked.resume());
    });
    asked.on('end', () => answer.end(hash.digest('hex')));
  });
  return { upstreams: { platform: { targets: [upstream.url] } } };
}

/** Four megabytes arrive byte for byte. */
async function uploads(): Promise<void> {
  const bytes = randomBytes(4 * 1024 * 1024);
  const client = request(`${harness!.gateway}/open/upload`, { method: 'POST', agent: false });
  client.end(bytes);
  const [answer] = await once(client, 'response');
  expect(answer.statusCode).toBe(200);
  const text = (await answer.setEncoding('utf8').toArray()).join('');
  expect(text).toBe(createHash('sha256').update(bytes).digest('hex'));
}
