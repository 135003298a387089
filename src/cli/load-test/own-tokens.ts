/** Tokens that a load test makes through the sidecar for itself, and removes again. Never touches another. */
import { SidecarRefusal } from '../../directory/sidecar.ts';
import type { VictimToken } from '../../load-test/plan.ts';
import type { Session } from '../session.ts';
import type { GrantBody } from '../token/grant.ts';

/** At once; a sidecar is one process. */
const CALLS = 8;
const RECEIPT_MS = 2000;

export class OwnTokens {
  readonly #session: Session;
  readonly #path: string;
  readonly #body: GrantBody;
  readonly #name: string;
  readonly #ids: string[] = [];
  #made = 0;

  private constructor(session: Session, organization: string, body: GrantBody) {
    this.#session = session;
    this.#path = `/v1/organizations/${encodeURIComponent(organization)}/tokens`;
    this.#body = body;
    this.#name = `bench ${new Date().toISOString().slice(0, 19)}Z`;
  }

  static async open(session: Session, body: GrantBody): Promise<OwnTokens> {
    return new OwnTokens(session, await session.organization(), body);
  }

  /** What all their names begin with. */
  get name(): string {
    return this.#name;
  }

  /** Fewer where `signal` fires. Rejects with what the sidecar says; those that were made are known to `remove`. */
  async make(count: number, signal: AbortSignal, say: (text: string) => void): Promise<VictimToken[]> {
    const made: VictimToken[] = [];
    let left = count;
    await atOnce(async () => {
      while (left > 0 && !signal.aborted) {
        left--;
        const body = { ...this.#body, name: `${this.#name} ${++this.#made}` };
        const answer = await this.#session.client.send({ method: 'POST', path: this.#path, body });
        this.#ids.push(answer.id as string);
        made.push({ id: answer.id as string, text: answer.token as string });
        say(`making tokens: ${made.length} of ${count}`);
      }
    });
    return made;
  }

  /** With a receipt. */
  async revoke(id: string): Promise<{ readonly applied: boolean }> {
    const answer = await this.#session.client.send({
      method: 'POST',
      path: `${this.#path}/${encodeURIComponent(id)}/revoke`,
      query: { wait: String(RECEIPT_MS) },
      waitMs: RECEIPT_MS,
    });
    return { applied: answer.applied === true };
  }

  /** All of them, as far as the sidecar lets it; resolves with how many are left. */
  async remove(say: (text: string) => void): Promise<number> {
    const all = this.#ids.splice(0);
    let next = 0;
    let left = 0;
    await atOnce(async () => {
      while (next < all.length) {
        const id = all[next++]!;
        try {
          await this.#session.client.send({ method: 'DELETE', path: `${this.#path}/${encodeURIComponent(id)}` });
        } catch (error) {
          // Somebody else was quicker.
          if (!(error instanceof SidecarRefusal) || error.status !== 404) left++;
        }
        say(`removing tokens: ${next} of ${all.length}`);
      }
    });
    return left;
  }
}

/** Waits for all, also where one fails: what it made in the meantime must be known. */
async function atOnce(work: () => Promise<void>): Promise<void> {
  const ended = await Promise.allSettled(Array.from({ length: CALLS }, work));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}
