/**
 * The load of the scenarios that keep connections open: opens all, waits until messages come on each, then counts them for
 * a while, and what CPU time the candidate takes meanwhile. Reads what to do from standard input, writes one line of JSON.
 */
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile, treeCpuSeconds } from '../measure.ts';
import { CLIENT_FRAME, EVENT_EVERY_MS, SERVER_FRAME, writtenAtNs } from '../peers/messages.ts';

export interface MessagesPlan {
  readonly url: string;
  readonly kind: 'events' | 'sockets';
  /** Whole heads, for one connection after the other. */
  readonly heads: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** The candidate. */
  readonly pid: number;
}

export interface MessagesResult {
  /** In both directions. */
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Connections on which nothing came, or which ended. */
  readonly failed: number;
}

const SEND_TURNS = 10;
const AT_ONCE = 50;
/** Nobody waits so long for a head on a machine that does anything else. */
const OPEN_MS = 20_000;
const plan = JSON.parse(await text(process.stdin)) as MessagesPlan;
const { hostname, port } = new URL(plan.url);
const latencies: number[] = [];
const heardFrom = new Set<Socket>();
let messages = 0;
let ended = 0;

/** A connection past its head. */
function open(head: string, sentAtMs: { value: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.once('connect', () => socket.write(head));
    socket.on('error', reject).on('close', () => ended++);
    const late = setTimeout(() => reject(new Error('no answer to the head of a connection')), OPEN_MS);
    let begun = '';
    const beginning = (chunk: Buffer) => {
      begun += chunk.toString('latin1');
      if (!begun.includes('\r\n\r\n')) return;
      const status = Number(begun.slice(9, 12));
      if (status !== (plan.kind === 'events' ? 200 : 101)) return reject(new Error(begun));
      clearTimeout(late);
      socket.off('data', beginning);
      socket.on('data', plan.kind === 'events' ? events(socket) : frames(socket, sentAtMs));
      resolve(socket);
    };
    socket.on('data', beginning);
  });
}

function events(socket: Socket): (chunk: Buffer) => void {
  return (chunk) => {
    heardFrom.add(socket);
    const said = chunk.toString('latin1');
    for (let end = said.indexOf('\n\n'); end !== -1; end = said.indexOf('\n\n', end + 2)) messages++;
    const written = writtenAtNs(said);
    if (written !== null) latencies.push(Number(process.hrtime.bigint() - written) / 1e6);
  };
}

function frames(socket: Socket, sentAtMs: { readonly value: number }): (chunk: Buffer) => void {
  let bytes = 0;
  return (chunk) => {
    heardFrom.add(socket);
    bytes += chunk.length;
    for (; bytes >= SERVER_FRAME.length; bytes -= SERVER_FRAME.length) {
      messages += 2;
      latencies.push(performance.now() - sentAtMs.value);
    }
  };
}

const opened: Array<{ readonly socket: Socket; readonly sentAtMs: { value: number } }> = [];
// A few at a time: the backlog of a listener is short.
for (let begun = 0; begun < plan.connections; begun += AT_ONCE) {
  const some = Array.from({ length: Math.min(AT_ONCE, plan.connections - begun) }, async (_, index) => {
    const sentAtMs = { value: 0 };
    return { socket: await open(plan.heads[(begun + index) % plan.heads.length]!, sentAtMs), sentAtMs };
  });
  opened.push(...(await Promise.all(some)));
}
let turn = 0;
if (plan.kind === 'sockets')
  setInterval(() => {
    for (let index = turn; index < opened.length; index += SEND_TURNS) {
      const { socket, sentAtMs } = opened[index]!;
      sentAtMs.value = performance.now();
      socket.write(CLIENT_FRAME);
    }
    turn = (turn + 1) % SEND_TURNS;
  }, EVENT_EVERY_MS / SEND_TURNS);

// What it takes to open a connection is no part of what a message costs.
await pause(1000);
heardFrom.clear();
latencies.length = 0;
messages = 0;
const startedMs = performance.now();
const cpuBefore = treeCpuSeconds(plan.pid);
await pause(plan.seconds * 1000);
const sorted = latencies.toSorted((left, right) => left - right);
const result: MessagesResult = {
  messages,
  seconds: (performance.now() - startedMs) / 1000,
  cpuSeconds: treeCpuSeconds(plan.pid) - cpuBefore,
  p50Ms: sorted.length === 0 ? 0 : percentile(sorted, 0.5),
  p99Ms: sorted.length === 0 ? 0 : percentile(sorted, 0.99),
  failed: plan.connections - heardFrom.size + ended,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
