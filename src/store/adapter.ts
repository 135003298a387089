/**
 * What a store says of itself, so that nobody else has to know which ones there are: its settings, how they are checked,
 * how it is opened and what people call it. Each folder of a store exports one; adapters.ts lists them. Types only.
 */
import type { TLiteral, TObject } from 'typebox';
import type { SharedCounters } from '../limits/counters.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ExportableStore } from './exportable.ts';
import type { QuestionBoard } from './question-board.ts';
import type { Registry } from './registry.ts';

/** Makes a path of the configuration absolute; relative ones count from its file's folder. */
export type ResolvePath = (path: string) => string;

/** Takes what is wrong with the `store` section. `key`: a path within it, such as `['tls', 'ca']`. */
export interface SettingsReview {
  readonly resolvePath: ResolvePath;
  /** The configuration is refused. `atKey`: the message is about the key, not about its value. */
  problem(key: readonly string[], message: string, atKey?: boolean): void;
  /** Legal, but dangerous. */
  warning(key: readonly string[], message: string): void;
  /** Why the text file at this absolute path cannot be used; null: it can be read. */
  fileProblem(path: string): string | null;
}

/** What keeps a store from taking changes. `replaced`: another file has its name. `unwritable`: the disk is full, or refuses. */
export type StoreFault = 'replaced' | 'unwritable';

export interface OpenedStore {
  readonly opened: ExportableStore;
  /** Of the gateway processes that share it. */
  readonly registry: Registry;
  /** Where those processes ask each other. */
  readonly questions: QuestionBoard;
  /** Where rate limits are counted for every process that opens this store; null: nowhere. */
  readonly counters: SharedCounters | null;
  /** Registers its own metrics. */
  describe(metrics: Metrics): void;
  /** What keeps it from taking changes; null: nothing that is known. */
  fault(): StoreFault | null;
}

export interface StoreAdapter<Settings> {
  /** The `store` section of gateway.yaml for this store. Its literal `driver` is the store's name. */
  readonly schema: TObject<{ driver: TLiteral<string> }>;
  /** Whether an export shows every record once. false: perhaps twice, so that what is counted is a little too much. */
  readonly exactExport: boolean;
  /** Notes what the schema cannot say. Opens nothing, and shows no value that may hold a password. */
  check(settings: Settings, review: SettingsReview): void;
  /** Rejects with SetupError, which says what to mend. A server that cannot be reached is waited for, by everybody who asks. */
  open(settings: Settings, context: { readonly resolvePath: ResolvePath; readonly log: Log }): Promise<OpenedStore>;
  /** What people call the store, without a secret: the same text, the same store. */
  describe(settings: Settings, resolvePath: ResolvePath): string;
  /** Where what belongs to this machine alone is kept, such as a generated admin key: absolute. Makes nothing. */
  folder(settings: Settings, resolvePath: ResolvePath): string;
  /** false: there is none yet, and opening would make it. true where only opening can tell. */
  exists(settings: Settings, resolvePath: ResolvePath): boolean;
  /** After how many milliseconds its own look-ups give up; null: they are answered at once. */
  readTimeoutMs(settings: Settings): number | null;
  /** The same settings with every time limit at least so long, for work that no request waits for. */
  withTimeouts(settings: Settings, leastMs: number): Settings;
}
