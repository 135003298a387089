/**
 * Makes the recorded store of format 4 (`recorded/format-4*`), in a checkout of commit 94aca0b, whose code is the last that
 * wrote it: copy this file into test/format there, and run `node test/format/make-format-4.ts FOLDER`. It is the recorded
 * store of format 1 as that code brings it up to date, used and changed, and all that its store holds.
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
const path = putFile(folder, 'format-4.db');
{
  await using upstream = await startHttpUpstream((_request, response) => response.end('here'));
  const clock = new StillClock(recorded('sqlite').nowMs);
  const gateway = await startTestGateway(options(upstream.url, clock, { store: { driver: 'sqlite', path } }));
  await gateway.stop();
}
const store = new SqliteStore(path);
const { records } = await store.export(null, 100_000);
const tokens = records.filter(({ key }) => key.startsWith('token/'));
await store.touch(tokens.slice(0, 20).map(({ key }, nth) => ({ key, atMs: 1_893_000_000_000 + nth * 40_000_000 })));
// What is gone is used no more.
for (const { key } of tokens.slice(18, 20)) await store.commit({ expects: [], writes: [{ key, record: null }] });
const left = await store.export(null, 100_000);
const touched = await store.touched(left.records.map(({ key }) => key));
await store.close();
const database = new DatabaseSync(path);
database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
database.close();
writeFileSync(join(folder, 'format-4.json.gz'), gzipSync(JSON.stringify({ ...left, touched }), { level: 9 }));
writeFileSync(join(folder, 'format-4.db.gz'), gzipSync(readFileSync(path), { level: 9 }));
rmSync(path);
