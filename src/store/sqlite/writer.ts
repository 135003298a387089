/**
 * Makes a change in the file: all of it in one transaction, or nothing. Tells nobody, and waits for nobody: it throws where
 * another process holds the lock.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Change, Write } from '../store.ts';
import { ListNumbers, type NumberedLists, readNumberedLists } from './lists.ts';
import type { RecordShapes } from './shapes.ts';

/** Notices kept for followers that were away; past it they flush. */
export const LOG_LENGTH = 100_000;
/** Entries that one statement adds: fewer calls into the engine. */
const TOGETHER = 32;

type Before = { readonly version: number; readonly indexes: string };
type Entry = readonly [list: number, score: number, key: string];

const NOWHERE: NumberedLists = [];

export class SqliteWriter {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #lists: ListNumbers;
  readonly #shapes: RecordShapes;

  constructor(database: DatabaseSync, shapes: RecordShapes) {
    this.#database = database;
    this.#statements = prepare(database);
    this.#lists = new ListNumbers(database);
    this.#shapes = shapes;
  }

  /** Returns its revision; null: an expected version was another. */
  write(change: Change, keys: readonly string[], committedAtMs: number): number | null {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#lists.begin();
      const revision = this.#write(change, keys, committedAtMs);
      this.#database.exec(revision === null ? 'ROLLBACK' : 'COMMIT');
      return revision;
    } catch (error) {
      this.#lists.forget();
      this.#shapes.forget();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #write({ expects, writes }: Change, keys: readonly string[], committedAtMs: number): number | null {
    const { get, log, trim } = this.#statements;
    const before = new Map<string, Before | undefined>();
    const row = (key: string) => {
      if (!before.has(key)) before.set(key, get.get(key) as Before | undefined);
      return before.get(key);
    };
    if (expects.some(({ key, version }) => (row(key)?.version ?? 0) !== version)) return null;
    const revision = Number(log.run(JSON.stringify(keys), committedAtMs).lastInsertRowid);
    const added: Entry[] = [];
    const left = new Set<number>();
    for (const write of writes) this.#put(write, row(write.key), revision, added, left);
    this.#add(added);
    this.#lists.tidy(left);
    if (revision % 1000 === 0) trim.run(revision - LOG_LENGTH);
    return revision;
  }

  #put(
    { key, record, indexes = [] }: Write,
    before: Before | undefined,
    revision: number,
    added: Entry[],
    left: Set<number>,
  ): void {
    const { put, remove, removeEntry, untouch, forgetScopes } = this.#statements;
    const places = record === null ? NOWHERE : this.#lists.numberedOf(indexes);
    const stays = new Set(before === undefined ? [] : entriesOf(places, key).map(textOf));
    for (const entry of before === undefined ? [] : entriesOf(readNumberedLists(before.indexes), key)) {
      if (stays.has(textOf(entry))) continue;
      removeEntry.run(...entry);
      left.add(entry[0]);
    }
    if (record === null) {
      remove.run(key);
      untouch.run(key);
      forgetScopes.run(key);
      return;
    }
    const { text, shape } = this.#shapes.textOf(record);
    put.run(key, revision, text, shape, JSON.stringify(places));
    for (const entry of entriesOf(places, key)) added.push(entry);
  }

  /** List by list, since what stands together is written together. Also what should be there already: it may have been lost. */
  #add(entries: Entry[]): void {
    const { addEntry, addEntries } = this.#statements;
    entries.sort(([one], [other]) => one - other);
    let from = 0;
    for (; from + TOGETHER <= entries.length; from += TOGETHER)
      addEntries.run(...entries.slice(from, from + TOGETHER).flat());
    for (const entry of entries.slice(from)) addEntry.run(...entry);
  }
}

function entriesOf(places: NumberedLists, key: string): Entry[] {
  return places.flatMap(([score, ...lists]) => lists.map((list) => [list, score, key] as const));
}

function textOf([list, score]: Entry): string {
  return `${list} ${score}`;
}

function prepare(database: DatabaseSync) {
  const add = (count: number): StatementSync =>
    database.prepare(
      `INSERT OR IGNORE INTO entries (list, score, key) VALUES ${new Array(count).fill('(?, ?, ?)').join(', ')}`,
    );
  return {
    get: database.prepare('SELECT version, indexes FROM records WHERE key = ?'),
    put: database.prepare(
      'INSERT OR REPLACE INTO records (key, version, record, shape, indexes) VALUES (?, ?, ?, ?, ?)',
    ),
    remove: database.prepare('DELETE FROM records WHERE key = ?'),
    addEntry: add(1),
    addEntries: add(TOGETHER),
    removeEntry: database.prepare('DELETE FROM entries WHERE list = ? AND score = ? AND key = ?'),
    log: database.prepare('INSERT INTO changes (keys, committed_at) VALUES (?, ?)'),
    trim: database.prepare('DELETE FROM changes WHERE revision <= ?'),
    untouch: database.prepare('DELETE FROM touches WHERE key = ?'),
    forgetScopes: database.prepare('DELETE FROM scope_uses WHERE key = ?'),
  };
}
