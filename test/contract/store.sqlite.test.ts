/** The embedded store: the suite for every store, and what only a file on a disk can promise. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { checkFile, migrateFile } from '../../src/store/sqlite/migrations.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { changeRow, damageRow } from '../support/row-in-file.ts';
import { describeExport } from './export.contract.ts';
import { beats, describeStore, Listener } from './store.contract.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'scopegate-store-'));
const mode = (path: string) => statSync(path).mode & 0o777;

describeStore('SqliteStore', () => {
  const folder = temporary();
  const path = join(folder, 'store.db');
  const store = new SqliteStore(path);
  return {
    store,
    peer: () => new SqliteStore(path),
    damage: (key) => damageRow(path, key),
    dispose: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describeExport('SqliteStore', async () => {
  const folder = temporary();
  const path = join(folder, 'store.db');
  const store = new SqliteStore(path);
  return {
    store,
    damage: (key) => damageRow(path, key),
    loseEntry: (index, key) => {
      const named = `(SELECT id FROM lists WHERE name = '${index}')`;
      changeRow(path, key, `DELETE FROM entries WHERE list = ${named} AND row = ?`);
    },
    dispose: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describe('the file', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = temporary();
    path = join(folder, 'data', 'store.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const failure = (): string => {
    try {
      void new SqliteStore(path).close();
    } catch (error) {
      expect(error).toBeInstanceOf(SetupError);
      return (error as Error).message;
    }
    throw new Error('it was opened');
  };
  const imported = (sql: string) => {
    mkdirSync(join(folder, 'data'), { mode: 0o700 });
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    chmodSync(path, 0o600);
  };

  it('and all that lies beside it is its owner’s alone, whatever the umask', async () => {
    const before = process.umask(0);
    const store = new SqliteStore(path);
    try {
      await store.commit({ expects: [], writes: [{ key: 'a', record: 1 }] });
      expect(mode(join(folder, 'data')).toString(8)).toBe('700');
      for (const suffix of ['', '-wal', '-shm']) expect(mode(path + suffix).toString(8), suffix).toBe('600');
    } finally {
      process.umask(before);
      await store.close();
    }
  });

  it.each([0o640, 0o604, 0o666, 0o620])('with mode %o is refused, saying what to run', (loose) => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(path, '');
    chmodSync(path, loose);
    expect(failure()).toBe(`store: ${path} can be opened by other users; run: chmod 600 ${path}`);
    expect(readFileSync(path)).toHaveLength(0);
  });

  it('keeps its records when it is opened again', async () => {
    const first = new SqliteStore(path);
    await first.commit({ expects: [], writes: [{ key: 'a', record: 1, indexes: [{ index: 'i', score: 1 }] }] });
    await first.close();
    const second = new SqliteStore(path);
    expect(await second.get('a')).toEqual({ key: 'a', record: 1, version: 1 });
    expect(await second.scan('i', { limit: 1 })).toHaveLength(1);
    expect(await second.commit({ expects: [], writes: [{ key: 'b', record: 1 }] })).toEqual({ ok: true, revision: 2 });
    await second.close();
  });

  it('of another program is refused and left as it was', () => {
    imported("CREATE TABLE theirs (x); INSERT INTO theirs VALUES ('precious')");
    const before = readFileSync(path);
    expect(failure()).toBe(`store: ${path} cannot be opened as a scopegate database: it belongs to another program`);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('of another program without tables is refused too', () => {
    imported('PRAGMA application_id = 7; VACUUM');
    expect(failure()).toMatch(/it belongs to another program$/);
  });

  it('of a newer scopegate is refused and left as it was', async () => {
    await new SqliteStore(path).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    const before = readFileSync(path);
    expect(failure()).toMatch(/it was written by a newer scopegate \(version 99\)$/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('that is no database is refused and left as it was', () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(path, 'this is a diary, '.repeat(500), { mode: 0o600 });
    expect(failure()).toMatch(/cannot be opened as a scopegate database: file is not a database$/);
    expect(readFileSync(path, 'utf8')).toBe('this is a diary, '.repeat(500));
  });

  it('that is a folder, or in a folder that cannot be made, is refused in one line', () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    expect(failure()).toMatch(/^store: .*$/);
    writeFileSync(join(folder, 'file'), '');
    path = join(folder, 'file', 'store.db');
    expect(failure()).toMatch(/^store: the data folder .* is not writable \((ENOTDIR|EEXIST)\)/);
  });

  it('a refused file is not kept open', () => {
    imported('CREATE TABLE theirs (x)');
    expect(failure()).toMatch(/another program/);
    const own = '/proc/self/fd';
    // Elsewhere than on Linux nobody tells which files are open.
    const links = existsSync(own)
      ? readdirSync(own).map((number) => tryOr(() => readlinkSync(join(own, number)), ''))
      : [];
    expect(links).not.toContain(path);
  });

  it('is written ahead; the log is synced before a checkpoint by SQLite, and after commits by us', async () => {
    const exec = DatabaseSync.prototype.exec;
    // Nothing outside the connection can ask for `synchronous`, so the connection is caught on its way.
    let caught: DatabaseSync | undefined;
    DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
      caught = this;
      return exec.call(this, sql);
    };
    const store = new SqliteStore(path);
    DatabaseSync.prototype.exec = exec;
    try {
      expect(caught!.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 1 });
      expect(caught!.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    } finally {
      await store.close();
    }
  });

  it('forgets old notices, and then says that it no longer reaches back', async () => {
    const store = new SqliteStore(path);
    await store.commit({ expects: [], writes: [{ key: 'a', record: 1 }] });
    await store.commit({ expects: [], writes: [{ key: 'b', record: 1 }] });
    const database = new DatabaseSync(path);
    database.exec('DELETE FROM changes WHERE revision = 1');
    database.close();
    expect(await store.changesSince(0, 10)).toBeNull();
    expect(await store.changesSince(1, 10)).toMatchObject([{ revision: 2, keys: ['b'] }]);
    await store.close();
  });

  it('a follower that was away longer than the notices are kept is told to believe nothing', async () => {
    const store = new SqliteStore(path);
    const caughtUp = new Listener();
    const stop = store.follow(caughtUp);
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO changes (revision, rows, committed_at) VALUES (500, x'02', 0)");
    database.close();
    await caughtUp.until(() => caughtUp.flushes === 1);
    const peer = new SqliteStore(path);
    await peer.commit({ expects: [], writes: [{ key: 'b', record: 1 }] });
    await caughtUp.until(() => caughtUp.keys.includes('b'));
    expect(caughtUp.flushes).toBe(1);
    stop();
    await peer.close();
    await store.close();
  });

  it('that is broken under way silences the feed, and nothing is answered with absent', async () => {
    const store = new SqliteStore(path);
    await store.commit({ expects: [], writes: [{ key: 'a', record: 1 }] });
    const caughtUp = new Listener();
    const stop = store.follow(caughtUp);
    const database = new DatabaseSync(path);
    database.exec('DROP TABLE records; DROP TABLE changes');
    expect(store.read('a')).toMatchObject({ kind: 'unavailable' });
    const before = caughtUp.heardCount;
    const sound = new SqliteStore(join(folder, 'sound.db'));
    await beats(sound, 3);
    expect(caughtUp.heardCount).toBe(before);
    await sound.close();
    database.close();
    stop();
    await store.close();
  });
});

function tryOr<T>(act: () => T, otherwise: T): T {
  try {
    return act();
  } catch {
    return otherwise;
  }
}

describe('several processes', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = temporary();
    path = join(folder, 'store.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs `body` in a process of its own, with a `store` on the file. Its first argument is `name`. */
  const run = (name: string, body: string) => {
    const url = new URL('../../src/store/sqlite/store.ts', import.meta.url).href;
    const code = `
      import { writeSync } from 'node:fs';
      const { SqliteStore } = await import(${JSON.stringify(url)});
      const store = new SqliteStore(${JSON.stringify(path)});
      const name = ${JSON.stringify(name)};
      const say = (text) => writeSync(1, text + '\\n');
      ${body}`;
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    return { child, output: () => output, errors: () => errors, closed: once(child, 'close') };
  };

  it('wait for the lock without holding up anything else, and give up in time', async () => {
    const store = new SqliteStore(path);
    await store.commit({ expects: [], writes: [{ key: 'a/1', record: 1 }] });
    const theirs = new DatabaseSync(path);
    theirs.exec('BEGIN IMMEDIATE');
    const waiting = store.commit({ expects: [], writes: [{ key: 'a/1', record: 2 }] });
    // Had it waited inside SQLite, we would not be here yet.
    expect(store.read('a/1')).toEqual({ kind: 'found', record: 1 });
    theirs.exec('ROLLBACK');
    expect(await waiting).toMatchObject({ ok: true });
    theirs.exec('BEGIN IMMEDIATE');
    await expect(store.commit({ expects: [], writes: [{ key: 'a/1', record: 3 }] })).rejects.toThrow(StoreUnavailable);
    theirs.exec('ROLLBACK');
    expect(store.read('a/1')).toEqual({ kind: 'found', record: 2 });
    theirs.close();
    await store.close();
  });

  it('never judge a file by half of what another has written into it', () => {
    const [mine, theirs] = [new DatabaseSync(path), new DatabaseSync(path)];
    theirs.exec('PRAGMA busy_timeout = 0');
    let interrupted = false;
    const prepare = mine.prepare.bind(mine);
    mine.prepare = (sql: string) => {
      if (sql.includes('sqlite_schema')) {
        // The other process makes the file between our two looks at it. It has to wait.
        expect(() => migrateFile(theirs)).toThrow('locked');
        interrupted = true;
      }
      return prepare(sql);
    };
    expect(() => checkFile(mine)).not.toThrow();
    expect(interrupted).toBe(true);
    migrateFile(theirs);
    mine.prepare = prepare;
    expect(() => checkFile(mine)).not.toThrow();
    for (const database of [mine, theirs]) database.close();
  });

  it('may open a new file at the same moment', async () => {
    const runs = Array.from({ length: 4 }, (_, index) =>
      run(
        String(index),
        `await store.commit({ expects: [], writes: [{ key: name, record: name }] }); await store.close();`,
      ),
    );
    for (const { closed, errors } of runs) expect([(await closed)[0], errors()]).toEqual([0, '']);
    const store = new SqliteStore(path);
    for (let index = 0; index < 4; index++) expect(store.read(String(index))).toMatchObject({ kind: 'found' });
    await store.close();
  });

  it('count together without losing one', async () => {
    const count = `
      for (let added = 0; added < 100; ) {
        const found = await store.get('total');
        const change = {
          expects: [{ key: 'total', version: found?.version ?? 0 }],
          writes: [{ key: 'total', record: (found?.record ?? 0) + 1 }],
        };
        if ((await store.commit(change)).ok) added++;
      }
      await store.close();`;
    const runs = [run('a', count), run('b', count), run('c', count)];
    for (const { closed, errors } of runs) expect([(await closed)[0], errors()]).toEqual([0, '']);
    const store = new SqliteStore(path);
    expect(store.read('total')).toEqual({ kind: 'found', record: 300 });
    expect(await store.changesSince(0, 1000)).toHaveLength(300);
    await store.close();
  });

  it('killed in the middle of writing leave every acknowledged commit, whole', async () => {
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) {
      const { child, output, closed } = run(
        String(round),
        `for (let index = 0; ; index++) {
          const half = (part) => ({ key: name + '/' + index + '/' + part, record: { part }, indexes: [{ index: 'all', score: index }] });
          await store.commit({ expects: [], writes: [half('left'), half('right')] });
          say(String(index));
        }`,
      );
      const wanted = 20 + round * 17;
      child.stdout.on('data', () => {
        if (output().split('\n').length > wanted) child.kill('SIGKILL');
      });
      await closed;
      expect(child.signalCode).toBe('SIGKILL');
      const last = Number(output().trimEnd().split('\n').at(-1));
      const store = new SqliteStore(path);
      for (let index = 0; index <= last; index++) {
        for (const part of ['left', 'right'])
          expect(store.read(`${round}/${index}/${part}`)).toEqual({ kind: 'found', record: { part } });
      }
      // One more may have been written and not yet said; it is there as a whole or not at all.
      const more = ['left', 'right'].map((part) => store.read(`${round}/${last + 1}/${part}`).kind);
      expect(new Set(more).size).toBe(1);
      acknowledged += last + 1 + (more[0] === 'found' ? 1 : 0);
      expect(await store.count('all', -1)).toBe(acknowledged * 2);
      expect(await store.changesSince(0, 10_000)).toHaveLength(acknowledged);
      await store.close();
    }
  });
});
