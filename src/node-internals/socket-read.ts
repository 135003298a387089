/**
 * The bytes of an accepted socket, as they are read: into one buffer of ours for all sockets, or by a `push` of our own in the
 * place of the stream's. Its buffer and its events are a tenth of what a request costs. Looks at no byte.
 */
import { Socket } from 'node:net';
import type { Habit } from './habit.ts';

const PRICE = 'a request costs a few microseconds more';
export const SOCKET_HANDLE: Habit = {
  name: 'socket._handle.useUserBuffer: an accepted socket that reads into a buffer of ours, as one that connects may (onread)',
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

/**
 * Of a socket of `net.Server` that was accepted in this turn, and nobody has read from; TLS has bytes of its own. Returns how
 * to read on after a no.
 */
export function readAccepted(accepted: Socket, take: TakeBytes): () => void {
  if (!missing.has(SOCKET_HANDLE) && !('encrypted' in accepted)) return readIntoRoom(accepted as Inside, take);
  if (!missing.has(SOCKET_PUSH)) return takePushed(accepted, take);
  accepted.on('data', (bytes: Buffer) => {
    if (!take(bytes, bytes.length, false)) accepted.pause();
  });
  return () => accepted.resume();
}

interface Handle {
  useUserBuffer(buffer: Buffer): void;
}
type Inside = Socket & { readonly _handle: Handle } & Record<symbol, unknown>;

/** Where a socket keeps what it was made with as `onread`: found by looking at one. */
const [BUFFER, CALLBACK] = ownSymbols('kBuffer', 'kBufferCb');

/** What the constructor does for a socket that is to connect. A socket of ours in its place would cost as much again. */
function readIntoRoom(socket: Inside, take: TakeBytes): () => void {
  socket[BUFFER!] = room;
  socket[CALLBACK!] = (length: number) => take(room, length, true);
  socket._handle.useUserBuffer(room);
  return () => socket.resume();
}

function ownSymbols(...names: string[]): Array<symbol | undefined> {
  const own = Object.getOwnPropertySymbols(new Socket());
  return names.map((name) => own.find(({ description }) => description === name));
}

function takePushed(socket: Socket, take: TakeBytes): () => void {
  const push = socket.push.bind(socket);
  socket.push = (bytes: Buffer | null): boolean => (bytes === null ? push(null) : take(bytes, bytes.length, false));
  return () => socket._read(0);
}
