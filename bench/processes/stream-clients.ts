/**
 * Clients that hold event streams open: opens all, says so, and writes one more line of JSON when all have ended: when
 * each did (milliseconds since 1970), and how many of them with a last word. Asks for nothing else.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface StreamsPlan {
  readonly url: string;
  readonly token: string;
  readonly streams: number;
}

export interface StreamsEnded {
  readonly endedAtMs: readonly number[];
  readonly withLastWord: number;
}

const plan = JSON.parse(await text(process.stdin)) as StreamsPlan;
const { hostname, port } = new URL(plan.url);
const REQUEST = `GET /bodies/x HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${plan.token}\r\n\r\n`;
const endedAtMs: number[] = [];
let withLastWord = 0;

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.setEncoding('latin1');
    socket.once('connect', () => socket.write(REQUEST));
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      endedAtMs.push(performance.timeOrigin + performance.now());
      socket.destroy();
      if (endedAtMs.length < plan.streams) return;
      process.stdout.write(`${JSON.stringify({ endedAtMs, withLastWord } satisfies StreamsEnded)}\n`);
    };
    socket.on('data', (chunk: string) => {
      if (chunk.startsWith('HTTP/1.1 200')) resolve();
      else if (chunk.startsWith('HTTP/1.1')) reject(new Error(chunk));
      if (!chunk.includes('event: error')) return;
      withLastWord += 1;
      over();
    });
    socket.on('error', over).on('close', over);
  });
}

for (let opened = 0; opened < plan.streams; opened += 50)
  await Promise.all(Array.from({ length: Math.min(50, plan.streams - opened) }, open));
process.stdout.write(`${JSON.stringify({ gateway: plan.url })}\n`);
