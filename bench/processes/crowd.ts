/**
 * Clients that hold a gateway's attention without using it: `slow` ones send a head byte by byte and begin anew when
 * they are cut, `idle` ones ask once and keep their connection, `guessing` ones show one token after the other that
 * nobody knows. Says when all are there; lives until it is ended.
 */
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { mintToken } from '../../src/secret.ts';

export interface CrowdPlan {
  readonly url: string;
  readonly kind: 'slow' | 'idle' | 'guessing';
  readonly clients: number;
  /** A whole request, for `idle`. */
  readonly request: string;
}

const plan = JSON.parse(await text(process.stdin)) as CrowdPlan;
const { hostname, port } = new URL(plan.url);
const HEAD = 'GET /api/v1/workflows HTTP/1.1\r\nHost: api.test\r\nX-Slow: ';

function open(begun: () => void): void {
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.on('error', () => socket.destroy());
  if (plan.kind === 'guessing') {
    const guess = () => {
      const token = mintToken('pat_').reveal();
      socket.write(`GET /api/v1/workflows HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    };
    socket.once('connect', guess);
    socket.once('data', begun).on('data', guess);
    return;
  }
  if (plan.kind === 'idle') {
    socket.once('connect', () => socket.write(plan.request));
    socket.once('data', begun).resume();
    return;
  }
  let sent = 0;
  const dripping = setInterval(() => socket.write(sent < HEAD.length ? HEAD[sent++]! : 'x'), 100);
  socket.once('connect', begun);
  socket.resume().once('close', () => {
    clearInterval(dripping);
    open(() => {});
  });
}

// A few at a time: the backlog of a listener is short.
for (let opened = 0; opened < plan.clients; opened += 50) {
  const some = Math.min(50, plan.clients - opened);
  await Promise.all(Array.from({ length: some }, () => new Promise<void>((resolve) => open(resolve))));
}
process.stdout.write(`${JSON.stringify({ gateway: plan.url })}\n`);
