/** The API's description as generators of clients read it: names that stay, and types that hold. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import openapiTypescript, { type OpenAPI3 } from 'openapi-typescript';
import type { TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';
import { type Json, type Sidecar, startSidecar } from './sidecar.ts';

interface Content {
  readonly [mediaType: string]: { readonly schema: Json; readonly example?: unknown };
}

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: unknown;
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Description {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json>; readonly responses: Json };
}

let sidecar: Sidecar;
let api: Description;
beforeAll(async () => {
  sidecar = await startSidecar();
  api = (await (await fetch(`${sidecar.url}/openapi.json`)).json()) as Description;
});
afterAll(async () => {
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

it('every operation says in words what it does, how it may refuse, and shows a call with its answer', () => {
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, { summary, responses, requestBody, security }] of Object.entries(methods)) {
      const name = `${method} ${path}`;
      expect(summary, name).toMatch(/^[A-Z][^.]{9,}[^.]$/);
      const content = responses['2XX']!.content!;
      for (const { example } of Object.values(content)) expect(example, name).toBeDefined();
      const body = requestBody?.content['application/json'];
      if (body !== undefined && requestBody!.required) expect(body.example, name).toBeDefined();
      if (security === undefined)
        expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['400', '401', '503']));
      if (requestBody !== undefined)
        expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['413', '415']));
    }
  }
});

it('every example has the shape that it is an example of', async () => {
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref } = value as { $ref?: string };
    if ($ref !== undefined) return resolve(api.components.schemas[$ref.split('/').at(-1)!]);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  let checked = 0;
  for (const methods of Object.values(api.paths)) {
    for (const { operationId, responses, requestBody } of Object.values(methods)) {
      const contents = [responses['2XX']!.content!, requestBody?.content ?? {}].flatMap((content) =>
        Object.values(content),
      );
      for (const { schema, example } of contents) {
        if (example === undefined) continue;
        checked++;
        expect([...Errors(resolve(schema) as TSchema, example)], `${operationId} ${JSON.stringify(example)}`).toEqual(
          [],
        );
      }
    }
  }
  expect(checked).toBeGreaterThan(70);
});

it('names every code that the rules of management can answer with somewhere', () => {
  const text = JSON.stringify([api.paths, api.components.responses, api.components.schemas]);
  const source = readFileSync(join(ROOT, 'src/manage/rejection.ts'), 'utf8');
  const codes = Array.from(
    /interface CodesByKind \{(.*?)\n\}/s.exec(source)![1]!.matchAll(/'(\w+)'/g),
    ([, code]) => code!,
  );
  expect(codes.length).toBeGreaterThan(50);
  expect(codes.filter((code) => !new RegExp(`\\b${code}\\b`).test(text))).toEqual([]);
});

/** Each is like a route of the sidecar's, with one thing wrong. */
const ROUTES = `
import { getMember } from '${ROOT}/src/manage/organization/members.ts';
import { MEMBER } from '${ROOT}/src/admin/examples.ts';
import { MemberAnswer, RevisionAnswer } from '${ROOT}/src/admin/response-schemas.ts';
import { route } from '${ROOT}/src/admin/route.ts';
import { ItemParams } from '${ROOT}/src/admin/schemas.ts';
import { memberView } from '${ROOT}/src/admin/views.ts';

const about = { id: 'x', method: 'GET', path: '/x/:org/:id', tag: 'x', summary: 'x', params: ItemParams } as const;
export const right = route({
  ...about,
  answer: MemberAnswer,
  example: { answer: MEMBER },
  run: async ({ manage, params }) => memberView(await getMember(manage, params.org, params.id)),
});
export const lacksField = route({
  ...about,
  answer: MemberAnswer,
  example: { answer: MEMBER },
  // @ts-expect-error: the answer has no role
  async run({ manage, params }) {
    const { role, ...rest } = memberView(await getMember(manage, params.org, params.id));
    return rest;
  },
});
export const ofOtherType = route({
  ...about,
  answer: RevisionAnswer,
  example: { answer: { revision: 1 } },
  // @ts-expect-error: a revision is a number
  run: () => ({ revision: 'one' }),
});
export const asksForNothing = route({
  ...about,
  answer: RevisionAnswer,
  example: { answer: { revision: 1 } },
  // @ts-expect-error: no such parameter
  run: ({ params }) => ({ revision: Number(params.ws) }),
});
export const wrongExample = route({
  ...about,
  answer: RevisionAnswer,
  // @ts-expect-error: no example of it
  example: { answer: { id: 'ann' } },
  run: () => ({ revision: 1 }),
});
export const unknownCode = route({
  ...about,
  answer: RevisionAnswer,
  // @ts-expect-error: no rule answers so
  errors: { 409: ['no_such_code'] },
  example: { answer: { revision: 1 } },
  run: () => ({ revision: 1 }),
});
`;

it('a route whose answer, example, parameters or codes do not fit its schemas does not compile', () => {
  expect(
    compile(
      { 'routes.ts': ROUTES },
      {
        lib: ['es2024', 'esnext.disposable'],
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules/@types')],
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: true,
      },
    ),
  ).toBe('');
}, 60_000);

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
  expect(compile({ 'api.ts': generated, 'client.ts': CLIENT }, { lib: ['es2023', 'dom'], types: [] })).toBe('');
}, 60_000);

/** What the compiler says of these files; an empty text: nothing. */
function compile(texts: Readonly<Record<string, string>>, options: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-client-'));
  try {
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    const compilerOptions = {
      ...{ strict: true, noEmit: true, module: 'nodenext', target: 'es2023', skipLibCheck: false },
      ...{ allowImportingTsExtensions: true, ...options },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(texts) }));
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
