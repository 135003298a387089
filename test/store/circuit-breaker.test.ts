/** What a slow store costs those who ask: one wait, once; and how it is noticed that it is back. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoreCircuitBreaker } from '../../src/store/cache/circuit-breaker.ts';
import type { FactSource, Lookup } from '../../src/store/store.ts';

const FOUND: Lookup = { kind: 'found', record: 1 };
const DOWN: Lookup = { kind: 'unavailable', cause: 'down' };
const PATIENCE_MS = 200;

class SlowSource implements FactSource {
  readonly asked: Array<(lookup: Lookup) => void> = [];
  read(): Promise<Lookup> {
    return new Promise((resolve) => this.asked.push(resolve));
  }
}

let source: SlowSource;
let prompt: StoreCircuitBreaker;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  source = new SlowSource();
  prompt = new StoreCircuitBreaker(source, () => Date.now());
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks, and lets so much time pass; null: there is no answer yet. */
async function askFor(ms: number): Promise<Lookup | null> {
  const asked = Promise.resolve(prompt.read('key'));
  vi.advanceTimersByTime(ms);
  await turn();
  return Promise.race([asked, turn().then(() => null)]);
}
const turn = () => new Promise((resolve) => setImmediate(resolve));
const kind = async (asked: Promise<Lookup | null>) => (await asked)?.kind ?? null;

test('a read is waited for, and then no longer', async () => {
  expect(await kind(askFor(PATIENCE_MS - 1))).toBeNull();
  expect(await kind(askFor(PATIENCE_MS))).toBe('unavailable');
  expect(prompt.isFailing).toBe(true);
});

test('once somebody waited in vain nobody waits, and one look-up at a time finds out whether it is back', async () => {
  await askFor(PATIENCE_MS);
  for (let nth = 0; nth < 50; nth++) expect(prompt.read('key')).toMatchObject({ kind: 'unavailable' });
  expect(source.asked).toHaveLength(2);
  vi.advanceTimersByTime(10_000);
  await turn();
  for (let nth = 0; nth < 50; nth++) expect(prompt.read('key')).toMatchObject({ kind: 'unavailable' });
  expect(source.asked).toHaveLength(3);
  source.asked[2]!(FOUND);
  await turn();
  const asked = prompt.read('key');
  source.asked[3]!(FOUND);
  expect([await asked, prompt.isFailing]).toEqual([FOUND, false]);
});

test('a sign of life lets the next one wait again', async () => {
  await askFor(PATIENCE_MS);
  prompt.caughtUp();
  expect(await kind(askFor(PATIENCE_MS - 1))).toBeNull();
});

test('a store that says at once that it cannot be asked is asked each time', async () => {
  for (let nth = 0; nth < 10; nth++) {
    const asked = prompt.read('key');
    source.asked[nth]!(DOWN);
    expect([await asked, prompt.isFailing]).toEqual([DOWN, true]);
  }
});

test('one that says so late is not', async () => {
  const asked = prompt.read('key');
  vi.advanceTimersByTime(PATIENCE_MS / 2);
  source.asked[0]!(DOWN);
  expect(await asked).toEqual(DOWN);
  for (let nth = 0; nth < 10; nth++) expect(prompt.read('key')).toMatchObject({ kind: 'unavailable' });
  expect(source.asked).toHaveLength(2);
});

test('what was asked before it came back and fails after says nothing of it', async () => {
  const [old, fresh] = [prompt.read('old'), prompt.read('fresh')];
  vi.advanceTimersByTime(PATIENCE_MS / 2);
  source.asked[1]!(FOUND);
  expect(await fresh).toEqual(FOUND);
  source.asked[0]!(DOWN);
  expect([await old, prompt.isFailing]).toEqual([DOWN, false]);
  expect(await kind(askFor(0))).toBeNull();
});

test('a rejected read is an outage', async () => {
  const broken = new StoreCircuitBreaker({ read: () => Promise.reject(new Error('a bug')) }, () => Date.now());
  expect(await broken.read('key')).toMatchObject({ kind: 'unavailable', cause: new Error('a bug') });
});
