import { test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const bearer = (token: string) => `Bearer ${token}`;

attack({
  name: 'two Authorization headers are refused: which one was checked is never a question',
  outcome: '401; the upstream sees nothing',
  sources: ['RFC 9110 section 5.3'],
})(() => {
  test.each([
    ['the same twice', 'Authorization', 'Authorization', 'reader', 'reader'],
    ['a good and a better one', 'Authorization', 'Authorization', 'reader', 'writer'],
    ['two spellings', 'Authorization', 'AUTHORIZATION', 'reader', 'writer'],
  ] as const)('%s', async (_, first, second, one, other) => {
    const { tokens } = at.gateway;
    const headers = [`${first}: ${bearer(tokens[one])}`, `${second}: ${bearer(tokens[other])}`];
    await at.refuses(rawRequest('GET /files/x', headers), 401);
    await at.refuses(rawRequest('GET /own-auth', headers), 401);
    await at.refuses(rawRequest('GET /bare', headers), 401);
    await at.refuses(rawRequest('GET /socket', headers), 401);
  });

  test('bad before good, good before bad, empty beside good', async () => {
    for (const odd of ['Authorization: Bearer x', 'Authorization: Basic eDp5', 'Authorization:', 'authorization: ']) {
      await at.refuses(rawRequest('GET /own-auth', [odd, at.reader]), 401);
      await at.refuses(rawRequest('GET /own-auth', [at.reader, odd]), 401);
    }
  });

  test('far apart, behind more headers than node:http used to look at', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `a${index}:`);
    await at.refuses(rawRequest('GET /own-auth', [at.reader, ...many, at.writer]), 401);
  });
});
