/**
 * What a token weighs in a SQLite file: four scopes and two workspaces, its credential, the line of the trail and all places
 * in lists, as the sidecar writes them. 1,000 owners, 100 workspaces. Written in bulk, then pressed together by `VACUUM`.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DAY_MS } from '../src/core/policy.ts';
import { auditDoc, describeWrite } from '../src/manage/audit.ts';
import { newTokenId } from '../src/manage/tokens/token-id.ts';
import { place } from '../src/manage/unit-of-work/places.ts';
import type { TokenDoc } from '../src/manage/unit-of-work/records.ts';
import { Owned } from '../src/owned.ts';
import { mintToken } from '../src/secret.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import type { Write } from '../src/store/store.ts';
import { temporaryFolder } from './children.ts';
import type { BenchOptions, Section } from './report.ts';

export const ORGANIZATION = 'acme';
export const OWNERS = 1000;
const WORKSPACES = 100;
const PER_COMMIT = 500;
const SCOPES = ['workflows:read', 'workflows:write', 'bot:read', 'bot:write', 'chat:read', 'chat:write'];

export async function benchTokenWeight({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const count = quick ? 10_000 : 50_000;
    const path = join(folder, 'weight.db');
    const store = new SqliteStore(path);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    let storing = 0;
    for (let from = 0; from < count; from += PER_COMMIT) {
      const writes = Array.from({ length: PER_COMMIT }, (_, nth) => wholeToken(from + nth)).flat();
      const beganMs = performance.now();
      await store.commit({ expects: writes.map(({ key }) => ({ key, version: 0 })), writes });
      storing += performance.now() - beganMs;
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    await store.close();
    const asWritten = statSync(path).size;
    const parts = pressed(path);
    const pressedBytes = statSync(path).size;
    say(
      `${count} tokens: ${asWritten / count} bytes each, ${pressedBytes / count} pressed, ${count / seconds} a second`,
    );
    const each = (bytes: number) => Math.round(bytes / count);
    return {
      name: 'weight',
      tables: [
        {
          title: `a token of four scopes and two workspaces in SQLite: ${count} of them, ${PER_COMMIT} a commit`,
          columns: ['', 'bytes a token'],
          rows: [
            ['as written', each(asWritten)],
            ['after VACUUM', each(pressedBytes)],
            ...parts.map(([name, bytes]) => [`… ${name}`, each(bytes)]),
          ],
        },
        {
          title: 'while they were written',
          columns: ['tokens/s', 'tokens/s of the store alone', 'CPU µs a token'],
          rows: [
            [Math.round(count / seconds), Math.round((count * 1000) / storing), Math.round((user + system) / count)],
          ],
        },
      ],
      checks: [],
    };
  } finally {
    await owned.release();
  }
}

/** The token first. */
export function wholeToken(nth: number, more: Partial<TokenDoc> = {}): Write[] {
  const nowMs = Date.now();
  const minted = mintToken('pat_');
  const hash = minted.hash();
  const doc = { ...newDoc(nth, nowMs, hash, minted.hint('pat_')), ...more };
  const credential = { organizationId: ORGANIZATION, tokenId: doc.id };
  const line = describeWrite({ kind: 'token', before: null, after: doc as never })!;
  const audit = auditDoc(
    { id: ORGANIZATION, generation: 1 },
    { kind: 'admin-key', id: null, tokenId: null },
    nowMs,
    line,
  );
  return [
    { ...place('token', doc), record: doc },
    { ...place('credential', credential, { hash }), record: credential },
    { ...place('audit', audit), record: audit },
  ];
}

function newDoc(nth: number, nowMs: number, hash: TokenDoc['hash'], hint: string): TokenDoc {
  const from = nth % SCOPES.length;
  const workspace = (at: number) => [`ws_${at % WORKSPACES}`, 1_790_000_000_000 + (at % WORKSPACES)] as const;
  return {
    organizationId: ORGANIZATION,
    edition: 'team',
    id: newTokenId(nowMs),
    generation: nowMs,
    kind: 'personal',
    authority: 'live',
    ownerId: `member_${nth % OWNERS}`,
    ownerGeneration: 1_780_000_000_000,
    clientId: null,
    scopes: [...SCOPES, ...SCOPES].slice(from, from + 4),
    workspaces: [workspace(nth), workspace(nth + 1)],
    roles: [],
    state: 'active',
    stateReason: null,
    expiresAtMs: nowMs + 30 * DAY_MS,
    allowedAddresses: null,
    name: `deploy-${nth}`,
    description: null,
    createdBy: null,
    createdAtMs: nowMs,
    hint,
    hash,
    replaced: null,
    apiVersion: null,
    contacts: null,
  };
}

/** By table, of those that weigh anything. */
function pressed(path: string): ReadonlyArray<readonly [string, number]> {
  const database = new DatabaseSync(path);
  try {
    database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
    const rows = database
      .prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name HAVING bytes > 100000 ORDER BY bytes DESC')
      .all() as Array<{ name: string; bytes: number }>;
    return rows.map(({ name, bytes }) => [name, bytes]);
  } finally {
    database.close();
  }
}
