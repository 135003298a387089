/**
 * Keeps a socket readable behind a write that failed. Node destroys it then, and with it what the kernel has already
 * received: the answer of an upstream that did not wait for the whole request. Writes nothing itself.
 */
import type { Socket } from 'node:net';
import type { Habit } from './habit.ts';

export const SOCKET_WRITE: Habit = {
  name: "socket._write and socket._writev: a failed write that does not end the socket's reading",
  fallback: 'the early answer of an upstream that does not wait for the whole request may be lost, as 502',
};

type Done = (error?: Error | null) => void;

/**
 * From here on no write on `socket` fails; the end, or the reset, is met by reading. `failed` is told the code of each,
 * and `isFailed` whether to write no more.
 */
export function keepReading(socket: Socket, isFailed: () => boolean, failed: (code: string) => void): void {
  // A stream gives one and the same to all its writes.
  let known: Done | undefined;
  let heeded: Done | undefined;
  const heed = (done: Done): Done => {
    if (heeded !== undefined && done === known) return heeded;
    known = done;
    heeded = (error) => {
      if (error != null) failed((error as NodeJS.ErrnoException).code ?? error.message);
      done();
    };
    return heeded;
  };
  const _write = socket._write.bind(socket);
  socket._write = (chunk, encoding, done) => {
    if (isFailed()) done();
    else _write(chunk, encoding, heed(done));
  };
  // Where there is none, Node hands over one chunk after the other.
  const _writev = socket._writev?.bind(socket);
  if (_writev === undefined) return;
  socket._writev = (chunks, done) => {
    if (isFailed()) done();
    else _writev(chunks, heed(done));
  };
}
