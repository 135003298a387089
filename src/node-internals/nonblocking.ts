/** Keeps a socket that other processes share from making its writers wait. Writes nothing. */
import { Socket } from 'node:net';

interface Handle {
  setBlocking?(blocking: boolean): unknown;
}

/**
 * The way to make writes to the socket `fd` answer EAGAIN instead of waiting: to be called before each, since every
 * process that shares it may change that. null: this Node has no way, and a write waits for its reader.
 */
export function unblockerOf(
  fd: number,
  open = (of: number) => new Socket({ fd: of, readable: false, writable: true }),
) {
  const socket = open(fd);
  socket.unref();
  const { _handle: handle } = socket as unknown as { _handle?: Handle | null };
  if (typeof handle?.setBlocking !== 'function') return null;
  return () => void handle.setBlocking!(false);
}
