/** Two fallbacks that no real Node of today takes: their words, and what they leave alone. */
import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { passOnUndelivered } from '../../src/node-internals/cluster-handover.ts';
import { unblockerOf } from '../../src/node-internals/nonblocking.ts';

/** A worker whose process says `first` before it is online. */
function workerThatSays(first: object) {
  const sent: unknown[] = [];
  const process = Object.assign(new EventEmitter(), { send: (...given: unknown[]) => sent.push(given) > 0 });
  const worker = Object.assign(new EventEmitter(), { process, isConnected: () => false });
  let unknown = 0;
  passOnUndelivered(worker as unknown as Worker, () => unknown++);
  process.emit('internalMessage', first);
  worker.emit('online');
  const closed: string[] = [];
  process.send({ cmd: 'NODE_CLUSTER', seq: 7, key: 'port' }, { close: () => closed.push('closed') });
  return { process, sent, closed, unknown: () => unknown };
}

it('a cluster that speaks as we know it: a connection that its process died on is not kept', () => {
  const worker = workerThatSays({ cmd: 'NODE_CLUSTER', act: 'online', seq: 1 });
  expect(worker.unknown()).toBe(0);
  worker.process.emit('exit');
  expect(worker.closed).toEqual(['closed']);
  expect(worker.sent).toHaveLength(1);
});

it('a cluster that speaks otherwise is told of, and left to itself', () => {
  const worker = workerThatSays({ cmd: 'NODE_FLEET', act: 'online', number: 1 });
  expect(worker.unknown()).toBe(1);
  worker.process.emit('exit');
  expect(worker.closed).toEqual([]);
  expect(worker.sent).toHaveLength(1);
});

it('a socket that cannot be told not to block is written to as it is', () => {
  const withHandle = (handle: object | null) => () => Object.assign(new Socket(), { _handle: handle });
  expect(unblockerOf(9, withHandle(null))).toBeNull();
  expect(unblockerOf(9, withHandle({}))).toBeNull();
  const said: boolean[] = [];
  unblockerOf(9, withHandle({ setBlocking: (blocking: boolean) => said.push(blocking) }))!();
  expect(said).toEqual([false]);
});
