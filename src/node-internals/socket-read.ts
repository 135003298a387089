/**
 * The bytes of an accepted socket, as they are read: into one buffer of ours for all sockets, or by a `push` of our own in the
 * place of the stream's. Its buffer and its events are a tenth of what a request costs. Looks at no byte.
 */
import { type Server, Socket } from 'node:net';
import type { Habit } from './habit.ts';

const PRICE = 'a request costs a few microseconds more';
export const SOCKET_HANDLE: Habit = {
  name: 'socket._handle: an accepted socket that reads into a buffer of ours, as one that connects may (onread)',
  fallback: PRICE,
};
export const SOCKET_PUSH: Habit = {
  name: 'socket.push and socket._read: bytes taken before they are buffered',
  fallback: PRICE,
};

/** What Node reads at once. */
const READ_BYTES = 64 * 1024;
/** One for all: what was read is used up, or copied, before the next read happens. */
const room = Buffer.allocUnsafeSlow(READ_BYTES);

const missing = new Set<Habit>();

/** Found at the start: this Node does it otherwise. From here on bytes are taken in another way. */
export function readWithout(habit: Habit): void {
  missing.add(habit);
}

/** The first `length` of `bytes`. `isLent`: they are somebody else's once this returns. false: no more may be read now. */
export type TakeBytes = (bytes: Buffer, length: number, isLent: boolean) => boolean;

export interface SocketReading {
  /** From here on: where its reading was taken over, not the one that was accepted. */
  readonly socket: Socket;
  /** After a no. */
  readonly readOn: () => void;
}

/** Of a socket of `net.Server` that was accepted in this turn, and nobody has read from; TLS has bytes of its own. */
export function readAccepted(accepted: Socket, take: TakeBytes): SocketReading {
  if (!missing.has(SOCKET_HANDLE) && !('encrypted' in accepted)) return takeOver(accepted, take);
  if (!missing.has(SOCKET_PUSH)) return takePushed(accepted, take);
  accepted.on('data', (bytes: Buffer) => {
    if (!take(bytes, bytes.length, false)) accepted.pause();
  });
  return { socket: accepted, readOn: () => accepted.resume() };
}

type Inside = Socket & { _handle: object | null; _server: Server | null; server: Server | null };

function takeOver(accepted: Socket, take: TakeBytes): SocketReading {
  const from = accepted as Inside;
  const { _handle: handle, _server, server } = from;
  from._handle = from._server = from.server = null;
  const callback = (length: number) => take(room, length, true);
  const socket = new Socket({ handle, allowHalfOpen: true, onread: { buffer: room, callback } } as object) as Inside;
  Object.assign(socket, { _server, server });
  return { socket, readOn: () => socket.resume() };
}

function takePushed(socket: Socket, take: TakeBytes): SocketReading {
  const push = socket.push.bind(socket);
  socket.push = (bytes: Buffer | null): boolean => (bytes === null ? push(null) : take(bytes, bytes.length, false));
  return { socket, readOn: () => socket._read(0) };
}
