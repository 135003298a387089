import { expect, test } from 'vitest';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness({
  routes: [
    { id: 'files', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] }, limits: ['each'] },
    { id: 'admin', match: { path: '/admin/**' }, require: { scopes: ['knowledge:write'] }, limits: ['all'] },
    { id: 'shared', match: { path: '/shared/**' }, require: { scopes: ['workflows:read'] }, limits: ['all'] },
    { id: 'door', match: { path: '/door' }, public: true, limits: ['door'] },
  ],
  settings: {
    limits: {
      each: { requests: 10, window: 'hour', per: 'token' },
      all: { requests: 3, window: 'hour', per: 'organization' },
      door: { requests: 2, window: 'hour', per: 'address' },
    },
  },
});

async function status(request: string): Promise<number> {
  using client = await at.connect();
  return (await client.send(request).response()).status;
}

attack({
  name: 'requests sent all at once do not slip past a limit',
  outcome: 'exactly as many as it allows reach the upstream, over however many connections',
  sources: ['OWASP API4:2023', 'CWE-367'],
})(() => {
  test('lets ten of eighty through, half of them pipelined', async () => {
    const request = rawRequest('GET /files/x', [at.reader]);
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(at.gateway.url)));
    for (const client of clients) client.send(request.repeat(10));
    await Promise.all(clients.map((client) => client.response(9)));
    const codes = clients.flatMap(({ responses }) => responses.map((response) => response.status));
    expect(codes.filter((code) => code === 200)).toHaveLength(10);
    expect(codes.filter((code) => code === 429)).toHaveLength(70);
    expect(at.upstream.requests).toHaveLength(10);
    for (const client of clients) client.close();
  });
});

attack({
  name: 'a client that makes up its address does not escape a limit per address',
  outcome: 'only trusted proxies tell addresses; 429 all the same',
  sources: ['CWE-348'],
})(() => {
  test('counts it by its connection', async () => {
    const codes = [];
    for (const header of ['X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 192.0.2.2', 'Forwarded: for=192.0.2.3'])
      codes.push(await status(rawRequest('GET /door', [header])));
    expect(codes).toEqual([200, 200, 429]);
  });
});

attack({
  name: "a caller who may not cannot use up what an organization's others are allowed",
  outcome: 'what is refused with 401 or 403 uses nothing of a limit',
  sources: ['draft-ietf-httpapi-ratelimit-headers-11 section 8.2'],
})(() => {
  test('leaves all of it, and learns nothing of what is left', async () => {
    for (let nth = 0; nth < 5; nth++) {
      using client = await at.connect();
      client.send(rawRequest('GET /admin/x', [at.reader]) + rawRequest('GET /shared/x'));
      await client.response(1);
      expect(client.responses.map((response) => [response.status, response.header('ratelimit')])).toEqual([
        [403, undefined],
        [401, undefined],
      ]);
    }
    const codes = [];
    for (let nth = 0; nth < 4; nth++) codes.push(await status(rawRequest('GET /shared/x', [at.reader])));
    expect(codes).toEqual([200, 200, 200, 429]);
  });
});
