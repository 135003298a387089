import { expect, test } from 'vitest';
import { mintToken } from '../../../src/secret.ts';
import { RawClient, type RawResponse, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness({ settings: { gateway: { trustedProxies: ['127.0.0.0/8'], guesses: { tokenFailures: 3 } } } });
const from = (address: string) => `X-Forwarded-For: ${address}`;

async function ask(...headers: string[]): Promise<RawResponse> {
  using client = await at.connect();
  return await client.send(rawRequest('GET /files/x', headers)).response();
}
/** Right in form, known to nobody. */
const guess = () => `Authorization: Bearer ${mintToken('pat_').reveal()}`;
async function statuses(count: number, ...headers: string[]): Promise<number[]> {
  const all: number[] = [];
  for (let nth = 0; nth < count; nth++)
    all.push((await ask(...headers, nth % 2 === 0 ? guess() : 'Authorization: Bearer x')).status);
  return all;
}

attack({
  name: 'guessing tokens',
  outcome: 'further failures of that address are 429 and learn nothing; a right token from it passes',
  sources: ['RFC 6819 section 4.3.2', 'OWASP API2:2023'],
})(() => {
  test('turns further failures of that address into 429, and never refuses a right token from it', async () => {
    expect(await statuses(5, from('192.0.2.1'))).toEqual([401, 401, 401, 429, 429]);
    expect((await ask(from('192.0.2.1'), at.reader)).status).toBe(200);
    expect((await ask(from('192.0.2.1'), guess())).status).toBe(429);
    expect((await ask(from('192.0.2.2'), guess())).status, 'another address').toBe(401);
  });

  test('is told in the dialect, with the time to wait, and says nothing of the token', async () => {
    await statuses(3, from('192.0.2.3'));
    const refusal = await ask(from('192.0.2.3'), guess());
    expect(JSON.parse(refusal.body)).toMatchObject({ code: 4013 });
    expect(Number(refusal.header('retry-after'))).toBeGreaterThan(1);
    expect(Number(refusal.header('retry-after'))).toBeLessThanOrEqual(60);
    expect(refusal.header('www-authenticate')).toBeUndefined();
    await at.gateway.logged('"reason":"rate_limited"');
  });

  test('is not what a request without a token, or with one that may not, does', async () => {
    for (let nth = 0; nth < 6; nth++) {
      expect((await ask(from('192.0.2.4'))).status).toBe(401);
      using client = await at.connect();
      client.send(rawRequest('GET /admin/x', [from('192.0.2.4'), at.reader]));
      expect((await client.response()).status).toBe(403);
    }
    expect((await ask(from('192.0.2.4'), guess())).status).toBe(401);
  });

  test('is counted for a whole IPv6 network of 64 bits', async () => {
    const codes = [];
    for (let nth = 1; nth <= 5; nth++) codes.push((await ask(from(`2001:db8:0:1::${nth}`), guess())).status);
    expect(codes).toEqual([401, 401, 401, 429, 429]);
    expect((await ask(from('2001:db8:0:2::1'), guess())).status).toBe(401);
  });

  test('cannot be blamed on others by whoever is no proxy', async () => {
    await using gateway = await at.start({
      settings: { gateway: { guesses: { tokenFailures: 3 } } },
    });
    const codes = [];
    for (let nth = 1; nth <= 5; nth++) {
      using client = await RawClient.connect(gateway.url);
      client.send(rawRequest('GET /files/x', [from(`192.0.2.${nth}`), guess()]));
      codes.push((await client.response()).status);
    }
    expect(codes).toEqual([401, 401, 401, 429, 429]);
  });
});
