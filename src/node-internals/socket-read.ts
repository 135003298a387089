/**
 * The bytes of a socket, taken as they are read, by a `push` of our own in the place of the stream's: its buffer and its
 * events are a tenth of what a request costs. Looks at no byte.
 */
import type { Socket } from 'node:net';
import type { Habit } from './habit.ts';

export const SOCKET_PUSH: Habit = {
  name: 'socket.push and socket._read: bytes taken before they are buffered',
  fallback: 'a request costs a few microseconds more',
};

let byEvents = false;

/** Found at the start: this Node does not call a `push` of ours. From here on bytes are taken by events. */
export function takeBytesByEvents(): void {
  byEvents = true;
}

/** `take`: is given all that is read, and says whether more may be. Returns the way to read on after a no. */
export function takeBytes(socket: Socket, take: (bytes: Buffer) => boolean): () => void {
  if (byEvents) {
    socket.on('data', (bytes: Buffer) => {
      if (!take(bytes)) socket.pause();
    });
    return () => socket.resume();
  }
  const push = socket.push.bind(socket);
  socket.push = (bytes: Buffer | null): boolean => (bytes === null ? push(null) : take(bytes));
  return () => socket._read(0);
}
