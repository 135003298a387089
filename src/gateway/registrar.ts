/**
 * Writes down what upstreams have made or removed. What goes wrong is told in the log and counted, never to the client: its
 * request has been carried out. No answer waits for a store for longer than a few seconds.
 */
import type { Allowed } from '../core/decide.ts';
import type { Registrar, RegistrationPlace } from '../edge/registrar.ts';
import { type Registering, registerResource, unregisterResource } from '../manage/organization/registered-resources.ts';
import { Rejection } from '../manage/rejection.ts';
import type { Clock } from '../observe/clock.ts';
import { LineBudget, type Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { stallAwareTimeout } from '../stall-aware-timeout.ts';
import { type Store, StoreFull } from '../store/store.ts';

/** An answer goes out then, though the write may still come. */
const PATIENCE_MS = 5000;
const LINES_PER_SECOND = 50;

type Result = 'registered' | 'unregistered' | 'conflict' | 'absent' | 'refused' | 'failed' | 'unreadable';

/** What a line in the log says of it. */
interface Told extends RegistrationPlace {
  readonly type?: string;
  readonly id?: string;
}

interface RegistrarParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

export class StoreRegistrar implements Registrar {
  readonly #parts: RegistrarParts;
  readonly #lines = new LineBudget(LINES_PER_SECOND);
  readonly #results: Partial<Record<Result, number>> = {};

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
    parts.metrics.counterBy(
      'scopegate_registrations_total',
      'Resources that answers of upstreams told of: registered, unregistered, or why not.',
      'result',
      () => this.#results,
    );
  }

  register(allowed: Allowed, type: string, id: string, place: RegistrationPlace): Promise<void> {
    const { store, clock } = this.#parts;
    const work = registerResource({ store, nowMs: clock.nowMs }, askingOf(allowed), type, id);
    return this.#told(work, 'registered', { ...place, type, id });
  }

  unregister(allowed: Allowed, type: string, id: string, place: RegistrationPlace): Promise<void> {
    const { store, clock } = this.#parts;
    const work = unregisterResource({ store, nowMs: clock.nowMs }, askingOf(allowed), type, id);
    return this.#told(work, 'unregistered', { ...place, type, id });
  }

  unreadable(place: RegistrationPlace): void {
    this.#count('unreadable', place, 'the answer names no resource');
  }

  #told(work: Promise<void>, done: Result, what: Told): Promise<void> {
    return new Promise((resolve) => {
      const cancel = stallAwareTimeout(PATIENCE_MS, resolve, { keepsProcess: false });
      const end = (result: Result, error: unknown) => {
        cancel();
        this.#count(result, what, error);
        resolve();
      };
      work.then(
        () => end(done, null),
        (error) => end(resultOf(error), error),
      );
    });
  }

  #count(result: Result, what: Told, error: unknown): void {
    this.#results[result] = (this.#results[result] ?? 0) + 1;
    if (error === null) return;
    const suppressed = this.#lines.spend(this.#parts.clock.monotonicMs());
    if (suppressed === null) return;
    const reason = error instanceof Error ? error.message : error;
    const left = suppressed > 0 ? { suppressed } : {};
    this.#parts.log.warn({ ...what, result, reason, ...left }, 'registration: not as the answer says');
  }
}

function resultOf(error: unknown): Result {
  if (error instanceof StoreFull) return 'refused';
  if (!(error instanceof Rejection)) return 'failed';
  if (error.details.kind === 'conflict') return 'conflict';
  return error.details.kind === 'not_found' ? 'absent' : 'refused';
}

function askingOf({ token, workspaceId }: Allowed): Registering {
  const { organizationId, id: tokenId, ownerId, ownerGeneration, clientId } = token;
  return { organizationId, workspaceId: workspaceId!, tokenId, ownerId, ownerGeneration, clientId };
}
