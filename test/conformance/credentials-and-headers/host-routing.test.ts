/** Routes that name hosts: which one a Host leads to, whatever else the request says of where it wants to go. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { askOnce } from '../ask-once.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await at.start({
    routes: [
      { id: 'open', match: { hosts: ['open.test'], path: '/**' }, public: true },
      { id: 'closed', match: { hosts: ['closed.test'], path: '/**' }, require: { scopes: ['knowledge:write'] } },
      { id: 'below', match: { hosts: ['*.open.test'], path: '/below' }, public: true },
      { id: 'v6', match: { hosts: ['[2001:db8::1]'], path: '/**' }, public: true },
      { id: 'rest', match: { path: '/rest' }, public: true },
    ],
  });
});
afterAll(() => gateway.stop());

/** The status, and the Host that the upstream saw; null: it saw nothing. */
async function ask(target: string, lines: readonly string[]): Promise<[number, string | null]> {
  const [{ status }, seen] = await askOnce(gateway.url, at.upstream, `GET ${target}`, lines);
  return [status, seen?.header('host') ?? null];
}

attack({
  name: 'a Host in another spelling leads to the routes of that host, never around them',
  outcome: 'the same route, with the Host as it came; 404 where no route of that host has the path',
  sources: ['RFC 9110 section 4.2.3'],
})(() => {
  test.each(['closed.test', 'CLOSED.test', 'closed.test.', 'Closed.Test.:8080', 'closed.test:1'])(
    '%s',
    async (host) => {
      expect(await ask('/rest', [`Host: ${host}`])).toEqual([401, null]);
    },
  );

  test.each(['open.test', 'OPEN.test.:8080'])('%s is sent on as it came', async (host) => {
    expect(await ask('/anything', [`Host: ${host}`])).toEqual([200, host]);
  });

  test('an IPv6 address, however it is spelt', async () => {
    expect(await ask('/x', ['Host: [2001:DB8:0:0::1]:8080'])).toEqual([200, '[2001:DB8:0:0::1]:8080']);
    expect(await ask('/x', ['Host: [2001:db8::2]'])).toEqual([404, null]);
  });

  test.each(['closed.test..', 'cl\xf6sed.test', 'clo_sed.test', 'closed.test@open.test', '*.open.test'])(
    '%j is refused',
    async (host) => {
      expect(await ask('/rest', [`Host: ${host}`])).toEqual([400, null]);
    },
  );
});

attack({
  name: 'a look-alike of a host has none of its routes',
  outcome: '404, or the routes that name no host; the upstream then sees its own authority',
  sources: [],
})(() => {
  test.each(['open.test.evil.test', 'notopen.test', 'open.tes', 'pen.test', 'open', 'xn--opn-bma.test'])(
    '%s',
    async (host) => {
      expect(await ask('/anything', [`Host: ${host}`])).toEqual([404, null]);
      const [status, seen] = await ask('/rest', [`Host: ${host}`]);
      expect(status).toBe(200);
      expect(seen).not.toBe(host);
    },
  );

  test('names below a wildcard are below it by a dot, and its own name is not', async () => {
    expect(await ask('/below', ['Host: a.b.open.test'])).toEqual([200, 'a.b.open.test']);
    expect(await ask('/anything', ['Host: a.open.test'])).toEqual([404, null]);
    expect(await ask('/below', ['Host: aopen.test'])).toEqual([404, null]);
  });
});

attack({
  name: 'no other header chooses the routes',
  outcome: 'the Host decides',
  sources: ['CVE-2018-14774'],
})(() => {
  test.each(['X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'Forwarded', 'X-HTTP-Host-Override', 'Host-Override'])(
    '%s',
    async (name) => {
      expect(await ask('/rest', ['Host: closed.test', `${name}: open.test`])).toEqual([401, null]);
    },
  );

  test('nor does a target in absolute form: it must name the same host', async () => {
    expect(await ask('http://open.test/rest', ['Host: closed.test'])).toEqual([400, null]);
    expect(await ask('http://closed.test/rest', ['Host: closed.test'])).toEqual([401, null]);
  });
});
