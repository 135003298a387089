/**
 * Every answer that goes on for as long as its caller may: event streams, others of unknown length, upgraded connections. Each is judged again,
 * from its first step on, whenever a fact that its verdict rests on changes, when its token's time is up, when the rules are
 * replaced, and over and over while the store's changes are not heard. Verdicts are never kept, and never read from
 * anywhere but `judge`.
 *
 * Open this one first. The expiry of an open WebSocket, as of any stream, is noted in `verdict-dependencies.ts`, found due by
 * `#tick` here and judged by `#judge`. `#stop` hands what may not go on to `ending-queue.ts`, and `stream-ending.ts` ends
 * it: silence, the last word of `close-message.ts`, the close.
 */
import type { Reason } from '../../core/reason.ts';
import type { Clock } from '../../observe/clock.ts';
import type { FactCache } from '../../store/cache/fact-cache.ts';
import type { ChangeEvent, ChangeListener } from '../../store/store.ts';
import { type Judgement, judge } from '../judge.ts';
import { closeMessageFor, GOING_AWAY } from './close-message.ts';
import { EndingQueue } from './ending-queue.ts';
import { byAge, type RejudgedStream, readAgain, type StreamRules } from './rejudged-stream.ts';
import type { Stream, StreamedRequest, StreamKind } from './stream.ts';
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

export interface OpenStreamRegistryParts {
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

export class OpenStreamRegistry implements ChangeListener {
  readonly #parts: OpenStreamRegistryParts;
  readonly #endings: EndingQueue;
  readonly #entries = new Set<RejudgedStream>();
  /** Which entries rest on a fact, by its key. */
  readonly #byKey = new Map<string, Set<RejudgedStream>>();
  readonly #doubtful = new Set<RejudgedStream>();
  /** Nobody could be asked about these; they are tried again. */
  readonly #unsure = new Set<RejudgedStream>();
  #added = 0;
  #turn: NodeJS.Immediate | null = null;
  #ticker: NodeJS.Timeout | null = null;
  #allJudgedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: OpenStreamRegistryParts) {
    this.#parts = parts;
    this.#endings = new EndingQueue(parts.clock.monotonicMs);
  }

  count(kind: StreamKind): number {
    let count = 0;
    for (const { stream } of this.#entries) if (stream.kind === kind) count++;
    return count;
  }

  /** What was allowed when it was asked for is judged once more now that it begins. Returns the way out. */
  add(request: StreamedRequest, stream: Stream): () => void {
    const entry: RejudgedStream = {
      request,
      stream,
      ruleset: null,
      question: null,
      route: null,
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

  /** The gateway stops: sockets and calls of gRPC are told so; other answers end with their connections. */
  stopSockets(): void {
    for (const entry of [...this.#entries])
      if (isUpgrade(entry.stream) || entry.stream.kind === 'grpc')
        this.#endings.add(entry.nth, entry.stream, GOING_AWAY, () => {});
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

  #doubt(entry: RejudgedStream): void {
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

  #judge(entry: RejudgedStream): void {
    const { ruleset, facts, clock } = this.#parts;
    const rules = ruleset();
    if (entry.ruleset !== rules) {
      const refused = readAgain(entry, rules);
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
    if (!(judged instanceof Promise)) return this.#heed(entry, deniedBy(judged));
    entry.isBeingJudged = true;
    entry.waitedMs = 0;
    void judged
      .then(deniedBy)
      .catch((): Reason => 'store_unavailable')
      .then((denied) => {
        entry.isBeingJudged = false;
        this.#heed(entry, denied);
        if (this.#doubtful.has(entry)) this.#soon();
      });
  }

  /** `denied`: null, or why it may not go on. */
  #heed(entry: RejudgedStream, denied: Reason | null): void {
    for (const key of entry.dependencies.finish()) this.#unindex(key, entry);
    if (!this.#entries.has(entry)) return this.#remove(entry);
    if (denied === null) {
      if (!this.#doubtful.has(entry)) entry.doubtfulSinceMs = null;
    } else if (denied === 'store_unavailable' && this.#mayWait(entry)) this.#unsure.add(entry);
    else this.#stop(entry, denied);
  }

  /** It was right a moment ago, and what changed could not be read: as long as cached facts would be believed. */
  #mayWait({ doubtfulSinceMs }: RejudgedStream): boolean {
    const { facts, clock, maxStalenessMs } = this.#parts;
    return facts.isFresh() && clock.monotonicMs() - doubtfulSinceMs! < maxStalenessMs;
  }

  #stop(entry: RejudgedStream, reason: Reason): void {
    const { ruleset, clock, onStopped } = this.#parts;
    const { requestId, tokenId } = entry.request;
    this.#remove(entry);
    const scopes = entry.question?.requirement.scopes?.named.join(' ');
    const dialect = entry.route?.dialect ?? ruleset().policy.dialect;
    this.#endings.add(entry.nth, entry.stream, closeMessageFor(reason, dialect, requestId, scopes), () => {
      const afterMs = clock.monotonicMs() - entry.doubtfulSinceMs!;
      onStopped({ requestId, routeId: entry.route?.id ?? null, tokenId, kind: entry.stream.kind, reason, afterMs });
    });
  }

  #remove(entry: RejudgedStream): void {
    this.#entries.delete(entry);
    this.#doubtful.delete(entry);
    this.#unsure.delete(entry);
    for (const key of entry.dependencies.keys()) this.#unindex(key, entry);
  }

  #index(key: string, entry: RejudgedStream): void {
    const entries = this.#byKey.get(key);
    if (entries === undefined) this.#byKey.set(key, new Set([entry]));
    else entries.add(entry);
  }

  #unindex(key: string, entry: RejudgedStream): void {
    const entries = this.#byKey.get(key);
    if (entries?.delete(entry) && entries.size === 0) this.#byKey.delete(key);
  }
}

/** Rules that ask for other fields of its body than were read cannot be kept to: the body is gone. */
function deniedBy(judgement: Judgement): Reason | null {
  if (judgement.kind === 'body') return 'workspace_ambiguous';
  return judgement.kind === 'denied' ? judgement.reason : null;
}

function isUpgrade({ kind }: Stream): boolean {
  return kind === 'websocket' || kind === 'other';
}
