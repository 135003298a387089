/** Enterprises: what their organizations may have together, counted by several processes at once, in either store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import type { Policy } from '../../src/core/policy.ts';
import { OPERATOR } from '../../src/manage/actor.ts';
import type { ManageContext } from '../../src/manage/context.ts';
import {
  deleteEnterprise,
  listEnterprises,
  listOrganizationsOf,
  putEnterprise,
  readEnterpriseTrail,
} from '../../src/manage/organization/enterprises.ts';
import { deleteMember, putMember } from '../../src/manage/organization/members.ts';
import { deleteOrganization, putOrganization } from '../../src/manage/organization/organizations.ts';
import { Rejection } from '../../src/manage/rejection.ts';
import { changeTokenState } from '../../src/manage/tokens/token-changes.ts';
import { createToken } from '../../src/manage/tokens/tokens.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/store.ts';
import { openRedis } from '../store/redis-harness.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';

const coze = loadPolicy(fileURLToPath(new URL('../../policies/coze.yaml', import.meta.url)), {}).policy!;
/** Five places in an enterprise, so that filling it takes no time. */
const policy: Policy = {
  ...coze,
  kinds: new Map(
    Array.from(coze.kinds, ([name, kind]) => [
      name,
      { ...kind, limits: kind.limits.map((rule) => ({ ...rule, perEnterprise: 5 })) },
    ]),
  ),
};
const INPUT = { name: 'n', owner: 'ann', scopes: ['bot:read'], workspaces: 'all', expiresInDays: 1 } as const;
const ORGS = ['north', 'south', 'east', 'west'];
const PAGE = { limit: 100, cursor: null };

let server: RedisServer | undefined;
let folder: string;
let stores: Store[] = [];

beforeAll(async () => {
  if (hasTool('redis-server')) server = await startRedis();
});
afterAll(() => server?.stop());
afterEach(async () => {
  for (const store of stores) await store.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const engines: ReadonlyArray<readonly [string, (prefix: string) => Promise<Store>]> = [
  ['sqlite', async () => new SqliteStore(join(folder, 'store.db'))],
  ['redis', (keyPrefix) => openRedis(server!.port, { keyPrefix, commitTimeoutMs: 5000 })],
];
let prefixes = 0;

describe.each(engines)('on %s', (engine, open) => {
  const test = it.skipIf(engine === 'redis' && !hasTool('redis-server'));

  /** Three processes, and an enterprise with four organizations. */
  async function world(): Promise<ManageContext[]> {
    folder = mkdtempSync(join(tmpdir(), 'scopegate-enterprises-'));
    const prefix = `e${prefixes++}:`;
    stores = await Promise.all([open(prefix), open(prefix), open(prefix)]);
    const contexts = stores.map((store) => ({ store, policy: () => policy, nowMs: Date.now, actor: OPERATOR }));
    await putEnterprise(contexts[0]!, 'umbrella', { name: 'Umbrella' });
    for (const org of ORGS) {
      await putOrganization(contexts[0]!, org, { name: org, edition: 'enterprise', enterprise: 'umbrella' });
      await putMember(contexts[0]!, org, 'ann', { name: 'Ann', role: 'member' });
    }
    return contexts;
  }
  const codeOf = async (asked: Promise<unknown>) => {
    const failed = await asked.then(
      () => null,
      (error: unknown) => error,
    );
    if (failed === null) return 'done';
    if (failed instanceof Rejection) return failed.details.code;
    throw failed;
  };

  test('COZE-PAT-9 of 16 at a time in four organizations and three processes exactly as many succeed as there is room for', async () => {
    const contexts = await world();
    const made = await Promise.all(
      Array.from({ length: 16 }, (_, at) => codeOf(createToken(contexts[at % 3]!, ORGS[at % 4]!, INPUT))),
    );
    expect(made.filter((code) => code === 'done')).toHaveLength(5);
    expect(made.filter((code) => code === 'limit_reached')).toHaveLength(11);
  });

  test('COZE-PAT-9 what ended makes room in the whole enterprise, and what is switched on again takes it', async () => {
    const contexts = await world();
    const [context] = contexts as [ManageContext];
    const first = await createToken(context, 'north', INPUT);
    for (let at = 1; at < 5; at++) await createToken(context, ORGS[at % 4]!, INPUT);
    const another = (org: string) => codeOf(createToken(context, org, INPUT));
    expect(await another('south')).toBe('limit_reached');
    await changeTokenState(context, 'north', first.value.doc.id, 'deactivate');
    expect(await another('south'), 'one that is switched off counts').toBe('limit_reached');
    await changeTokenState(context, 'north', first.value.doc.id, 'revoke');
    expect(await another('south')).toBe('done');
    expect(await another('south')).toBe('limit_reached');
    await deleteMember(context, 'east', 'ann');
    expect(await another('south'), 'those of a removed member end with them').toBe('done');
    await deleteOrganization(context, 'west');
    expect(await another('south'), 'an organization that is no more has none').toBe('done');
  });

  test('of two organizations that come at once with more than fits only one comes in', async () => {
    const contexts = await world();
    for (const org of ['left', 'right']) {
      await putOrganization(contexts[0]!, org, { name: org, edition: 'team' });
      await putMember(contexts[0]!, org, 'ann', { name: 'Ann', role: 'member' });
      for (let at = 0; at < 3; at++) await createToken(contexts[0]!, org, INPUT);
    }
    const join = (at: number, org: string) =>
      codeOf(putOrganization(contexts[at]!, org, { name: org, edition: 'team', enterprise: 'umbrella' }));
    const joined = await Promise.all([join(0, 'left'), join(1, 'right')]);
    expect(joined.toSorted()).toEqual(['done', 'limit_reached']);
  });

  test('an enterprise is made, listed, deleted only when it is empty, and leaves a trail', async () => {
    const [context] = (await world()) as [ManageContext];
    expect((await listEnterprises(context, PAGE)).items.map(({ id }) => id)).toEqual(['umbrella']);
    const held = await listOrganizationsOf(context, 'umbrella', PAGE);
    expect(held.items.map(({ id }) => id).toSorted()).toEqual(ORGS.toSorted());
    expect(await codeOf(deleteEnterprise(context, 'umbrella'))).toBe('enterprise_not_empty');
    for (const org of ORGS) await putOrganization(context, org, { name: org, edition: 'enterprise' });
    expect(await codeOf(deleteEnterprise(context, 'umbrella'))).toBe('done');
    expect(await codeOf(deleteEnterprise(context, 'umbrella'))).toBe('not_found');
    const trail = await readEnterpriseTrail(context, 'umbrella', PAGE);
    expect(trail.items.map(({ action }) => action)).toEqual(['enterprise.created', 'enterprise.deleted']);
    const gone = { name: 'n', edition: 'enterprise', enterprise: 'umbrella' } as const;
    expect(await codeOf(putOrganization(context, 'north', gone))).toBe('enterprise_unknown');
  });

  test('an enterprise that is deleted while an organization joins is gone or held, never both', async () => {
    const contexts = await world();
    for (let round = 0; round < 2; round++) {
      const id = `e${round}`;
      await putEnterprise(contexts[0]!, id, { name: id });
      const [joined, deleted] = await Promise.all([
        codeOf(putOrganization(contexts[1]!, 'north', { name: 'n', edition: 'enterprise', enterprise: id })),
        codeOf(deleteEnterprise(contexts[2]!, id)),
      ]);
      expect([
        ['done', 'enterprise_not_empty'],
        ['enterprise_unknown', 'done'],
      ]).toContainEqual([joined, deleted]);
    }
  });
});
