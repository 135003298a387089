/**
 * Makes the recorded database file of version 6 (`recorded/file-6*`), in a checkout of commit 82cf609, whose code is the
 * last that wrote it: copy this file into test/format there, and run `node test/format/make-file-6.ts FOLDER`. It is the
 * recorded store of format 1 as that code brings it up to date, used and changed, and what its store says of it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { options, StillClock } from './everything.ts';
import { putFile, recorded } from './recorded.ts';

const folder = process.argv[2]!;
const path = putFile(folder, 'file-6.db');
{
  await using upstream = await startHttpUpstream((_request, response) => response.end('here'));
  const clock = new StillClock(recorded('sqlite').nowMs);
  const gateway = await startTestGateway(options(upstream.url, clock, { store: { driver: 'sqlite', path } }));
  await gateway.stop();
}
const store = new SqliteStore(path);
const { records } = await store.export(null, 100_000);
const tokens = records.filter(({ key }) => key.startsWith('token/'));
await store.touch(tokens.slice(0, 20).map(({ key }, nth) => ({ key, atMs: 1_900_000_000_000 + nth })));
await store.touch(
  tokens.slice(5, 9).map(({ key }) => ({ key, atMs: 1_900_100_000_000, scopes: ['content:read', 'a:b'] })),
);
// What is gone is still told of, and what was used is used no more.
for (const { key } of tokens.slice(8, 12)) await store.commit({ expects: [], writes: [{ key, record: null }] });
const usual = { list: [1, { deep: true }], number: 1.5, empty: {}, text: 'é\u{1f600}' };
for (const key of ['a', 'a ', 'é', 'token/acme/own', 'token/a/b/c'])
  await store.commit({ expects: [], writes: [{ key, record: usual, indexes: [{ index: 'odd', score: -1.5 }] }] });

const left = await store.export(null, 100_000);
const keys = left.records.map(({ key }) => key);
const lists = [...new Set(left.records.flatMap(({ indexes }) => indexes.map(({ index }) => index)))];
const scanned = [];
for (const index of lists)
  scanned.push([index, (await store.scan(index, { limit: 100_000 })).map(({ key, score }) => [key, score])]);
const said = {
  records: left.records,
  lists: scanned,
  touched: await store.touched(keys),
  scopes: (await store.scopesUsed(keys)).map(({ days, sinceDay }) => ({ days: [...days].sort(), sinceDay })),
  changes: await store.changesSince((await store.revision()) - 20, 100),
  revision: await store.revision(),
};
await store.close();
const database = new DatabaseSync(path);
database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
database.close();
writeFileSync(join(folder, 'file-6.json.gz'), gzipSync(JSON.stringify(said), { level: 9 }));
writeFileSync(join(folder, 'file-6.db.gz'), gzipSync(readFileSync(path), { level: 9 }));
rmSync(path);
