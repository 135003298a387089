/** Names are found as the system finds them, and none waits for another: against a real name server on UDP. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Names, type NamesOptions } from '../../src/names/names.ts';
import { candidates, parseHosts, parseSearchList } from '../../src/names/system-files.ts';
import { NameServer } from '../support/name-server.ts';
import { Recorder as Answers, cleanUp, get, serve, upstreamTo } from '../upstream/raw-server.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
let server: NameServer;
let folder: string;
beforeEach(async () => {
  server = await NameServer.start();
  folder = mkdtempSync(join(tmpdir(), 'scopegate-names-'));
});
afterEach(async () => {
  cleanUp();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function names({ hosts = '', resolv = '', ...more }: NamesOptions & { hosts?: string; resolv?: string } = {}): Names {
  const [hostsPath, resolvConfPath] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  writeFileSync(hostsPath, hosts);
  writeFileSync(resolvConfPath, resolv);
  return new Names({ hostsPath, resolvConfPath, servers: [server.address], ...more });
}

test('upstreams whose names nobody answers for take nothing from one whose name is found', async () => {
  const target = await serve((socket) => socket.write(OK));
  const port = new URL(target.origin).port;
  server.names.set('good.test', ['127.0.0.1']);
  const { lookup } = names();
  const silent = Array.from({ length: 20 }, (_, nth) => `silent${nth}.test`);
  for (const name of silent) server.names.set(name, 'silent');
  const timeouts = { connectMs: 1500, headersMs: 1500, idleMs: 1500 };
  const stuck = silent.map((name) => upstreamTo(`http://${name}:${port}`, { lookup, timeouts }));
  const failing = stuck.flatMap((upstream) =>
    Array.from({ length: 3 }, () => {
      const answer = new Answers();
      upstream.send(get(), answer);
      return answer.over;
    }),
  );
  const good = upstreamTo(`http://good.test:${port}`, { lookup, timeouts });
  const answer = new Answers();
  const begun = performance.now();
  good.send(get(), answer);
  expect((await answer.over).body).toBe('ok');
  expect(performance.now() - begun).toBeLessThan(1000);
  const outcomes = await Promise.all(failing);
  expect(new Set(outcomes.map(({ failure }) => failure?.kind))).toEqual(new Set(['timeout']));
});

test('one look-up per name at a time', async () => {
  server.names.set('good.test', ['127.0.0.1']);
  const found = names();
  const all = await Promise.all(Array.from({ length: 100 }, () => found.addresses('good.test')));
  expect(new Set(all.map(String))).toEqual(new Set(['127.0.0.1']));
  expect(server.asked).toHaveLength(2);
});

test('an answer is believed for as long as it says', async () => {
  let nowMs = 0;
  const found = names({ nowMs: () => nowMs });
  server.ttlSeconds = 5;
  server.names.set('good.test', ['127.0.0.1']);
  await found.addresses('good.test');
  server.names.set('good.test', ['127.0.0.2']);
  nowMs = 4999;
  expect(await found.addresses('good.test')).toEqual(['127.0.0.1']);
  nowMs = 5000;
  expect(await found.addresses('good.test')).toEqual(['127.0.0.2']);
});

describe('while a name cannot be looked up', () => {
  test.each(['silent', 'fails'] as const)('the last good answer stands in, soon: %s', async (how) => {
    const found = names();
    server.names.set('good.test', ['127.0.0.1']);
    await found.addresses('good.test');
    server.names.set('good.test', how);
    const begun = performance.now();
    expect(await found.addresses('good.test')).toEqual(['127.0.0.1']);
    expect(performance.now() - begun).toBeLessThan(1000);
    server.names.set('good.test', ['127.0.0.3']);
    await expect.poll(() => found.addresses('good.test'), { timeout: 10_000 }).toEqual(['127.0.0.3']);
  });

  test('but one that is gone is gone', async () => {
    const found = names();
    server.names.set('gone.test', ['127.0.0.1']);
    await found.addresses('gone.test');
    server.names.delete('gone.test');
    await expect(found.addresses('gone.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  test('and one that was never found fails in time', async () => {
    server.names.set('silent.test', 'silent');
    await expect(names().addresses('silent.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  });
});

describe('the system files count', () => {
  test('hosts before any server, whatever the case, and a change of it', async () => {
    const found = names({ hosts: '127.0.0.9 one.test One # two.test\n::1 one.test\nnonsense three.test\n' });
    expect(await found.addresses('ONE')).toEqual(['127.0.0.9']);
    expect(await found.addresses('one.test')).toEqual(['127.0.0.9', '::1']);
    expect(server.asked).toEqual([]);
    writeFileSync(join(folder, 'hosts'), '127.0.0.10 one.test\n');
    await expect.poll(() => found.addresses('one.test'), { timeout: 5000 }).toEqual(['127.0.0.10']);
  });

  test('the search list, in the order that ndots says', async () => {
    server.names.set('db.prod.svc.cluster.local', ['127.0.0.4']);
    const found = names({ resolv: 'search svc.cluster.local cluster.local\noptions timeout:1 ndots:5\n' });
    expect(await found.addresses('db.prod')).toEqual(['127.0.0.4']);
    expect(new Set(server.asked)).toEqual(new Set(['db.prod.svc.cluster.local']));
  });

  test('as the C library reads them', () => {
    const list = parseSearchList('domain a.test\nsearch b.test. c.test\noptions rotate ndots:2 # x\n');
    expect(list).toEqual({ domains: ['b.test', 'c.test'], ndots: 2 });
    expect(candidates('x.y', list)).toEqual(['x.y.b.test', 'x.y.c.test', 'x.y']);
    expect(candidates('x.y.z', list)).toEqual(['x.y.z', 'x.y.z.b.test', 'x.y.z.c.test']);
    expect(candidates('x.', list)).toEqual(['x']);
    expect(parseHosts('127.0.0.1\tlocalhost\n').get('localhost')).toEqual(['127.0.0.1']);
  });

  test('localhost is this machine, whatever anybody says', async () => {
    server.names.set('localhost', ['192.0.2.1']);
    expect(await names().addresses('api.localhost')).toEqual(['127.0.0.1', '::1']);
  });
});
