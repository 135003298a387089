/** Sockets, most of them never connected: do they, and what is put on them, behave as we rely on? Opens no port. */
import { randomUUID } from 'node:crypto';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Finding } from './habit.ts';
import { readAccepted, readWithout, SOCKET_HANDLE, SOCKET_PUSH } from './socket-read.ts';
import { learnSending, SOCKET_FD, SOCKET_SEND, sendByStream, sendBytesByStream, TextSender } from './socket-send.ts';
import { keepReading, SOCKET_WRITE } from './socket-write.ts';
import { CARRIER, carrierOf } from './tls-socket.ts';

export async function probeSockets(withinMs: number): Promise<Finding[]> {
  return [
    { ...SOCKET_WRITE, isThere: holds(writesPassUs) },
    { ...CARRIER, isThere: holds(carrierIsKnown) },
    ...(await probeReading(withinMs)),
    await probeSending(withinMs),
    await probeSendingBytes(withinMs),
  ];
}

/** A write that failed already would be one that Node tells the socket of. */
function writesPassUs(): boolean {
  const socket = new Socket();
  let asked = 0;
  keepReading(
    socket,
    () => {
      asked++;
      return true;
    },
    () => undefined,
  );
  socket.write('x');
  const one = asked;
  socket.cork();
  socket.write('x');
  socket.write('x');
  socket.uncork();
  socket.destroy();
  return one === 1 && asked > one;
}

function carrierIsKnown(): boolean {
  const carrier = new Socket();
  const encrypted = new TLSSocket(carrier, { isServer: true, secureContext: createSecureContext() });
  const isKnown = carrierOf(encrypted) === carrier && typeof carrier.resetAndDestroy === 'function';
  encrypted.destroy();
  carrier.destroy();
  return isKnown;
}

/** The first way that works is the one that is used from here on. */
async function probeReading(withinMs: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const habit of [SOCKET_HANDLE, SOCKET_PUSH]) {
    const isThere = await readsPassUs(withinMs);
    findings.push({ ...habit, isThere });
    if (isThere) break;
    readWithout(habit);
  }
  return findings;
}

/** Two reads, the second one asked for. */
function readsPassUs(withinMs: number): Promise<boolean> {
  return overPair(withinMs, (accepted, client, seen) => {
    let text = '';
    const readOn = readAccepted(accepted, (bytes, length) => {
      text += bytes.toString('latin1', 0, length);
      if (text === '12') seen(true);
      setImmediate(() => {
        readOn();
        client.write('2');
      });
      return false;
    });
    client.write('1');
  });
}

/** A text by the stream, one by us, and one by the stream arrive in this order. */
async function probeSending(withinMs: number): Promise<Finding> {
  const isThere = await overPair(withinMs, async (accepted, client, seen) => {
    let text = '';
    accepted.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.length === 3) seen(text === '123');
    });
    if (!(await learnSending(client, '1'))) return seen(false);
    const sender = new TextSender(client, () => undefined);
    sender.send('2');
    client.write('3');
    if (sender.sentBytes !== 1) seen(false);
  });
  if (!isThere) sendByStream();
  return { ...SOCKET_SEND, isThere };
}

/** The same of bytes between two texts. */
async function probeSendingBytes(withinMs: number): Promise<Finding> {
  const isThere = await overPair(withinMs, (accepted, client, seen) => {
    let text = '';
    accepted.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.length === 6) seen(text === '123456');
    });
    client.write('1', () => {
      const sender = new TextSender(client, () => undefined);
      if (sender.sendBytes('2', Buffer.from('3'), '4') + sender.sendBytes('', Buffer.from('5'), '') !== 4) seen(false);
      client.write('6');
    });
  });
  if (!isThere) sendBytesByStream();
  return { ...SOCKET_FD, isThere };
}

type Trial = (accepted: Socket, client: Socket, seen: (isThere: boolean) => void) => void | Promise<void>;

/** Over a socket of the file system, or on Linux of none. */
async function overPair(withinMs: number, trial: Trial): Promise<boolean> {
  const path = `scopegate-probe-${randomUUID()}`;
  const seen = Promise.withResolvers<boolean>();
  const late = setTimeout(seen.resolve, withinMs, false);
  const client = new Socket();
  const server = createServer((accepted) => {
    accepted.on('error', () => seen.resolve(false));
    (async () => trial(accepted, client, seen.resolve))().catch(() => seen.resolve(false));
  });
  for (const each of [server, client]) each.on('error', () => seen.resolve(false));
  const place = process.platform === 'linux' ? `\0${path}` : join(tmpdir(), path);
  server.listen(place, () => client.connect(place));
  const isThere = await seen.promise;
  clearTimeout(late);
  client.destroy();
  server.close();
  return isThere;
}

function holds(probe: () => boolean): boolean {
  try {
    return probe();
  } catch {
    return false;
  }
}
