/** A resource that an upstream made through one worker is known to every worker when the client reads of it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, Harness, ORGANIZATION } from './harness.ts';

const ofBot = {
  scopes: ['bot:write'],
  workspace: { from: 'path.id', as: 'resource', type: 'bot', role: 'member' },
  resource: { type: 'bot', from: 'path.id', relation: 'owner' },
};
const ROUTES = [
  { id: 'open', match: { path: '/open/**' }, public: true, upstream: 'platform' },
  {
    ...{ id: 'create', match: { methods: ['POST'], path: '/bots' }, upstream: 'platform' },
    require: { scopes: ['bot:write'], workspace: { from: 'body.space_id', as: 'workspace', role: 'member' } },
    register: { type: 'bot', id: 'answer.id', workspace: 'body.space_id' },
  },
  {
    ...{ id: 'delete', match: { methods: ['DELETE'], path: '/bots/{id}' }, upstream: 'platform' },
    require: ofBot,
    unregister: { type: 'bot', id: 'path.id' },
  },
  {
    ...{ id: 'edit', match: { methods: ['PUT'], path: '/bots/{id}' }, upstream: 'platform' },
    require: ofBot,
  },
];

let harness: Harness;
let clients: readonly Client[];
let token: string;
beforeAll(async () => {
  harness = await Harness.start({ routes: ROUTES });
  await harness.people();
  await harness.call('PUT', `${ORGANIZATION}/workspaces/ws1`, { name: 'w', owner: 'ann' });
  const wanted = { owner: 'ann', kind: 'personal', name: 'n', workspaces: ['ws1'], scopes: ['bot:write'] };
  const { body } = await harness.call('POST', `${ORGANIZATION}/tokens`, { ...wanted, expiresInDays: 1 });
  token = body.token as string;
  clients = await harness.clients();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await harness[Symbol.asyncDispose]();
});

it('registered through one worker it is editable, and unregistered it is gone, at every other at once', async () => {
  const authorization = `Bearer ${token}`;
  const json = { authorization, 'content-type': 'application/json' };
  for (let round = 0; round < 10; round++) {
    const id = `bot_${round}`;
    const edit = () => Promise.all(clients.map((client) => client.send('PUT', `/bots/${id}`, { authorization })));
    const statuses = async () => (await edit()).map(({ status }) => status);
    harness.answer = (_asked, answer) => {
      answer.setHeader('content-type', 'application/json');
      answer.end(`{"id":"${id}"}`);
    };
    // Each worker has it in memory that there is none.
    expect(await statuses()).toEqual([403, 403]);
    const [one, other] = round % 2 === 0 ? clients : clients.toReversed();
    expect((await one!.send('POST', '/bots', json, '{"space_id":"ws1"}')).status).toBe(200);
    expect(await statuses(), `round ${round}`).toEqual([200, 200]);
    expect((await other!.send('DELETE', `/bots/${id}`, { authorization })).status).toBe(200);
    expect(await statuses(), `round ${round}`).toEqual([403, 403]);
  }
});
