/**
 * The refusals that the gateway processes remember, this one's and those of all others that share its store: how each is
 * asked, and how their answers become one list. Each remembers only its own.
 */
import type { FoundRefusal, FoundRefusals } from '../admin/refusal-shapes.ts';
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import type { DecisionNote } from '../edge/decision-record.ts';
import type { RefusedRequest } from '../edge/pipeline-parts.ts';
import { type RefusalCountQuery, type RefusalCounts, type RefusalQuery, RefusalRing } from '../edge/refusal-ring.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FleetSubject, FleetTalk } from './fleet-talk.ts';

const MINUTE_MS = 60_000;

export class RememberedRefusals {
  readonly #ring: RefusalRing;
  readonly #talk: FleetTalk;
  readonly #refusals: FleetSubject<RefusalQuery, readonly FoundRefusal[]>;
  readonly #counts: FleetSubject<RefusalCountQuery, RefusalCounts>;
  readonly #forgetting: NodeJS.Timeout;

  constructor(talk: FleetTalk, nowMs: () => number) {
    this.#ring = new RefusalRing(nowMs);
    this.#talk = talk;
    this.#refusals = talk.add('refusals', (query: RefusalQuery) =>
      this.#ring.newest(query).map((refusal) => ({ ...refusal, process: talk.id! })),
    );
    this.#counts = talk.add('refusal-counts', (query: RefusalCountQuery) => this.#ring.counts(query));
    this.#forgetting = setInterval(() => this.#ring.forgetOld(), MINUTE_MS).unref();
  }

  /** As the configuration in force says. */
  keep({ keep, forMinutes }: GatewayFile['explain']): void {
    this.#ring.resize(keep, forMinutes * MINUTE_MS);
  }

  /** Its note; null: it is not remembered. */
  add(refused: RefusedRequest, revision: number): DecisionNote | null {
    return this.#ring.add(refused, revision);
  }

  /** This process serves requests. */
  describe(metrics: Metrics): void {
    metrics.gauge('scopegate_explain_records', 'Refusals that are remembered.', () => this.#ring.size);
  }

  /** Of every process. Never rejects. */
  async find(query: RefusalQuery): Promise<FoundRefusals> {
    // There is one decision of an id.
    const isEnough = (found: readonly FoundRefusal[]) => query.id !== null && found.length > 0;
    const { answers, unanswered } = await this.#talk.ask(this.#refusals, query, isEnough);
    const all = [...answers.values()].flat();
    const found = all.sort((left, right) => (left.id < right.id ? 1 : -1)).slice(0, query.limit);
    return { found, unanswered };
  }

  /** Of every process, by reason. Never rejects. */
  async count(query: RefusalCountQuery) {
    const { answers, unanswered } = await this.#talk.ask(this.#counts, query);
    const byReason = new Map<string, number>();
    // As far back as everybody remembers.
    let sinceMs = query.sinceMs;
    for (const told of answers.values()) {
      sinceMs = Math.max(sinceMs, told.sinceMs);
      for (const [reason, count] of Object.entries(told.byReason))
        byReason.set(reason, (byReason.get(reason) ?? 0) + count);
    }
    return { byReason, sinceMs, unanswered };
  }

  close(): void {
    clearInterval(this.#forgetting);
  }
}
