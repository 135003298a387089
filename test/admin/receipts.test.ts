/** `?wait=MS`: on every change of the sidecar, validated, documented, and never in the way of the change itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessList } from '../../src/fleet/process-list.ts';
import { MemoryRegistry } from '../support/memory-registry.ts';
import { type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
const call: Sidecar['call'] = (...args) => sidecar.call(...args);

beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
});
afterAll(() => sidecar.stop());

const RECEIPT = { applied: true, processes: 1, laggards: [], lagMs: expect.any(Number), revision: expect.any(Number) };

interface Shape {
  readonly properties?: object;
  readonly allOf?: readonly Shape[];
  readonly $ref?: string;
}
interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly in: string; readonly name: string }>;
  readonly responses: Record<string, { content?: { 'application/json'?: { schema: Shape } } }>;
}

/** Its own and those of what it names. */
function fieldsOf(shape: Shape | undefined, named: Readonly<Record<string, Shape>>): string[] {
  if (shape === undefined) return [];
  const parts = [...(shape.allOf ?? []), ...(shape.$ref === undefined ? [] : [named[shape.$ref.split('/').at(-1)!]!])];
  return [...Object.keys(shape.properties ?? {}), ...parts.flatMap((part) => fieldsOf(part, named))];
}

it('is taken by every operation that answers with a revision, and by no other', async () => {
  const { paths, components } = (await (await fetch(`${sidecar.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Shape> };
  };
  const without: string[] = [];
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { parameters = [], responses }] of Object.entries(operations)) {
      const takes = parameters.some(({ name }) => name === 'wait');
      // GitHub says what it is answered with: the receipt stands in headers.
      if (path === '/v1/leaks') continue;
      const answer = fieldsOf(responses['2XX']?.content?.['application/json']?.schema, components.schemas);
      expect(takes, `${method} ${path}`).toBe(method !== 'get' && answer.includes('revision'));
      expect(answer.includes('applied'), `${method} ${path}`).toBe(takes);
      if (!takes && method !== 'get') without.push(`${method} ${path}`);
    }
  }
  // Whoever adds a change that answers without a revision is to think about it here.
  const sessions = ['delete /v1/session', 'post /v1/session', 'post /v1/session-links'];
  const questions = ['post /v1/explain', 'post /v1/reload', 'post /v1/tokens/find'];
  const previews = ['post /v1/organizations/{org}/tokens/preview'];
  expect(without.toSorted()).toEqual([...sessions, ...questions, ...previews].toSorted());
});

it.each([
  ['PUT', '/members/new', { name: 'New', role: 'member' }, 201],
  ['PUT', '/members/new', { name: 'Newer', role: 'member' }, 200],
  ['PATCH', '/members/new', { name: 'Newest' }, 200],
  ['DELETE', '/members/new', undefined, 200],
  ['POST', '/tokens', { name: 'p', owner: 'ann', scopes: ['bot:read'], workspaces: ['w1'], expiresInDays: 1 }, 201],
  ['POST', '/tokens/tok_none/revoke', undefined, 404],
  ['DELETE', '/teams/none', undefined, 404],
])('%s %s', async (method, path, body, status) => {
  const answer = await call(method, `${path}?wait=5000`, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  if (status < 300) expect(answer.body).toMatchObject(RECEIPT);
  else expect(answer.body).not.toHaveProperty('applied');
});

it('0 asks how far it has got, without waiting', async () => {
  const { body } = await call('PUT', '/members/zero?wait=0', { name: 'Zero', role: 'member' });
  expect(body).toMatchObject({ ...RECEIPT, applied: expect.any(Boolean), laggards: expect.any(Array) });
});

it('without it there is no receipt, and with a dry run neither, as nothing was changed', async () => {
  for (const path of ['/members/bob?dryRun=true&wait=1000', '/members/bob?dryRun=true']) {
    const { status, body } = await call('DELETE', path);
    expect([status, body.dryRun]).toEqual([200, true]);
    expect(body).not.toHaveProperty('applied');
  }
  const { body } = await call('PATCH', '/members/bob', { name: 'Bob' });
  expect(body).not.toHaveProperty('applied');
});

describe('is refused, and nothing is changed', () => {
  it.each(['60001', '-1', '1.5', '1e3', '', 'yes', '100000', ' 5', '0x10'])('as %j', async (wait) => {
    const { status, body } = await call('PUT', `/members/never?wait=${encodeURIComponent(wait)}`, {
      name: 'N',
      role: 'member',
    });
    expect([status, body.code, body.field]).toEqual([400, 'invalid_field', 'wait']);
    expect(body.detail).toContain('a whole number from 0 to 60000');
    expect((await call('GET', '/members/never')).status).toBe(404);
  });

  it('twice', async () => {
    expect((await call('DELETE', '/members/zero?wait=1&wait=2')).status).toBe(400);
  });

  it('where nothing is changed', async () => {
    for (const path of ['/members/ann?wait=1', '/tokens?wait=1'])
      expect((await call('GET', path)).body).toMatchObject({ code: 'unknown_field' });
  });
});

describe('a receipt', () => {
  const self = { id: 'a', host: 'h', pid: 1, startedAtMs: 1, revision: 5 };

  it('says that nobody could be asked when that is so, after the time that was asked for', async () => {
    const registry = new MemoryRegistry();
    await registry.close();
    const processList = new ProcessList(registry, () => performance.now());
    const receipt = await processList.receipt(1, 100);
    expect(receipt).toMatchObject({ applied: false, processes: null, laggards: [] });
    expect(receipt.lagMs).toBeGreaterThanOrEqual(100);
    expect(processList.live).toBeNull();
    processList.end();
  });

  it('says what was seen last when the list is lost meanwhile', async () => {
    const registry = new MemoryRegistry();
    await registry.renew(self, 60_000);
    const processList = new ProcessList(registry, () => performance.now());
    const receipt = processList.receipt(6, 300);
    // Whoever asks later has been answered, so the first has been seen to.
    await processList.receipt(6, 0);
    await registry.close();
    expect(await receipt).toMatchObject({ applied: false, processes: 1, laggards: ['a'] });
    processList.end();
  });

  it('comes at once when the sidecar stops, with how far it has got', async () => {
    const registry = new MemoryRegistry();
    await registry.renew(self, 60_000);
    const processList = new ProcessList(registry, () => performance.now());
    const receipts = [processList.receipt(6, 60_000), processList.receipt(5, 60_000)];
    processList.end();
    expect(await Promise.all(receipts)).toMatchObject([
      { applied: false, laggards: ['a'] },
      { applied: true, laggards: [] },
    ]);
    expect(await processList.receipt(7, 60_000)).toMatchObject({ applied: false, laggards: ['a'] });
  });
});
