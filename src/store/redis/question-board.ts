/**
 * Questions of processes to each other, in Redis: a hash of what is asked, and one of answers for each question, each field
 * with its end by the clock of Redis, as leases have it. Belongs to a RedisStore, whose connection it uses.
 */
import type { OpenQuestion, QuestionBoard } from '../question-board.ts';
import type { RedisRegistryParts } from './registry.ts';

export class RedisQuestionBoard implements QuestionBoard {
  readonly #parts: RedisRegistryParts;
  readonly #questions: string;

  constructor(parts: RedisRegistryParts) {
    this.#parts = parts;
    this.#questions = `${parts.prefix}questions`;
  }

  async ask(question: OpenQuestion, forMs: number): Promise<void> {
    await this.#put(this.#questions, question.id, JSON.stringify(question), forMs);
  }

  async open(): Promise<readonly OpenQuestion[]> {
    return (await this.#all(this.#questions)).map((text) => JSON.parse(text) as OpenQuestion);
  }

  async answer(questionId: string, processId: string, text: string, forMs: number): Promise<void> {
    const key = this.#answersTo(questionId);
    await this.#put(key, processId, JSON.stringify([processId, text]), forMs);
    // Its fields end by themselves where somebody reads them; nobody may come.
    await this.#parts.ask((client) => client.pexpire(key, forMs));
  }

  async answers(questionId: string): Promise<ReadonlyMap<string, string>> {
    const found = await this.#all(this.#answersTo(questionId));
    return new Map(found.map((text) => JSON.parse(text) as [string, string]));
  }

  async withdraw(questionId: string): Promise<void> {
    await this.#parts.ask((client) => client.hdel(this.#questions, questionId));
    await this.#parts.ask((client) => client.del(this.#answersTo(questionId)));
  }

  #answersTo(questionId: string): string {
    return `${this.#parts.prefix}answers:${questionId}`;
  }

  async #put(key: string, field: string, text: string, forMs: number): Promise<void> {
    await this.#parts.ask((client) => client.scopegateRenew([key, field, String(forMs * 1000), text]));
  }

  async #all(key: string): Promise<readonly string[]> {
    const [, ...found] = await this.#parts.ask((client) =>
      client.scopegateLive([key, `${this.#parts.prefix}revision`]),
    );
    return found;
  }
}
