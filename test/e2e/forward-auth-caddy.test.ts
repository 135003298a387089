/** Behind the real Caddy, `forward_auth`, with the configuration of docs/recipes/caddy-forward-auth. */
import { describe, expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { freeUrl, recipeFile, startCaddy } from '../support/proxies.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';
import { behind, carriesWebSockets, keepsPromises } from './forward-auth.ts';

const host = (url: string) => new URL(url).host;
const configuration = (url: string, decisionUrl: string, appUrl: string) =>
  recipeFile('caddy-forward-auth/Caddyfile', {
    ':8000 {': `:${new URL(url).port} {`,
    '127.0.0.1:8082': host(decisionUrl),
    '127.0.0.1:9000': host(appUrl),
  });

describe.skipIf(!hasTool('caddy'))('Caddy asks', () => {
  const start = (url: string, decisionUrl: string, appUrl: string) =>
    startCaddy(url, configuration(url, decisionUrl, appUrl));
  const at = behind('caddy', start);
  keepsPromises(at, 'overwritten');
  carriesWebSockets('caddy', start);

  it('identity headers in another spelling are refused', async () => {
    for (const name of ['X_Scopegate_Role', 'X-Scopegate_Role', 'X.Scopegate.Role'])
      await at.refuses(rawRequest('GET /public/x', [`${name}: forged`]), 400);
  });
});

it.skipIf(!hasTool('caddy'))('what is left of a limit is told to the client, and to nobody else', async () => {
  await using app = await Recorder.start();
  app.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRateLimit: "app";r=9\r\n\r\n';
  await using gateway = await startTestGateway({
    upstreamUrl: app.url,
    routes: [
      { id: 'limited', match: { path: '/files/**' }, limits: ['one'] },
      { id: 'open', match: { path: '/public/**' }, public: true },
    ],
    settings: {
      decision: { port: 0, for: 'caddy' },
      limits: { one: { requests: 1, window: 'hour', per: 'token' } },
    },
  });
  const url = await freeUrl();
  await using caddy = await startCaddy(url, configuration(url, gateway.running.decisionUrl!, app.url));
  const send = async (path: string) => {
    const forged = ['X-Scopegate-Limit: forged', `Authorization: Bearer ${gateway.tokens.reader}`];
    const { status, headers } = await ask(caddy.url, rawRequest(`GET ${path}`, forged));
    return [status, ...headers.filter(([name]) => /^ratelimit/i.test(name)).map(([, value]) => value)];
  };

  expect(await send('/files/x')).toEqual([
    200,
    expect.stringMatching(/^"one";r=0;t=/),
    '"app";r=9',
    '"one";q=1;w=3600',
  ]);
  expect(await send('/files/x')).toEqual([429, expect.stringMatching(/^"one";r=0;t=/), '"one";q=1;w=3600']);
  expect(await send('/public/x')).toEqual([200, '"app";r=9']);
  expect(app.text).not.toMatch(/limit/i);
});

it.skipIf(!hasTool('caddy'))('nothing passes while the decision listener is down', async () => {
  await using app = await Recorder.start();
  const [url, nobody] = [await freeUrl(), await freeUrl()];
  await using caddy = await startCaddy(url, configuration(url, nobody, app.url));
  expect((await ask(caddy.url, rawRequest('GET /public/x'))).status).toBe(502);
  expect(app.text).toBe('');
});
