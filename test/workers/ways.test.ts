/** What a single process promises of OAuth, TLS and limits holds with several. */
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, expect, it, vi } from 'vitest';
import { first, type Pem, second } from '../support/certificates.ts';
import { ROOT } from '../support/process.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Harness, ORGANIZATION, PATIENCE } from './harness.ts';

const ROUNDS = process.env.SCOPEGATE_LONG === '1' ? 500 : 20;
const TIMEOUT_MS = 90_000;

let harness: Harness;
afterEach(() => harness[Symbol.asyncDispose]());

it('a token revoked at the OAuth endpoint of one worker is refused by the other from the next request on', {
  timeout: TIMEOUT_MS,
}, async () => {
  // A token revoked there is unknown from then on, and many of those from one address are a guesser's.
  const gateway = { guesses: { tokenFailures: 0 } };
  harness = await Harness.start({ gateway, policy: join(ROOT, 'policies/scrydon.yaml') });
  await harness.people();
  const wanted = { name: 'robot', scopes: ['workflows:read'] };
  const { body } = await harness.call('POST', `${ORGANIZATION}/service-accounts`, wanted);
  const headers = {
    authorization: `Basic ${Buffer.from(`${body.clientId}:${body.clientSecret}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const clients = await harness.clients();
  for (let round = 0; round < ROUNDS; round++) {
    const [one, other] = [clients[round % 2]!, clients[(round + 1) % 2]!];
    const issued = await one.send('POST', '/api/auth/oauth2/token', headers, 'grant_type=client_credentials');
    const { access_token: token } = JSON.parse(issued.body) as { access_token: string };
    for (const client of [other, one]) expect((await client.get('/files/x', token)).status).toBe(200);
    const revoked = await one.send('POST', '/api/auth/oauth2/revoke', headers, `token=${token}`);
    expect(revoked.status).toBe(200);
    for (const client of [other, one]) expect((await client.get('/files/x', token)).status).toBe(401);
  }
  for (const client of clients) client.close();
});

it('a renewed certificate is served by every worker, also by one that is replaced later', {
  timeout: TIMEOUT_MS,
}, async () => {
  const tls = { cert: 'cert.pem', key: 'key.pem' };
  const write = (pair: Pem) => {
    for (const part of ['cert', 'key'] as const) {
      writeFileSync(join(harness.folder, 'next'), pair[part]);
      renameSync(join(harness.folder, 'next'), join(harness.folder, tls[part]));
    }
  };
  harness = await Harness.prepare({ gateway: { tls } });
  write(first);
  await harness.serve();
  const names = async () => {
    const seen = [];
    for (let index = 0; index < 4; index++) {
      const { hostname, port } = new URL(harness.gateway);
      const socket = connect({ host: hostname, port: Number(port), ca: [first.cert, second.cert] });
      await once(socket, 'secureConnect');
      seen.push(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    }
    return new Set(seen);
  };
  expect(await names()).toEqual(new Set(['first.gateway.test']));
  write(second);
  await vi.waitUntil(async () => {
    const seen = await names();
    return seen.size === 1 && seen.has('second.gateway.test');
  }, PATIENCE);
  const pid = await harness.pidOf('worker-1');
  process.kill(pid, 'SIGKILL');
  await harness.replaced('worker-1', pid);
  expect(await names()).toEqual(new Set(['second.gateway.test']));
  expect(await harness.metric('scopegate_certificate_current{listener="gateway"}')).toBe(1);
});

it('connections beyond the limit of every worker are closed, not passed around', { timeout: TIMEOUT_MS }, async () => {
  harness = await Harness.start({ gateway: { limits: { connections: 2 } } });
  const open: RawClient[] = [];
  // One after the other: of connections that come at once, a worker that is held up gets fewer.
  for (let index = 0; index < 4; index++) {
    const client = await RawClient.connect(harness.gateway);
    open.push(client);
    expect((await client.send(rawRequest('GET /open/')).response()).status).toBe(200);
  }
  using fifth = await RawClient.connect(harness.gateway);
  fifth.send(rawRequest('GET /open/'));
  await fifth.untilEnded();
  expect(fifth.responses).toEqual([]);
  for (const client of open) client[Symbol.dispose]();
});
