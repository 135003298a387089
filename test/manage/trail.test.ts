/** A trail of many events: what looks for few of them ends in time, and what takes it out breaks off where the store does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/core/policy.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import { auditDoc } from '../../src/manage/audit.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import { exportTrail, readTrail, type TrailQuestion } from '../../src/manage/trail.ts';
import { place } from '../../src/manage/unit-of-work/places.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';

const ORGANIZATION = {
  id: 'acme',
  name: 'n',
  edition: 'team',
  generation: 0,
  createdAtMs: 0,
  deletedAtMs: null,
} as const;
const ADMIN_KEY = { kind: 'admin-key', id: null, tokenId: null } as const;
const MANY = 6000;
/** From the beginning, and from the end. */
const RARE = 50;

let store: FaultyStore;
let context: ManageContext;
const question = (more: Partial<TrailQuestion> = {}): TrailQuestion => ({ ended: false, newestFirst: true, ...more });

beforeAll(async () => {
  store = new FaultyStore(new MemoryStore());
  context = { store, policy: () => ({}) as Policy, nowMs: () => 0, actor: OPERATOR };
  const writes = Array.from({ length: MANY }, (_, nth) => {
    const id = nth === RARE ? 'rare' : `m${nth}`;
    const line = { action: 'member.created', target: { type: 'member', id }, before: null, after: null };
    const record = auditDoc(ORGANIZATION, ADMIN_KEY, nth, line);
    return { ...place('audit', record), record };
  });
  writes.push({ ...place('organization', ORGANIZATION), record: ORGANIZATION } as never);
  await store.commit({ expects: [], writes });
});
afterAll(() => store.close());

describe('what few of many fit', () => {
  it('is found on a later page, after pages that end in time', async () => {
    const first = await readTrail(context, 'acme', question({ object: 'rare' }), { limit: 10, cursor: null });
    expect(first.items).toEqual([]);
    expect(first.nextCursor).not.toBeNull();
    const { items, nextCursor } = await readTrail(context, 'acme', question({ object: 'rare' }), {
      limit: 10,
      cursor: first.nextCursor,
    });
    expect(items).toMatchObject([{ atMs: RARE }]);
    expect(nextCursor).toBeNull();
  });

  it('looks at nothing that is outside of the time asked for', async () => {
    for (const newestFirst of [true, false]) {
      const asked = question({ newestFirst, sinceMs: 10, untilMs: RARE + 10, object: 'rare' });
      const { items, nextCursor } = await readTrail(context, 'acme', asked, { limit: 10, cursor: null });
      expect([items.length, nextCursor]).toEqual([1, null]);
    }
  });
});

it('an export has all of it, and goes on where few fit', async () => {
  let count = 0;
  for await (const page of await exportTrail(context, 'acme', question())) count += page.length;
  expect(count).toBe(MANY);
  const found: unknown[] = [];
  for await (const page of await exportTrail(context, 'acme', question({ object: 'rare' }))) found.push(...page);
  expect(found).toMatchObject([{ atMs: RARE }]);
});

it('an export that loses the store breaks off, and one that never had it does not begin', async () => {
  const pages = await exportTrail(context, 'acme', question());
  let count = 0;
  const read = async () => {
    for await (const page of pages) {
      count += page.length;
      store.fail();
    }
  };
  await expect(read()).rejects.toThrow(StoreUnavailable);
  expect(count).toBeLessThan(MANY);
  await expect(exportTrail(context, 'acme', question())).rejects.toThrow(StoreUnavailable);
  store.recover();
});
