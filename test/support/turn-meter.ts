/**
 * Loaded into a process before anything else (`--import`): measures how long its event loop takes to come round, while
 * somebody is connected to the socket that SCOPEGATE_TURNS names, and tells them the longest turn when they ask. By CPU
 * time of the thread, so that another process that has the core does not count; by the clock, too.
 */
import { createServer } from 'node:net';

const path = process.env.SCOPEGATE_TURNS;
// Once: a worker or child that inherits the environment is not who is measured.
delete process.env.SCOPEGATE_TURNS;
if (path !== undefined) listen(path);

function listen(socketPath: string): void {
  const server = createServer((socket) => {
    let cpuMs = 0;
    let wallMs = 0;
    let open = true;
    let last = reading();
    const turn = () => {
      const now = reading();
      cpuMs = Math.max(cpuMs, now.cpuMs - last.cpuMs);
      wallMs = Math.max(wallMs, now.wallMs - last.wallMs);
      last = now;
      if (open) setImmediate(turn);
    };
    setImmediate(() => {
      last = reading();
      socket.write('ready\n');
      setImmediate(turn);
    });
    socket.on('data', () => {
      socket.end(`${JSON.stringify({ cpuMs, wallMs })}\n`);
      open = false;
    });
    socket.on('error', () => {
      open = false;
    });
  });
  server.listen(socketPath);
  server.unref();
}

function reading(): { readonly cpuMs: number; readonly wallMs: number } {
  const { user, system } = process.threadCpuUsage();
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() };
}
