/**
 * Every answer that goes on for as long as its caller may: event streams, others of unknown length, upgraded connections. Each is judged again,
 * from its first step on, whenever a fact that its verdict rests on changes, when its token's time is up, when the rules are
 * replaced, and over and over while the store's changes are not heard. Verdicts are never kept, and never read from
 * anywhere but `judge`. How a stream is ended is its own business.
 */
import type { Reason } from '../../core/reason.ts';
import type { Clock } from '../../observe/clock.ts';
import type { FactCache } from '../../store/cache/fact-cache.ts';
import type { ChangeEvent, ChangeListener } from '../../store/store.ts';
import { judge } from '../judge.ts';
import { byAge, type Entry, read, type StreamRules } from './open-stream.ts';
import type { Stream, StreamedRequest, StreamKind } from './stream.ts';
import { GOING_AWAY, streamCloseFor } from './stream-close.ts';
import { StreamEnds } from './stream-ends.ts';
import { RecordingView, VerdictDependencies } from './verdict-dependencies.ts';

interface StoppedStream {
  readonly requestId: string;
  readonly routeId: string | null;
  readonly tokenId: string | null;
  readonly kind: StreamKind;
  readonly reason: Reason;
  /** From the moment its right became doubtful. */
  readonly afterMs: number;
}

export interface OpenStreamsParts {
  readonly ruleset: () => StreamRules;
  readonly facts: FactCache;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
  readonly onStopped: (stopped: StoppedStream) => void;
}

/** How often expiry and the feed are looked at. */
const TICK_MS = 100;
/** While the feed is silent too, a store that does not answer gets no longer than this. */
const SILENT_PATIENCE_MS = 500;
/** In each turn of the event loop, so that requests get theirs. */
const TURN_MS = 5;

export class OpenStreams implements ChangeListener {
  readonly #parts: OpenStreamsParts;
  readonly #ends: StreamEnds;
  readonly #entries = new Set<Entry>();
  /** Which entries rest on a fact, by its key. */
  readonly #byKey = new Map<string, Set<Entry>>();
  readonly #doubtful = new Set<Entry>();
  /** Nobody could be asked about these; they are tried again. */
  readonly #unsure = new Set<Entry>();
  #added = 0;
  #turn: NodeJS.Immediate | null = null;
  #ticker: NodeJS.Timeout | null = null;
  #allJudgedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: OpenStreamsParts) {
    this.#parts = parts;
    this.#ends = new StreamEnds(parts.clock.monotonicMs);
  }

  count(kind: StreamKind): number {
    let count = 0;
    for (const { stream } of this.#entries) if (stream.kind === kind) count++;
    return count;
  }

  /** What was allowed when it was asked for is judged once more now that it begins. Returns the way out. */
  add(request: StreamedRequest, stream: Stream): () => void {
    const entry: Entry = {
      request,
      stream,
      ruleset: null,
      question: null,
      routeId: null,
      dependencies: new VerdictDependencies(),
      isBeingJudged: false,
      waitedMs: 0,
      nth: this.#added++,
      doubtfulSinceMs: null,
    };
    this.#entries.add(entry);
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref();
    this.#doubt(entry);
    return () => this.#remove(entry);
  }

  changed({ keys }: ChangeEvent): void {
    for (const key of keys) {
      const entries = this.#byKey.get(key);
      if (entries !== undefined) for (const entry of [...entries].sort(byAge)) this.#doubt(entry);
    }
  }

  flushed(): void {
    this.rejudge();
  }

  caughtUp(): void {}

  /** The rules were replaced, or whatever else may have changed any verdict. */
  rejudge(): void {
    for (const entry of this.#entries) this.#doubt(entry);
  }

  /** The gateway stops: sockets are told so; answers end with their connections. */
  stopSockets(): void {
    for (const entry of [...this.#entries])
      if (isUpgrade(entry.stream)) this.#ends.add(entry.nth, entry.stream, GOING_AWAY, () => {});
  }

  close(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#ticker = null;
    this.#turn = null;
  }

  #tick(): void {
    const { facts, clock, maxStalenessMs } = this.#parts;
    const nowMs = clock.nowMs();
    const monotonicMs = clock.monotonicMs();
    if (!facts.isFresh() && monotonicMs - this.#allJudgedAtMs >= maxStalenessMs / 2) {
      this.#allJudgedAtMs = monotonicMs;
      this.rejudge();
    } else for (const entry of this.#entries) if (nowMs >= entry.dependencies.endsAtMs) this.#doubt(entry);
    for (const entry of this.#unsure) this.#doubt(entry);
    this.#unsure.clear();
    this.#giveUpWaiting(facts.isFresh() ? maxStalenessMs : Math.min(maxStalenessMs, SILENT_PATIENCE_MS));
    if (this.#entries.size === 0) this.close();
  }

  /** A store that neither answers nor fails is one that cannot be asked. */
  #giveUpWaiting(patienceMs: number): void {
    for (const entry of [...this.#entries]) {
      if (!entry.isBeingJudged) continue;
      entry.waitedMs += TICK_MS;
      if (entry.waitedMs > patienceMs) this.#stop(entry, 'store_unavailable');
    }
  }

  #doubt(entry: Entry): void {
    entry.doubtfulSinceMs ??= this.#parts.clock.monotonicMs();
    this.#doubtful.add(entry);
    this.#soon();
  }

  #judgeSome(): void {
    this.#turn = null;
    const { clock } = this.#parts;
    const untilMs = clock.monotonicMs() + TURN_MS;
    for (const entry of this.#doubtful) {
      // One verdict at a time, or the older one would forget what the newer rests on.
      if (entry.isBeingJudged) continue;
      if (clock.monotonicMs() >= untilMs) return this.#soon();
      this.#doubtful.delete(entry);
      this.#judge(entry);
    }
  }

  #soon(): void {
    this.#turn ??= setImmediate(() => this.#judgeSome());
  }

  #judge(entry: Entry): void {
    const { ruleset, facts, clock } = this.#parts;
    const rules = ruleset();
    if (entry.ruleset !== rules) {
      const refused = read(entry, rules);
      if (refused !== null) return this.#stop(entry, refused);
    }
    entry.dependencies.begin();
    if (entry.question === null) return this.#heed(entry, null);
    const watched = {
      view: (monotonicMs: number) =>
        new RecordingView(facts.view(monotonicMs), entry.dependencies, (key) => this.#index(key, entry)),
    };
    const at = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    const judged = judge(entry.question, rules.policy, watched, at, clock);
    if (!(judged instanceof Promise)) return this.#heed(entry, judged.kind === 'denied' ? judged.reason : null);
    entry.isBeingJudged = true;
    entry.waitedMs = 0;
    void judged
      .then((judgement) => (judgement.kind === 'denied' ? judgement.reason : null))
      .catch((): Reason => 'store_unavailable')
      .then((denied) => {
        entry.isBeingJudged = false;
        this.#heed(entry, denied);
        if (this.#doubtful.has(entry)) this.#soon();
      });
  }

  /** `denied`: null, or why it may not go on. */
  #heed(entry: Entry, denied: Reason | null): void {
    for (const key of entry.dependencies.finish()) this.#unindex(key, entry);
    if (!this.#entries.has(entry)) return this.#remove(entry);
    if (denied === null) {
      if (!this.#doubtful.has(entry)) entry.doubtfulSinceMs = null;
    } else if (denied === 'store_unavailable' && this.#mayWait(entry)) this.#unsure.add(entry);
    else this.#stop(entry, denied);
  }

  /** It was right a moment ago, and what changed could not be read: as long as cached facts would be believed. */
  #mayWait({ doubtfulSinceMs }: Entry): boolean {
    const { facts, clock, maxStalenessMs } = this.#parts;
    return facts.isFresh() && clock.monotonicMs() - doubtfulSinceMs! < maxStalenessMs;
  }

  #stop(entry: Entry, reason: Reason): void {
    const { ruleset, clock, onStopped } = this.#parts;
    const { requestId, tokenId } = entry.request;
    this.#remove(entry);
    const scopes = entry.question?.requirement.scopes?.named.join(' ');
    this.#ends.add(entry.nth, entry.stream, streamCloseFor(reason, ruleset().policy, requestId, scopes), () => {
      const afterMs = clock.monotonicMs() - entry.doubtfulSinceMs!;
      onStopped({ requestId, routeId: entry.routeId, tokenId, kind: entry.stream.kind, reason, afterMs });
    });
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    this.#doubtful.delete(entry);
    this.#unsure.delete(entry);
    for (const key of entry.dependencies.keys()) this.#unindex(key, entry);
  }

  #index(key: string, entry: Entry): void {
    const entries = this.#byKey.get(key);
    if (entries === undefined) this.#byKey.set(key, new Set([entry]));
    else entries.add(entry);
  }

  #unindex(key: string, entry: Entry): void {
    const entries = this.#byKey.get(key);
    if (entries?.delete(entry) && entries.size === 0) this.#byKey.delete(key);
  }
}

function isUpgrade({ kind }: Stream): boolean {
  return kind === 'websocket' || kind === 'other';
}
