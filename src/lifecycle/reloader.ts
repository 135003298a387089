/**
 * What is in force, and the way to replace it while the gateway runs: read again as a whole, swapped in one step, or
 * not at all. A file that cannot be used leaves the last good configuration where it is, and says so. Never throws.
 */
import type { Configuration } from '../config/load/load-gateway.ts';
import { refuseRestartKeys } from '../config/load/restart-keys.ts';
import { ConfigError, formatProblem, type Problem } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { ChangeWatch } from './change-watch.ts';

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
export interface Standing {
  /** Counts the configurations that have been in force, the present one included. */
  readonly generation: number;
  readonly loadedAtMs: number;
  /** null: none was asked for yet. */
  readonly last: Reload | null;
  readonly counts: { readonly applied: number; readonly refused: number };
}

export interface ReloaderParts {
  readonly configuration: Configuration;
  /** What came before this process. Absent: nothing did. */
  readonly standing?: Standing | undefined;
  /** Builds everything that hangs on a configuration and swaps it, in one step; throws before anything has changed. */
  readonly apply: (configuration: Configuration) => void;
  readonly nowMs: () => number;
  readonly log: Log;
}

export class Reloader {
  readonly #parts: ReloaderParts;
  readonly #subscribers = new Set<(configuration: Configuration) => void>();
  #configuration: Configuration;
  #standing: Standing;
  #watch: ChangeWatch | null = null;

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

  get standing(): Standing {
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

  reload(cause: ReloadCause): Reload {
    const files = new Set(this.#configuration.files);
    this.#watch?.looked();
    const problems = this.#replace((path) => files.add(path));
    const refused = problems.length > 0;
    const last: Reload = { result: refused ? 'refused' : 'applied', cause, atMs: this.#parts.nowMs(), problems };
    const { generation, loadedAtMs, counts } = this.#standing;
    this.#standing = {
      generation: refused ? generation : generation + 1,
      loadedAtMs: refused ? loadedAtMs : last.atMs,
      last,
      counts: { ...counts, [last.result]: counts[last.result] + 1 },
    };
    const { log } = this.#parts;
    if (refused) {
      const loadedAt = new Date(loadedAtMs).toISOString();
      const lines = problems.map(formatProblem);
      log.error({ cause, problems: lines }, `reload refused; the configuration of ${loadedAt} stays in force`);
    } else {
      const { path, policy, routeCount, warnings } = this.#configuration;
      for (const warning of warnings) log.warn(warning);
      log.info(
        { cause, generation: generation + 1, configuration: path, policy: policy.name, routes: routeCount },
        'reloaded',
      );
      this.#tell();
    }
    // Whatever has to be mended is watched, too.
    this.#watch?.use(refused ? [...files] : this.#configuration.files);
    return last;
  }

  /** Another process has read and checked it for us. `isNew`: reads again what it has found good; throws if it is not. */
  adopt(standing: Standing, isNew: boolean): void {
    if (isNew) {
      const next = this.#configuration.readAgain({});
      this.#parts.apply(next);
      this.#configuration = next;
    }
    this.#standing = standing;
    if (isNew) this.#tell();
  }

  /** Calls `changed` when one of the files has changed; absent: reloads. Returns the way to stop. */
  watch(changed: () => void = () => this.reload('file')): () => void {
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

  #replace(onFile: (path: string) => void): readonly Problem[] {
    const { path, file, readAgain } = this.#configuration;
    try {
      const next = readAgain({ review: refuseRestartKeys(file), onFile });
      this.#parts.apply(next);
      this.#configuration = next;
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      return [{ file: path, line: 1, column: 1, message: error instanceof Error ? error.message : String(error) }];
    }
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
