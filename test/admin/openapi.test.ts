/** The API's description as generators of clients read it: names that stay, and types that hold. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import openapiTypescript, { type OpenAPI3 } from 'openapi-typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';
import { type Json, type Sidecar, startSidecar } from './sidecar.ts';

interface Description {
  readonly paths: Record<string, Record<string, { readonly operationId?: string; readonly responses: Json }>>;
  readonly components: { readonly schemas: Record<string, Json> };
}

let sidecar: Sidecar;
let api: Description;
const folder = mkdtempSync(join(tmpdir(), 'scopegate-client-'));
beforeAll(async () => {
  sidecar = await startSidecar();
  api = (await (await fetch(`${sidecar.url}/openapi.json`)).json()) as Description;
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sidecar.stop();
});

it('every operation has a name of its own', () => {
  const operations = Object.values(api.paths).flatMap((methods) => Object.values(methods));
  const names = operations.map(({ operationId }) => operationId ?? '');
  expect(names.length).toBeGreaterThan(50);
  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
  expect(new Set(names).size).toBe(names.length);
});

it('every shape that stands in several places has a name, and every name is used', () => {
  const seen = new Map<string, number>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { type, properties } = value as Json;
    if (type === 'object' && Object.keys((properties ?? {}) as object).length > 2) {
      const text = JSON.stringify(value);
      seen.set(text, (seen.get(text) ?? 0) + 1);
    }
    for (const inner of Object.values(value)) look(inner);
  };
  look(api.paths);
  expect([...seen].filter(([, times]) => times > 1)).toEqual([]);
  const text = JSON.stringify(api);
  for (const name of Object.keys(api.components.schemas)) expect(text).toContain(`"#/components/schemas/${name}"`);
});

const CLIENT = `
import type { components, operations, paths } from './api.ts';

type Token = components['schemas']['Token'];
type Answer<O extends keyof operations> =
  operations[O]['responses'] extends Record<'2XX', { content: Record<'application/json', infer A> }> ? A : never;
type Body<O extends keyof operations> =
  operations[O] extends { requestBody: { content: Record<'application/json', infer B> } } ? B : never;

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch('http://127.0.0.1:8081' + path, { method, body: JSON.stringify(body) });
  return answer.json();
}

export async function renew(org: string, id: string): Promise<{ text: string; until: string | null | undefined }> {
  const wish: Body<'createToken'> = { name: 'n', owner: 'ann', scopes: ['bot:read'], workspaces: 'all', expiresInDays: 1 };
  const made = (await call('POST', \`/v1/organizations/\${org}/tokens\`, wish)) as Answer<'createToken'>;
  const shown: Pick<Token, 'id' | 'state'> = made;
  const rotated = (await call('POST', \`/v1/organizations/\${org}/tokens/\${id}/rotate\`)) as Answer<'rotateToken'>;
  const { items, nextCursor } = (await call('GET', \`/v1/organizations/\${org}/tokens\`)) as Answer<'listTokens'>;
  const states: Array<'active' | 'inactive' | 'expired' | 'revoked'> = items.map(({ state }) => state);
  const applied: boolean | undefined = rotated.applied;
  const cursor: string | null = nextCursor;
  // @ts-expect-error: a token has no such state
  const wrong: Token['state'] = 'asleep';
  // @ts-expect-error: a name is required
  const nameless: Body<'createToken'> = { owner: 'ann' };
  // @ts-expect-error: there is no such field
  rotated.secret;
  void [shown, states, applied, cursor, wrong, nameless];
  return { text: rotated.token, until: rotated.values.find(({ value }) => value === 'replaced')?.worksUntil };
}

export type Refusal = operations['createToken']['responses']['default']['content']['application/problem+json']['code'];
export const metrics: keyof paths = '/metrics';
`;

it('a client that openapi-typescript generates from it type-checks, and refuses what the API would refuse', async () => {
  const generated = await openapiTypescript(api as unknown as OpenAPI3);
  writeFileSync(join(folder, 'api.ts'), generated);
  writeFileSync(join(folder, 'client.ts'), CLIENT);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        ...{ strict: true, noEmit: true, module: 'nodenext', target: 'es2023', skipLibCheck: false },
        ...{ lib: ['es2023', 'dom'], types: [], allowImportingTsExtensions: true },
      },
      files: ['client.ts'],
    }),
  );
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  let said = '';
  try {
    execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  } catch (error) {
    said = (error as { stdout: string }).stdout;
  }
  expect(said).toBe('');
}, 60_000);
