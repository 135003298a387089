/**
 * What is in force, and the way to replace it while the gateway runs: read again as a whole, swapped in one step, or
 * not at all. A file that cannot be used leaves the last good configuration where it is, and says so. It is judged in a
 * thread and compiled in slices, so that no request waits long for it.
 *
 * How a process gets a reload. Where `serve` has several, the supervisor has a Reloader of its own, and alone reads files:
 *
 * 1. It is asked for: by `change-watch.ts` (a file differs), by SIGHUP (`cli/serve.ts`), by `POST /v1/reload`. The sidecar
 *    of several processes passes that on to the supervisor (`ProcessGroup.reload`).
 * 2. `reload` puts it into `reload-queue.ts`: one attempt after the other. Those that wait for the same cause are one.
 * 3. `#attempt` has the files read and judged in a thread, has `prepare` build what hangs on them, and swaps. What is
 *    refused changes nothing.
 * 4. `handOn`, of the supervisor alone (`workers/supervisor.ts`): one worker after the other, the sidecar last. Each is
 *    asked to `adopt` (`workers/worker-handle.ts`). Who has not done so within 15 s is killed, and starts again.
 * 5. There `workers/worker-main.ts` passes it on to `adopt` of its own Reloader: prepared and swapped as in step 3, one
 *    after the other, without a file being read. A process that starts has what is in force from the supervisor (`setup`).
 *    What came into force between its start and its joining is the answer to `join`.
 */

import type { CheckOutcome, Configuration, Packed } from '../config/load/configuration.ts';
import { unpack } from '../config/load/pack.ts';
import { formatProblem, type Problem } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Slices } from '../slices.ts';
import { ChangeWatch } from './change-watch.ts';
import { checkInThread } from './check-in-thread.ts';
import { ReloadQueue } from './reload-queue.ts';

export type ReloadCause = 'signal' | 'file' | 'request';

/** How one attempt ended. */
export interface Reload {
  readonly result: 'applied' | 'refused';
  readonly cause: ReloadCause;
  readonly atMs: number;
  /** Why it was refused; empty when it was not. */
  readonly problems: readonly Problem[];
}

/** What has become of all attempts so far. */
export interface ReloadStanding {
  /** Counts the configurations that have been in force, the present one included. */
  readonly generation: number;
  readonly loadedAtMs: number;
  /** null: none was asked for yet. */
  readonly last: Reload | null;
  readonly counts: { readonly applied: number; readonly refused: number };
}

/** What another process has to take up after an attempt. `packed`: null where only the standing is new. */
export interface ConfigurationUpdate {
  readonly standing: ReloadStanding;
  readonly packed: Packed | null;
}

/** Everything that hangs on a configuration, ready to be in force. One of the two is called, once. */
export interface Prepared {
  /** Swaps it, within this turn. Never throws. */
  readonly swap: () => void;
  readonly discard: () => void;
}

export interface ReloaderParts {
  readonly configuration: Configuration;
  /** What came before this process. Absent: nothing did. */
  readonly standing?: ReloadStanding | undefined;
  /** Builds everything that hangs on a configuration, in slices. Rejects where it cannot be, and has changed nothing then. */
  readonly prepare: (configuration: Configuration, packed: Packed) => Promise<Prepared>;
  /** Lets other processes take up what came of an attempt; the next one waits for it. Never rejects. Absent: there are none. */
  readonly handOn?: (update: ConfigurationUpdate) => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Log;
}

export class Reloader {
  readonly #parts: ReloaderParts;
  readonly #subscribers = new Set<(configuration: Configuration) => void>();
  #configuration: Configuration;
  #standing: ReloadStanding;
  #watch: ChangeWatch | null = null;
  readonly #attempts = new ReloadQueue<ReloadCause, Reload>((cause) => this.#attempt(cause));
  readonly #adoptions = new ReloadQueue<ConfigurationUpdate, void>((update) => this.#adopt(update));
  readonly #end = new AbortController();

  /** `configuration` is in force already. */
  constructor(parts: ReloaderParts) {
    this.#parts = parts;
    this.#configuration = parts.configuration;
    this.#standing = parts.standing ?? {
      generation: 1,
      loadedAtMs: parts.nowMs(),
      last: null,
      counts: { applied: 0, refused: 0 },
    };
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get standing(): ReloadStanding {
    return this.#standing;
  }

  /**
   * Told after each reload that was applied, in the same turn: what was allowed under the old rules and still goes on is
   * to be judged again. Returns the way to stop.
   */
  subscribe(subscriber: (configuration: Configuration) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Puts in force what stands in the files from now on, or leaves everything as it is. One after the other. */
  reload(cause: ReloadCause): Promise<Reload> {
    return this.#attempts.add(cause);
  }

  /** Another process has read and judged it for us. `packed`: null where only the standing is new. Rejects for what is not good. */
  adopt(standing: ReloadStanding, packed: Packed | null): Promise<void> {
    return this.#adoptions.add({ standing, packed });
  }

  /** What has not come into force by now does not any more. */
  close(): void {
    this.#end.abort(new Error('the gateway is stopping'));
  }

  /** Calls `changed` when one of the files has changed; absent: reloads. Returns the way to stop. */
  watch(changed: () => void = () => void this.reload('file')): () => void {
    const watch = new ChangeWatch(this.#configuration.files, changed);
    this.#watch = watch;
    return () => {
      watch.stop();
      this.#watch = null;
    };
  }

  describe(metrics: Metrics): void {
    metrics.counterBy(
      'scopegate_config_reloads_total',
      'Attempts to reload, by result.',
      'result',
      () => this.#standing.counts,
      'first',
    );
    metrics.gauge(
      'scopegate_config_last_reload_success_timestamp_seconds',
      'Unix time at which the configuration in force was loaded.',
      () => this.#standing.loadedAtMs / 1000,
      'first',
    );
    metrics.gauge(
      'scopegate_config_last_reload_successful',
      '0: the last attempt to reload was refused.',
      () => Number(this.#standing.last?.result !== 'refused'),
      'first',
    );
  }

  async #attempt(cause: ReloadCause): Promise<Reload> {
    const watched = this.#configuration.files;
    this.#watch?.pause();
    const { refused, packed, files, seen } = await this.#replace(cause);
    if (refused !== null) this.#standing = this.#standingAfter('refused', cause, refused);
    const last = this.#standing.last!;
    // Whatever has to be mended is watched, too.
    this.#watch?.use(refused === null ? this.#configuration.files : [...new Set([...watched, ...files])], seen);
    if (refused === null) await this.#logApplied(cause);
    else if (!this.#end.signal.aborted) this.#logRefused(cause, refused);
    await this.#parts.handOn?.({ standing: this.#standing, packed: refused === null ? packed : null });
    return last;
  }

  async #adopt({ standing, packed }: ConfigurationUpdate): Promise<void> {
    if (packed === null) {
      this.#standing = standing;
      return;
    }
    const { next, swap } = await this.#prepared(packed);
    swap();
    this.#inForce(next, standing);
  }

  /** `refused`: why, or null. */
  async #replace(cause: ReloadCause): Promise<CheckOutcome & { readonly refused: readonly Problem[] | null }> {
    const { path, source, file } = this.#configuration;
    let outcome: CheckOutcome = { problems: [], packed: null, files: [], seen: new Map() };
    try {
      outcome = await checkInThread(source, file, this.#end.signal);
      if (outcome.packed === null) return { ...outcome, refused: outcome.problems };
      const { next, swap } = await this.#prepared(outcome.packed);
      swap();
      this.#inForce(next, this.#standingAfter('applied', cause, []));
      return { ...outcome, refused: null };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ...outcome, refused: [{ file: path, line: 1, column: 1, message }] };
    }
  }

  async #prepared(packed: Packed): Promise<{ readonly next: Configuration; readonly swap: () => void }> {
    const next = await unpack(packed, this.#configuration.source);
    const { swap, discard } = await this.#parts.prepare(next, packed);
    if (this.#end.signal.aborted) discard();
    this.#end.signal.throwIfAborted();
    return { next, swap };
  }

  /** In the turn of the swap. */
  #inForce(next: Configuration, standing: ReloadStanding): void {
    this.#configuration = next;
    this.#standing = standing;
    this.#tell();
  }

  #standingAfter(result: Reload['result'], cause: ReloadCause, problems: readonly Problem[]): ReloadStanding {
    const { generation, loadedAtMs, counts } = this.#standing;
    const last: Reload = { result, cause, atMs: this.#parts.nowMs(), problems };
    const isNew = result === 'applied';
    return {
      generation: isNew ? generation + 1 : generation,
      loadedAtMs: isNew ? last.atMs : loadedAtMs,
      last,
      counts: { ...counts, [result]: counts[result] + 1 },
    };
  }

  #logRefused(cause: ReloadCause, problems: readonly Problem[]): void {
    const loadedAt = new Date(this.#standing.loadedAtMs).toISOString();
    const lines = problems.map(formatProblem);
    this.#parts.log.error(
      { cause, problems: lines },
      `reload refused; the configuration of ${loadedAt} stays in force`,
    );
  }

  async #logApplied(cause: ReloadCause): Promise<void> {
    const { path, policy, routeCount, warnings } = this.#configuration;
    const { log } = this.#parts;
    const slices = new Slices();
    for (const warning of warnings) {
      log.warn(warning);
      if (slices.over) await slices.next();
    }
    const { generation } = this.#standing;
    log.info({ cause, generation, configuration: path, policy: policy.name, routes: routeCount }, 'reloaded');
  }

  #tell(): void {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(this.#configuration);
      } catch (error) {
        this.#parts.log.error({ err: error }, 'reload: unexpected error');
      }
    }
  }
}
