/** How a store in Redis is read whole: by SCAN, each record with its entries, of which none may be missing. Changes nothing. */
import type { Exported, ExportedPage } from '../exportable.ts';
import { readNames, readText, type Scripted } from './scripts.ts';

/** Keys that one SCAN looks at where they are only counted. */
const COUNTED = 10_000;

type Ask = <T>(work: (client: Scripted) => Promise<T>) => Promise<T>;

export class RedisExport {
  readonly #ask: Ask;
  readonly #prefix: string;

  constructor(ask: Ask, prefix: string) {
    this.#ask = ask;
    this.#prefix = prefix;
  }

  async page(cursor: string | null, limit: number): Promise<ExportedPage> {
    const { keys, next } = await this.#scan(cursor ?? '0', limit);
    const records = await this.records([...new Set(keys)]);
    // One that was deleted in between.
    return { records: records.filter((record) => record !== null), next };
  }

  async records(keys: readonly string[]): Promise<Array<Exported | null>> {
    if (keys.length === 0) return [];
    const found = await this.#ask((client) =>
      client.scopegateExport([`${this.#prefix}revision`, this.#prefix, ...keys]),
    );
    return keys.map((key, place) => exportedOf(key, found[place]!));
  }

  async size(): Promise<number> {
    let total = 0;
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const page: { keys: string[]; next: string | null } = await this.#scan(cursor, COUNTED);
      total += page.keys.length;
      cursor = page.next;
    }
    return total;
  }

  async #scan(cursor: string, count: number): Promise<{ keys: string[]; next: string | null }> {
    const start = `${this.#prefix}r:`;
    const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
    const [next, keys] = await this.#ask((client) => client.scan(cursor, 'MATCH', pattern, 'COUNT', count));
    return { keys: keys.map((key) => key.slice(start.length)), next: next === '0' ? null : next };
  }
}

/** `parts`: the record's text, then a score for each of its indexes; none: it does not exist. */
function exportedOf(key: string, parts: ReadonlyArray<string | null>): Exported | null {
  const [text, ...scores] = parts;
  if (text === undefined || text === null) return null;
  const stored = readText(key, text);
  const indexes = readNames(text).map((index, place) => {
    const score = scores[place];
    if (score === undefined || score === null) throw new Error(`the record ${key} is missing in its list ${index}`);
    return { index, score: Number(score) };
  });
  return { key, ...stored, indexes };
}
