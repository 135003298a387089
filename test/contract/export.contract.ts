/** What every store that can be carried over into another promises. Called by each adapter's own test file. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExportableStore, Exported } from '../../src/store/exportable.ts';
import { StoreUnavailable, type Write } from '../../src/store/store.ts';

export interface ExportSubject {
  readonly store: ExportableStore;
  /** Puts text that is no JSON where the record of `key` stands; absent where nothing can. */
  readonly damage?: (key: string) => void | Promise<void>;
  /** Takes `key` out of an index behind the store's back; absent where nothing can. */
  readonly loseEntry?: (index: string, key: string) => void | Promise<void>;
  readonly dispose: () => Promise<void>;
}

async function all(store: ExportableStore, limit: number): Promise<Map<string, Exported>> {
  const found = new Map<string, Exported>();
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<ExportableStore['export']>> = await store.export(cursor, limit);
    for (const record of page.records) found.set(record.key, record);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

export function describeExport(name: string, start: () => Promise<ExportSubject>): void {
  describe(`${name}, carried over`, () => {
    let subject: ExportSubject;
    beforeEach(async () => {
      subject = await start();
    });
    afterEach(() => subject.dispose());
    const put = (writes: Write[]) => subject.store.commit({ expects: [], writes });

    it('shows every record once it is asked for to the end, with its version and list entries', async () => {
      const { store } = subject;
      expect([await store.size(), await store.revision(), (await all(store, 10)).size]).toEqual([0, 0, 0]);
      const writes = Array.from({ length: 57 }, (_, nth) => ({
        key: `token/ümläut*?[x]/${nth}`,
        record: { nth, text: 'a "b"\n ü' },
        indexes: [
          { index: 'tokens/all', score: 1_800_000_000_000 + nth },
          { index: `counted/${nth % 3}`, score: Number.MAX_SAFE_INTEGER },
        ],
      }));
      await put(writes.slice(0, 30));
      await put([...writes.slice(30), { key: 'plain', record: [] }]);
      for (const limit of [1, 10, 57, 58, 1000]) {
        const found = await all(store, limit);
        expect(found.size, `by ${limit}`).toBe(58);
        for (const [nth, { key, record, indexes }] of writes.entries())
          expect(found.get(key)).toEqual({ key, record, indexes, version: nth < 30 ? 1 : 2 });
        expect(found.get('plain')).toEqual({ key: 'plain', record: [], indexes: [], version: 2 });
      }
      expect([await store.size(), await store.revision()]).toEqual([58, 2]);
    });

    it('shows the records that are asked for by name, and null for what there is not', async () => {
      await put([{ key: 'a', record: { a: 1 }, indexes: [{ index: 'i', score: 0 }] }]);
      await put([
        { key: 'b', record: { b: 1 }, indexes: [{ index: 'i', score: -1.5 }] },
        { key: 'c', record: 1 },
      ]);
      await put([{ key: 'c', record: null }]);
      expect(await subject.store.exported(['b', 'none', 'c', 'a'])).toEqual([
        { key: 'b', record: { b: 1 }, version: 2, indexes: [{ index: 'i', score: -1.5 }] },
        null,
        null,
        { key: 'a', record: { a: 1 }, version: 1, indexes: [{ index: 'i', score: 0 }] },
      ]);
      expect(await subject.store.exported([])).toEqual([]);
    });

    it('never shows what is damaged, nor a record that is missing in its list', async () => {
      const { damage, loseEntry, store } = subject;
      await put([{ key: 'a', record: {}, indexes: [{ index: 'i', score: 1 }] }]);
      expect(await store.exported(['a'])).toHaveLength(1);
      if (loseEntry !== undefined) {
        await loseEntry('i', 'a');
        await expect(all(store, 10)).rejects.toThrow(StoreUnavailable);
        await expect(store.exported(['a'])).rejects.toThrow('missing in its list i');
        await put([{ key: 'a', record: {}, indexes: [] }]);
      }
      if (damage === undefined) return;
      await damage('a');
      await expect(all(store, 10)).rejects.toThrow(StoreUnavailable);
      await expect(store.exported(['a'])).rejects.toThrow(StoreUnavailable);
    });

    it('says so when it cannot be asked', async () => {
      await subject.store.close();
      await expect(subject.store.export(null, 1)).rejects.toThrow(StoreUnavailable);
      await expect(subject.store.exported(['a'])).rejects.toThrow(StoreUnavailable);
      await expect(subject.store.size()).rejects.toThrow(StoreUnavailable);
      await expect(subject.store.revision()).rejects.toThrow(StoreUnavailable);
    });
  });
}
