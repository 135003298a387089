/**
 * The refusals that the gateway processes remember, this one's and those of all others that share its store: how each is
 * asked, and how their answers become one list. Each remembers only its own.
 */
import type { FoundRefusal, FoundRefusals } from '../admin/refusal-shapes.ts';
import type { GatewayFile } from '../config/schema/gateway-schema.ts';
import type { DecisionNote } from '../edge/decision-record.ts';
import type { RefusedRequest } from '../edge/pipeline-parts.ts';
import { type RefusalQuery, RefusalRing } from '../edge/refusal-ring.ts';
import { answerFleet, askFleet } from '../fleet/fleet-questions.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { QuestionBoard } from '../store/question-board.ts';
import type { Registry } from '../store/registry.ts';

const MINUTE_MS = 60_000;

export class RememberedRefusals {
  readonly #ring: RefusalRing;
  readonly #board: QuestionBoard;
  readonly #registry: Registry;
  readonly #forgetting: NodeJS.Timeout;
  #id: string | null = null;
  #stopAnswering: () => void = () => undefined;

  constructor({ questions, registry }: { questions: QuestionBoard; registry: Registry }, nowMs: () => number) {
    this.#ring = new RefusalRing(nowMs);
    this.#board = questions;
    this.#registry = registry;
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

  /** This process serves requests, and is known to the others by this id. */
  serve(id: string, metrics: Metrics): void {
    this.#id = id;
    this.#stopAnswering = answerFleet(this.#board, id, (text) => JSON.stringify(this.#own(JSON.parse(text))));
    metrics.gauge('scopegate_explain_records', 'Refusals that are remembered.', () => this.#ring.size);
  }

  /** Of every process. Never rejects. */
  async find(query: RefusalQuery): Promise<FoundRefusals> {
    const own = this.#own(query);
    // There is one decision of an id.
    if (query.id !== null && own.length > 0) return { found: own, unanswered: [] };
    const { answers, unanswered } = await askFleet({
      board: this.#board,
      registry: this.#registry,
      text: JSON.stringify(query),
      self: this.#id,
      isEnough: (answer) => query.id !== null && answer !== '[]',
    });
    const others = [...answers.values()].flatMap((text) => JSON.parse(text) as FoundRefusal[]);
    const found = [...own, ...others].sort((left, right) => (left.id < right.id ? 1 : -1)).slice(0, query.limit);
    return { found, unanswered };
  }

  close(): void {
    clearInterval(this.#forgetting);
    this.#stopAnswering();
  }

  #own(query: RefusalQuery): readonly FoundRefusal[] {
    const process = this.#id;
    return process === null ? [] : this.#ring.newest(query).map((refusal) => ({ ...refusal, process }));
  }
}
