/**
 * Questions of the processes of one machine to each other: a folder with a small file for each question and each answer.
 * A file appears whole, under its name, or not at all. The folder is made by the first who asks; most gateways never do.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenQuestion, QuestionBoard } from '../question-board.ts';
import { StoreUnavailable } from '../store.ts';

const QUESTION = '.question';
const ANSWER = '.answer';

export class FileQuestionBoard implements QuestionBoard {
  readonly #folder: string;

  /** Makes nothing yet. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async ask({ id, text }: OpenQuestion, forMs: number): Promise<void> {
    this.#attempt(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      for (const name of this.#names()) if (this.#hasEnded(name)) rmSync(join(this.#folder, name), { force: true });
      this.#write(id + QUESTION, text, forMs);
    });
  }

  async open(): Promise<readonly OpenQuestion[]> {
    return this.#attempt(() =>
      this.#read(QUESTION).map(([name, text]) => ({ id: name.slice(0, -QUESTION.length), text })),
    );
  }

  async answer(questionId: string, processId: string, text: string, forMs: number): Promise<void> {
    this.#attempt(() => this.#write(`${questionId}.${processId}${ANSWER}`, text, forMs));
  }

  async answers(questionId: string): Promise<ReadonlyMap<string, string>> {
    const before = `${questionId}.`;
    return this.#attempt(
      () =>
        new Map(
          this.#read(ANSWER, before).map(([name, text]) => [name.slice(before.length, -ANSWER.length), text] as const),
        ),
    );
  }

  async withdraw(questionId: string): Promise<void> {
    this.#attempt(() => {
      for (const name of this.#names())
        if (name.startsWith(`${questionId}.`)) rmSync(join(this.#folder, name), { force: true });
    });
  }

  /** When it ends is the time of the file. */
  #write(name: string, text: string, forMs: number): void {
    const path = join(this.#folder, name);
    const draft = `${path}.draft`;
    writeFileSync(draft, text, { mode: 0o600 });
    const until = new Date(Date.now() + forMs);
    utimesSync(draft, until, until);
    renameSync(draft, path);
  }

  #read(suffix: string, before = ''): ReadonlyArray<readonly [name: string, text: string]> {
    return this.#names()
      .filter((name) => name.endsWith(suffix) && name.startsWith(before) && !this.#hasEnded(name))
      .flatMap((name) => {
        const text = orNull(() => readFileSync(join(this.#folder, name), 'utf8'));
        return text === null ? [] : [[name, text] as const];
      });
  }

  #names(): readonly string[] {
    return orNull(() => readdirSync(this.#folder)) ?? [];
  }

  #hasEnded(name: string): boolean {
    const stats = statSync(join(this.#folder, name), { throwIfNoEntry: false });
    return stats === undefined || stats.mtimeMs <= Date.now();
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new StoreUnavailable(error);
    }
  }
}

/** null: it is not there, or has gone meanwhile. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
