/** What the console copies as a test case is run by `scopegate test`, and holds: of what is allowed, and of kinds of refusal. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Shapes } from '../../src/console/page/api/client.ts';
import { testCaseOf } from '../../src/console/page/explain/test-case.ts';
import { run } from '../directory/harness.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

type Explanation = Shapes['Explanation'];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9' });
});
afterAll(() => gateway.stop());

async function ok<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await gateway.admin(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body as T;
}

/** The file that the console would copy, of a token's request. */
async function copied(text: string, method: string, url: string, address: string | null = null) {
  const { id } = await ok<{ id: string }>('POST', '/v1/tokens/find', { token: text });
  const asked = { organization: 'acme', tokenId: id, method, url, ...(address === null ? {} : { address }) };
  const explanation = await ok<Explanation>('POST', '/v1/explain', asked);
  const token = await ok<Shapes['Token']>('GET', `/tokens/${id}`);
  const owner = await ok<Shapes['Member']>('GET', `/members/${token.ownerId}`);
  const organization = await ok<Shapes['Organization']>('GET', '');
  return { explanation, text: testCaseOf({ explanation, url, address, organization, token, owner }) };
}

async function holds(text: string): Promise<void> {
  const path = join(gateway.folder, 'copied.test.yaml');
  writeFileSync(path, text);
  const { code, stdout, stderr } = await run(['test', path], {});
  expect({ code, said: code === 0 ? '' : stdout + stderr + text }).toEqual({ code: 0, said: '' });
}

it.each([
  ['owner', 'GET', '/v1/workspaces', null],
  ['owner', 'PUT', '/v1/bots/bot_sales', null],
  ['owner', 'DELETE', '/api/v1/workflows/w?environmentId=env_live', null],
  ['reader', 'GET', '/api/v1/workflows?environmentId=env_live', null],
  ['service', 'POST', '/v3/chat', null],
  ['reader', 'POST', '/v3/chat', 'scope_missing'],
  ['reader', 'GET', '/api/v1/workflows?environmentId=env_legal', 'workspace_not_granted'],
  ['reader', 'GET', '/api/v1/workflows?environmentId=none', 'workspace_not_granted'],
  ['reader', 'GET', '/api/v1/workflows', 'workspace_ambiguous'],
  ['writer', 'DELETE', '/api/v1/workflows/w?environmentId=env_live', 'role_insufficient'],
  ['writer', 'PUT', '/v1/bots/bot_sales', 'not_a_collaborator'],
  ['reader', 'GET', '/nowhere', 'route_not_found'],
  ['reader', 'DELETE', '/v1/bots/bot_sales', 'method_not_allowed'],
] as const)('%s: %s %s: %s', async (who, method, url, reason) => {
  const { explanation, text } = await copied(gateway.tokens[who], method, url);
  expect(explanation.reason).toBe(reason);
  await holds(text!);
});

it('an address, an inactive token and its end are said', async () => {
  const token = await gateway.mint({ name: 'here', scopes: ['bot:read'], allowedAddresses: ['192.0.2.0/24'] });
  const elsewhere = await copied(token, 'GET', '/v1/bots/bot_sales', '198.51.100.1');
  expect(elsewhere.explanation.reason).toBe('address_not_allowed');
  await holds(elsewhere.text!);
  const { id } = await ok<{ id: string }>('POST', '/v1/tokens/find', { token });
  await ok('POST', `/tokens/${id}/deactivate`);
  const inactive = await copied(token, 'GET', '/v1/bots/bot_sales', '192.0.2.1');
  expect(inactive.explanation.reason).toBe('token_inactive');
  await holds(inactive.text!);
});

it('a case that does not say what is so fails, so that it is one that can', async () => {
  const { text } = await copied(gateway.tokens.reader, 'POST', '/v3/chat');
  const path = join(gateway.folder, 'wrong.test.yaml');
  writeFileSync(path, text!.replace('": scope_missing', '": role_insufficient'));
  expect((await run(['test', path], {})).code).toBe(2);
});

it('what rests on more than a file of tests can say is not copied', async () => {
  const { explanation } = await copied(gateway.tokens.reader, 'POST', '/v3/chat');
  const { items } = await ok<{ items: readonly [Shapes['Token']] }>('GET', '/tokens?owner=bob');
  const facts = {
    ...{ url: '/v3/chat', address: null, token: items[0] },
    organization: { id: 'acme', name: 'Acme', edition: 'team' },
    owner: { id: 'bob', name: 'Bob', role: 'member', scopes: null },
  } as const;
  expect(testCaseOf({ ...facts, explanation: { ...explanation, reason: 'owner_removed' } })).toBeNull();
  expect(testCaseOf({ ...facts, explanation: { ...explanation, outcome: 'depends' } })).toBeNull();
});
