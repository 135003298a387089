/** Sockets, most of them never connected: do they, and what is put on them, behave as we rely on? Opens no port. */
import { randomUUID } from 'node:crypto';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Finding } from './habit.ts';
import { readAccepted, readWithout, SOCKET_HANDLE, SOCKET_PUSH } from './socket-read.ts';
import { keepReading, SOCKET_WRITE } from './socket-write.ts';
import { CARRIER, carrierOf } from './tls-socket.ts';

export async function probeSockets(withinMs: number): Promise<Finding[]> {
  return [
    { ...SOCKET_WRITE, isThere: holds(writesPassUs) },
    { ...CARRIER, isThere: holds(carrierIsKnown) },
    ...(await probeReading(withinMs)),
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

/** Over a socket of the file system, or on Linux of none: two reads, the second one asked for. */
async function readsPassUs(withinMs: number): Promise<boolean> {
  const path = `scopegate-probe-${randomUUID()}`;
  const seen = Promise.withResolvers<boolean>();
  const late = setTimeout(seen.resolve, withinMs, false);
  const server = createServer((accepted) => {
    let text = '';
    const { socket, readOn } = readAccepted(accepted, (bytes, length) => {
      text += bytes.toString('latin1', 0, length);
      if (text === '12') seen.resolve(true);
      setImmediate(() => {
        readOn();
        client.write('2');
      });
      return false;
    });
    socket.on('error', () => seen.resolve(false));
  });
  const client = new Socket();
  for (const each of [server, client]) each.on('error', () => seen.resolve(false));
  const place = process.platform === 'linux' ? `\0${path}` : join(tmpdir(), path);
  server.listen(place, () => client.connect(place, () => client.write('1')));
  const isThere = await seen.promise.catch(() => false);
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
