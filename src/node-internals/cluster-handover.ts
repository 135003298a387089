/**
 * Connections that a process dies on before it has taken them go to another, where Node's cluster would leave them
 * hanging: the primary keeps a connection until the process says that it has taken it, and forgets it when that dies. In
 * its place we say that it has not. Reads the messages that node:cluster sends, and forges that one.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Habit } from './habit.ts';

export const CLUSTER_MESSAGES: Habit = {
  name: 'the NODE_CLUSTER messages of node:cluster: which connections a process has not taken yet',
  fallback: 'the few connections that a process dies on hang until their clients give up',
};

const CMD = 'NODE_CLUSTER';

interface Handle {
  close(): void;
}

interface ClusterMessage {
  readonly cmd?: unknown;
  readonly seq?: unknown;
  readonly key?: unknown;
}

/** `unknown` is called where the first message of the process is in words that we do not know; Node then does as it does. */
export function passOnUndelivered(worker: Worker, unknown: () => void): void {
  const { process: child } = worker;
  const send = child.send.bind(child) as (...given: unknown[]) => boolean;
  // One at a time for each port.
  const underWay = new Map<unknown, { readonly ack: unknown; readonly handle: Handle }>();
  let isKnown = false;
  // Before Node's own listener, which tells `online` within.
  child.prependListener('internalMessage', (message: ClusterMessage | null) => {
    isKnown ||= message?.cmd === CMD && typeof message.seq === 'number';
  });
  worker.once('online', () => {
    if (!isKnown) unknown();
  });
  child.send = (...given: unknown[]) => {
    const [message, handle] = given as [ClusterMessage | null, Handle | null | undefined];
    if (isKnown && typeof handle?.close === 'function' && typeof message?.seq === 'number')
      underWay.set(message.key, { ack: message.seq, handle });
    return send(...given);
  };
  const ended = () => {
    // Whatever it did say has been heard by then.
    if (worker.isConnected()) return void setTimeout(ended, 1);
    // Node does not say so while it waits for word of a connection, and so would hand it more of them.
    if (child.listenerCount('disconnect') > 0) child.emit('disconnect');
    const others = Object.values(cluster.workers ?? {}).some((other) => other !== worker && isListening(other));
    for (const { ack, handle } of underWay.values()) {
      if (others) child.emit('internalMessage', { cmd: CMD, ack, accepted: false });
      else handle.close();
    }
  };
  child.once('exit', ended);
}

/** One that never was, for want of a process: Node would keep it in mind. */
export function forget(worker: Worker): void {
  delete cluster.workers?.[worker.id];
}

/** The process ends by itself when its supervisor is gone: else Node ends it at once. */
export function outliveSupervisor(worker: Worker): void {
  worker.exitedAfterDisconnect = true;
}

function isListening(worker: Worker | undefined): boolean {
  return worker?.isConnected() === true && (worker as Worker & { state?: string }).state === 'listening';
}
