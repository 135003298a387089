/** The ports people expect, where they are free. Listens on none for longer than it takes to see that. */
import { createServer } from 'node:net';

type ChoosePort = (preferred: number) => Promise<number>;

/** What was free when we looked may be somebody else's by the time we want it; then whatever the system gives will do. */
export async function onFreePorts<T>(start: (port: ChoosePort) => Promise<T>): Promise<T> {
  try {
    return await start(freePort);
  } catch (error) {
    const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw error;
    return start(async () => 0);
  }
}

/** The preferred port, or any free one when it is busy. */
async function freePort(preferred: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(preferred, '127.0.0.1', () => probe.close(() => resolve(preferred)));
  });
}
