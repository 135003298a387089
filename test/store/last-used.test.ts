/** What the record of uses promises: it costs a request nothing, loses little, and never holds anybody up. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TokenFacts, TokenHash } from '../../src/core/facts.ts';
import { readFact } from '../../src/core/read-fact.ts';
import { LastUsed } from '../../src/store/cache/last-used.ts';
import { StoreUnavailable, type Touch } from '../../src/store/store.ts';

const INTERVAL_MS = 2000;
const CURRENT = 'current' as TokenHash;
const OLD = 'older-than-this' as TokenHash;
const tokenOf = (id: string, replaced: { readonly hash: TokenHash; readonly endsAtMs: number } | null = null) =>
  readFact(`token/acme/${id}`, {
    ...{ organizationId: 'acme', edition: 'team', id, kind: 'personal', authority: 'live', ownerId: 'ann' },
    ...{
      generation: 1,
      hash: CURRENT,
      replaced,
      ownerGeneration: 1,
      clientId: null,
      scopes: [],
      workspaces: [],
      roles: [],
      state: 'active',
    },
    ...{ stateReason: null, createdAtMs: 0, expiresAtMs: null },
  }) as TokenFacts;

class Book {
  readonly batches: Touch[][] = [];
  fails = false;
  gate: Promise<void> = Promise.resolve();
  async touch(touches: readonly Touch[]): Promise<void> {
    if (this.fails) throw new StoreUnavailable('down');
    this.batches.push([...touches]);
    await this.gate;
  }
  get touches(): Record<string, number> {
    return Object.fromEntries(this.batches.flat().map(({ key, atMs }) => [key, atMs]));
  }
}

let book: Book;
let uses: LastUsed;
const failures: unknown[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  failures.length = 0;
  book = new Book();
  uses = new LastUsed({ store: book, onFailed: (error) => failures.push(error) });
});
afterEach(async () => {
  await uses.close();
  vi.useRealTimers();
});

test('a thousand uses of one token are one, the latest, written with the next interval', async () => {
  const token = tokenOf('a');
  for (let nth = 1; nth <= 1000; nth++) uses.note(token, CURRENT, nth);
  expect(book.batches).toEqual([]);
  vi.advanceTimersByTime(INTERVAL_MS);
  await uses.flush();
  expect(book.batches).toEqual([[{ key: 'token/acme/a', atMs: 1000 }]]);
  uses.note(token, CURRENT, 2000);
  await uses.flush();
  await uses.flush();
  expect(book.batches).toHaveLength(2);
  expect(book.touches).toEqual({ 'token/acme/a': 2000 });
});

test('a use by the value that was replaced is told from one by the current', async () => {
  const token = tokenOf('a', { hash: OLD, endsAtMs: 9 });
  uses.note(token, CURRENT, 1);
  await uses.flush();
  uses.note(token, OLD, 2);
  uses.note(token, OLD, 3);
  await uses.flush();
  expect(book.batches).toEqual([
    [{ key: 'token/acme/a', atMs: 1 }],
    [{ key: 'token/acme/a', atMs: 3, scopes: ['(replaced:older-th)'] }],
  ]);
});

test('a clock that goes back takes nothing back', async () => {
  const token = tokenOf('a');
  uses.note(token, CURRENT, 500);
  uses.note(token, CURRENT, 400);
  // A record that changed is another fact of the same token.
  uses.note(tokenOf('a'), CURRENT, 300);
  uses.noteKey('token/acme/a', 200);
  await uses.flush();
  expect(book.touches).toEqual({ 'token/acme/a': 500 });
});

test('what could not be written is written once it can, and said once', async () => {
  book.fails = true;
  uses.note(tokenOf('a'), CURRENT, 1);
  await uses.flush();
  uses.note(tokenOf('b'), CURRENT, 2);
  await uses.flush();
  expect(failures).toHaveLength(1);
  book.fails = false;
  await uses.flush();
  expect(book.touches).toEqual({ 'token/acme/a': 1, 'token/acme/b': 2 });
  book.fails = true;
  uses.note(tokenOf('b'), CURRENT, 3);
  await uses.flush();
  expect(failures).toHaveLength(2);
});

test('a use while the one before is being written is not lost', async () => {
  const token = tokenOf('a');
  uses.note(token, CURRENT, 1);
  const gate = Promise.withResolvers<void>();
  book.gate = gate.promise;
  const first = uses.flush();
  await new Promise((resolve) => setImmediate(resolve));
  uses.note(token, CURRENT, 2);
  const second = uses.flush();
  gate.resolve();
  await Promise.all([first, second]);
  expect(book.batches.map((batch) => batch[0]!.atMs)).toEqual([1, 2]);
});

test('many are written in batches that hold nothing up', async () => {
  for (let nth = 0; nth < 1200; nth++) uses.note(tokenOf(`t${nth}`), CURRENT, 1);
  await uses.flush();
  expect(book.batches.map((batch) => batch.length)).toEqual([500, 500, 200]);
});

test('what waits for the store is bounded: the oldest are forgotten', async () => {
  book.fails = true;
  for (let nth = 0; nth < 100_001; nth++) uses.noteKey(`k${nth}`, 1);
  book.fails = false;
  await uses.flush();
  const written = book.touches;
  expect([Object.keys(written).length, written.k0, written.k1]).toEqual([100_000, undefined, 1]);
});

test('the end writes what is left, and does not wait for a store that hangs', async () => {
  uses.note(tokenOf('a'), CURRENT, 1);
  book.gate = new Promise(() => {});
  await uses.close();
  expect(book.touches).toEqual({ 'token/acme/a': 1 });
});
