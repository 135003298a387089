/** Behind the real Caddy, `forward_auth`, with the configuration of docs/forward-auth.md. */
import { describe, expect, it } from 'vitest';
import { configurationOf, freeUrl, startCaddy } from '../support/proxies.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';
import { behind, carriesWebSockets, keepsPromises } from './forward-auth.ts';

const host = (url: string) => new URL(url).host;
const configuration = (url: string, decisionUrl: string, appUrl: string) =>
  configurationOf('docs/forward-auth.md', 'caddyfile', {
    ':8080 {': `http://:${new URL(url).port} {`,
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

it.skipIf(!hasTool('caddy'))('nothing passes while the decision listener is down', async () => {
  await using app = await Recorder.start();
  const [url, nobody] = [await freeUrl(), await freeUrl()];
  await using caddy = await startCaddy(url, configuration(url, nobody, app.url));
  expect((await ask(caddy.url, rawRequest('GET /public/x'))).status).toBe(502);
  expect(app.text).toBe('');
});
