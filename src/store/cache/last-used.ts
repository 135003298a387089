/**
 * When tokens were last used: noted on the request path for next to nothing, written to the store every few seconds,
 * together. A crash loses one interval; a store that cannot be asked loses nothing that fits. Never a reason to refuse.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { type Allowed, type DecisionRules, ownersScopes } from '../../core/decide.ts';
import { type TokenFacts, type TokenHash, tokenKey } from '../../core/facts.ts';
import { DAY_MS } from '../../core/policy.ts';
import { type ScopeRequirement, usedScopes } from '../../core/scope.ts';
import { dayOf, replacedUse, type Store, type Touch } from '../store.ts';

const INTERVAL_MS = 2000;
/** Written in one go; the embedded store lets nothing else happen meanwhile. */
const BATCH = 500;
/** Tokens whose last use waits for the store to come back; past it the oldest are forgotten. */
const WAITING_MAX = 100_000;
/** Ways in which one token was let through, known apart; past it they are noted anew. Old rules are let go with them. */
const WAYS_MAX = 64;
/** A store that hangs must not hold up the end of the process. */
const LAST_PATIENCE_MS = 1000;

export interface LastUsedOptions {
  readonly store: Pick<Store, 'touch'>;
  /** Uses could not be written; told once, until they can again. */
  readonly onFailed: (error: unknown) => void;
}

export class LastUsed {
  readonly #store: Pick<Store, 'touch'>;
  readonly #onFailed: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  /** Used since they were last collected. */
  #used: TokenFacts[] = [];
  /** Collected and not written, by key. */
  readonly #waiting = new Map<string, number>();
  /** Of those, with which scopes, where that is news. */
  readonly #scopes = new Map<string, Set<string>>();
  #writing: Promise<void> | null = null;
  #hasFailed = false;

  constructor({ store, onFailed }: LastUsedOptions) {
    this.#store = store;
    this.#onFailed = onFailed;
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS).unref();
  }

  /** Once per request, by the value that was presented: as good as free, but for a token's first in each interval. */
  note(token: TokenFacts, hash: TokenHash, nowMs: number): void {
    const { use, replaced } = token;
    // Within a grace alone there is another value.
    if (replaced !== null && hash === replaced.hash) {
      this.noteKey(tokenKey(token.organizationId, token.id), nowMs, [replacedUse(hash)]);
      return;
    }
    if (use === null) {
      token.use = { atMs: nowMs };
      this.#used.push(token);
    } else if (nowMs > use.atMs) use.atMs = nowMs;
  }

  /** What a token was let through for, once a day for each way: with which of its scopes. */
  noteScopes(allowed: Allowed, asked: ScopeRequirement, rules: DecisionRules, nowMs: number): void {
    const { token } = allowed;
    let noted = token.scopesNoted;
    if (noted !== null && nowMs < noted.untilMs && noted.for.has(asked)) return;
    if (noted === null || nowMs >= noted.untilMs || noted.for.size >= WAYS_MAX) {
      noted = { for: new Set(), untilMs: (dayOf(nowMs) + 1) * DAY_MS };
      token.scopesNoted = noted;
    }
    noted.for.add(asked);
    const key = tokenKey(token.organizationId, token.id);
    this.noteKey(key, nowMs, usedScopes(asked, token.scopes, ownersScopes(allowed, rules)));
  }

  /** The same for who knows no facts. */
  noteKey(key: string, nowMs: number, scopes: readonly string[] = []): void {
    if (this.#waiting.size >= WAITING_MAX && !this.#waiting.has(key)) {
      const [oldest] = this.#waiting.keys();
      this.#waiting.delete(oldest!);
      this.#scopes.delete(oldest!);
    }
    this.#waiting.set(key, Math.max(nowMs, this.#waiting.get(key) ?? 0));
    if (scopes.length === 0) return;
    const known = this.#scopes.get(key);
    if (known === undefined) this.#scopes.set(key, new Set(scopes));
    else for (const scope of scopes) known.add(scope);
  }

  /** Resolves once what was used up to now is written, or has failed to be. */
  async flush(): Promise<void> {
    this.#collect();
    await this.#writing;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    let patience: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, LAST_PATIENCE_MS);
    });
    await Promise.race([this.flush(), over]);
    clearTimeout(patience);
  }

  #tick(): void {
    if (this.#writing === null) void this.flush();
    else this.#collect();
  }

  #collect(): void {
    const used = this.#used;
    this.#used = [];
    for (const token of used) {
      this.noteKey(tokenKey(token.organizationId, token.id), token.use!.atMs);
      token.use = null;
    }
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.size > 0) {
        const batch: Touch[] = [];
        for (const [key, atMs] of this.#waiting) {
          const scopes = this.#scopes.get(key);
          batch.push(scopes === undefined ? { key, atMs } : { key, atMs, scopes: [...scopes] });
          if (batch.length === BATCH) break;
        }
        await this.#store.touch(batch);
        // What was used again meanwhile stays.
        for (const { key, atMs, scopes } of batch) {
          if (this.#scopes.get(key)?.size === scopes?.length) this.#scopes.delete(key);
          if (this.#waiting.get(key) === atMs && !this.#scopes.has(key)) this.#waiting.delete(key);
        }
        await breathe();
      }
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#onFailed(error);
      this.#hasFailed = true;
    }
  }
}
