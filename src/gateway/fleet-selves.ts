/**
 * What each gateway process says of itself, for the operator: which version, under which configuration, how old its lease
 * is, which certificates it serves. Told as it was last heard, so that nobody waits for a process that hangs.
 */
import type { HeardSelf, ProcessSelf } from '../fleet/fleet-report.ts';
import type { FleetSubject, FleetTalk } from './fleet-talk.ts';

const FRESH_MS = 1000;
/** What was heard from a process that has gone is of no use. */
const KEPT_MS = 60_000;

export class FleetSelves {
  readonly #talk: FleetTalk;
  readonly #subject: FleetSubject<null, ProcessSelf>;
  readonly #heard = new Map<string, { readonly atMs: number; readonly self: ProcessSelf }>();
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(talk: FleetTalk, self: () => ProcessSelf) {
    this.#talk = talk;
    this.#subject = talk.add('self', self);
  }

  /** By process. Asks again, for the next who comes, where the last time is a while ago. */
  heard(): ReadonlyMap<string, HeardSelf> {
    const nowMs = performance.now();
    if (this.#talk.id !== null) this.#hear(new Map([[this.#talk.id, this.#subject.answer(null)]]));
    if (nowMs - this.#askedAtMs > FRESH_MS) {
      this.#askedAtMs = nowMs;
      void this.#talk.ask(this.#subject, null).then(({ answers }) => this.#hear(answers));
    }
    for (const [id, { atMs }] of this.#heard) if (nowMs - atMs > KEPT_MS) this.#heard.delete(id);
    return new Map(
      Array.from(this.#heard, ([id, { atMs, self }]) => [
        id,
        { ...self, heardMsAgo: Math.max(0, Math.round(nowMs - atMs)) },
      ]),
    );
  }

  #hear(answers: ReadonlyMap<string, ProcessSelf>): void {
    for (const [id, self] of answers) this.#heard.set(id, { atMs: performance.now(), self });
  }
}
