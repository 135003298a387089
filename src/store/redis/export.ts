/** How a store in Redis is read whole: hash by hash, each record with its entries, of which none may be missing. Changes nothing. */

import type { SharedValues } from '../codec/shared-values.ts';
import type { Exported, ExportedPage } from '../exportable.ts';
import type { IndexEntry } from '../store.ts';
import { readOrder } from './commit.ts';
import { packKey, unpackKey } from './packed-key.ts';
import { readRecord } from './records.ts';
import type { Scripted } from './scripts.ts';
import type { RedisShared } from './shared.ts';
import { keysOf } from './upgrade.ts';

type Ask = <T>(work: (client: Scripted) => Promise<T>) => Promise<T>;

/** Where a reading has got to: in which hashes, where in the first of them, and where SCAN goes on behind them. */
interface Place {
  readonly scan: string | null;
  readonly hashes: readonly string[];
  readonly inHash: string;
}

/** Hashes that one SCAN looks for; they stand among keys of other kinds. */
const SCANNED = 500;

export class RedisExport {
  readonly #ask: Ask;
  readonly #prefix: string;
  readonly #shared: RedisShared;

  constructor(ask: Ask, prefix: string, shared: RedisShared) {
    this.#ask = ask;
    this.#prefix = prefix;
    this.#shared = shared;
  }

  async page(cursor: string | null, limit: number): Promise<ExportedPage> {
    let place: Place = cursor === null ? { scan: '0', hashes: [], inHash: '0' } : (JSON.parse(cursor) as Place);
    const keys = new Set<string>();
    while (keys.size < limit) {
      const [hash, ...others] = place.hashes;
      if (hash !== undefined) {
        const inHash = await this.#keysIn(hash, place.inHash, limit - keys.size, keys);
        place = inHash === '0' ? { ...place, hashes: others, inHash: '0' } : { ...place, inHash };
      } else if (place.scan !== null) place = await this.#scan(place.scan);
      else break;
    }
    const records = await this.records([...keys]);
    const isOver = place.hashes.length === 0 && place.scan === null;
    // One that was deleted in between.
    return { records: records.filter((record) => record !== null), next: isOver ? null : JSON.stringify(place) };
  }

  async records(keys: readonly string[]): Promise<Array<Exported | null>> {
    if (keys.length === 0) return [];
    const found = await this.#ask((client) =>
      client.scopegateExportBuffer([`${this.#prefix}revision`, this.#prefix, ...keys.map(packKey)]),
    );
    return this.#shared.reading(
      (shared) => keys.map((key, place) => exportedOf(key, found[place]!, shared)),
      (places) => this.#ask((client) => Promise.all(places.map(([hash, field]) => client.hget(hash, field)))),
    );
  }

  async size(): Promise<number> {
    let total = 0;
    for await (const hashes of keysOf(this.#ask, `${this.#prefix}h:`)) {
      const sizes = await this.#ask((client) =>
        Promise.all(hashes.map((hash) => client.hlen(`${this.#prefix}h:${hash}`))),
      );
      total += sizes.reduce((sum, size) => sum + size, 0);
    }
    return total;
  }

  async #keysIn(hash: string, cursor: string, count: number, keys: Set<string>): Promise<string> {
    const [next, found] = await this.#ask((client) =>
      client.hscanBuffer(`${this.#prefix}h:${hash}`, cursor, 'COUNT', count),
    );
    for (let at = 0; at < found.length; at += 2) keys.add(unpackKey(found[at]!));
    return next.toString();
  }

  async #scan(cursor: string): Promise<Place> {
    const start = `${this.#prefix}h:`;
    const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
    const [next, found] = await this.#ask((client) => client.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED));
    return { scan: next === '0' ? null : next, hashes: found.map((key) => key.slice(start.length)), inHash: '0' };
  }
}

/** `parts`: the record, then an index and a score for each of its entries; none: it does not exist. */
function exportedOf(key: string, parts: ReadonlyArray<Buffer | null>, shared: SharedValues): Exported | null {
  const [value, ...entries] = parts;
  if (value === undefined || value === null) return null;
  const stored = readRecord(key, value, shared);
  const indexes: IndexEntry[] = [];
  for (let place = 0; place < entries.length; place += 2) {
    const [index, order] = [entries[place]!.toString(), entries[place + 1]!.toString()];
    if (order === '') throw new Error(`the record ${key} is missing in its list ${index}`);
    indexes.push({ index, ...readOrder(order) });
  }
  return { key, ...stored, indexes };
}
