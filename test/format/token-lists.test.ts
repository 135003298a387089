/** A store of format 4: its tokens are found in the lists of format 5, as if they had been written today, on every engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { kindOf, type TokenHash } from '../../src/core/facts.ts';
import { bringUpToDate } from '../../src/format/bring-up-to-date.ts';
import { CURRENT_FORMAT } from '../../src/format/upgrades.ts';
import { place } from '../../src/manage/unit-of-work/places.ts';
import type { DocKind } from '../../src/manage/unit-of-work/records.ts';
import { Owned } from '../../src/owned.ts';
import type { ExportableStore, Exported } from '../../src/store/exportable.ts';
import { FORMAT_KEY } from '../../src/store/format.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { packKey, recordsKey } from '../../src/store/redis/packed-key.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { dayOf, usesList } from '../../src/store/store.ts';
import { openRedis } from '../store/redis-harness.ts';
import { startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';
import { format4Said, putFormat4 } from './recorded.ts';

const said = format4Said() as { readonly records: readonly Exported[]; readonly touched: ReadonlyArray<number | null> };
const before = said.records.filter(({ key }) => key !== FORMAT_KEY);

/** What the file holds, carried over as it was. */
async function carried(store: ExportableStore): Promise<ExportableStore> {
  await store.commit({ expects: [], writes: said.records });
  const used = said.records.map(({ key }, nth) => ({ key, atMs: said.touched[nth]! }));
  await store.touch(used.filter(({ atMs }) => atMs !== null));
  return store;
}

const ENGINES: Readonly<Record<string, (owned: Owned) => Promise<ExportableStore>>> = {
  async memory() {
    return carried(new MemoryStore());
  },
  async sqlite(owned) {
    const folder = owned.add(mkdtempSync(join(tmpdir(), 'scopegate-format-')), (path) =>
      rmSync(path, { recursive: true }),
    );
    return new SqliteStore(putFormat4(folder));
  },
  async redis(owned) {
    const server = owned.add(await startRedis(), (started) => started.stop());
    const store = await openRedis(server.port);
    await store.commit({ expects: [], writes: said.records });
    // As a scopegate has noted them that knew of no list of uses.
    const client = owned.add(new Redis(server.url), async (opened) => opened.disconnect());
    for (const [nth, { key }] of said.records.entries()) {
      const packed = packKey(key);
      if (said.touched[nth] != null)
        await client.hset(recordsKey('test:{scopegate}:', packed, 't:'), packed, said.touched[nth]!);
    }
    return store;
  },
};

it.each(Object.keys(ENGINES))(
  'every token stands where it would be written, and nothing else has moved (%s)',
  async (engine) => {
    if (engine === 'redis' && !hasTool('redis-server')) return expect(process.env.CI).toBeUndefined();
    const owned = new Owned();
    try {
      const store = owned.add(await ENGINES[engine]!(owned), (opened) => opened.close());
      const upgrade = () =>
        bringUpToDate({ store, name: 'it', registry: { live: async () => [] }, log: pino({ level: 'silent' }) });
      await upgrade();
      expect((await store.get(FORMAT_KEY))!.record).toEqual({ number: CURRENT_FORMAT });
      const found = await store.exported(before.map(({ key }) => key));
      const sorted = (indexes: Exported['indexes']) => [...indexes].sort((a, b) => (a.index < b.index ? -1 : 1));
      for (const [nth, { key, record, indexes }] of before.entries()) {
        const kind = kindOf(key) as DocKind;
        const isMoved = kind === 'token' || kind === 'credential';
        const wanted = isMoved ? place(kind, record as never, { hash: key as TokenHash }).indexes : indexes;
        expect(found[nth]!.record, key).toEqual(record);
        expect(sorted(found[nth]!.indexes), key).toEqual(sorted(wanted));
      }
      expect(await store.size()).toBe(said.records.length);
      expect(await store.touched(said.records.map(({ key }) => key))).toEqual(said.touched);
      const used = said.records.filter((_, nth) => said.touched[nth] !== null).map(({ key }) => key);
      const listed = await Promise.all(
        [...new Set(used.map(usesList))].map((index) => store.scan(index, { limit: 1000 })),
      );
      expect(used.length).toBeGreaterThan(0);
      expect(listed.flat().map(({ key, score }) => [key, score])).toEqual(
        expect.arrayContaining(
          used.map((key) => [key, dayOf(said.touched[said.records.findIndex((one) => one.key === key)]!)]),
        ),
      );
      expect(listed.flat()).toHaveLength(used.length);
      const revision = await store.revision();
      await upgrade();
      expect(await store.revision()).toBe(revision);
    } finally {
      await owned.release();
    }
  },
);
