/** Behind the real nginx, `auth_request`, with the configuration of docs/recipes/nginx-forward-auth. */
import { describe, expect, it } from 'vitest';
import { freeUrl, recipeFile, startNginx } from '../support/proxies.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';
import { behind, carriesWebSockets, keepsPromises } from './forward-auth.ts';

const host = (url: string) => new URL(url).host;
const configuration = (url: string, decisionUrl: string, appUrl: string) =>
  recipeFile('nginx-forward-auth/nginx.conf', {
    'listen 8000;': `listen ${host(url)};`,
    '127.0.0.1:8082': host(decisionUrl),
    '127.0.0.1:9000': host(appUrl),
  });

describe.skipIf(!hasTool('nginx'))('nginx asks', () => {
  const start = (url: string, decisionUrl: string, appUrl: string) =>
    startNginx(url, configuration(url, decisionUrl, appUrl));
  const at = behind('nginx', start);
  keepsPromises(at, 'refused');
  carriesWebSockets('nginx', start);

  it('an absolute-form target is judged by its path', async () => {
    await at.refuses(rawRequest('GET http://api.test/admin/x', [at.reader]), 403);
  });

  it('more headers than the listener takes are refused', async () => {
    const headers = Array.from({ length: 3 }, (_, nth) => `X-Long-${nth}: ${'x'.repeat(7000)}`);
    await at.refuses(rawRequest('GET /files/x', [at.reader, ...headers]), 431);
  });
});

describe.skipIf(!hasTool('nginx'))('nginx asks, and shows the listener the token alone', () => {
  // So that the listener cannot refuse forged headers: the configuration itself must overwrite them.
  const at = behind('nginx', (url, decisionUrl, appUrl) =>
    startNginx(
      url,
      configuration(url, decisionUrl, appUrl).replace(
        'proxy_pass_request_body off;',
        'proxy_pass_request_body off; proxy_pass_request_headers off; proxy_set_header Authorization $http_authorization;',
      ),
    ),
  );

  it.each(['GET /files/x', 'GET /public/x'])(
    '%s with forged identity headers reaches the app with ours',
    async (line) => {
      const names = [
        'Token-Id',
        'Kind',
        'Organization',
        'Subject',
        'Client-Id',
        'Scopes',
        'Workspaces',
        'Workspace',
        'Environment',
        'Role',
      ];
      const forged = names.flatMap((name) => [`X-Scopegate-${name}: forged`, `X_Scopegate_${name}: forged`]);
      await ask(at.url, rawRequest(line, [at.reader, ...forged, 'X-Request-Id: forged']));
      expect((await at.app.request()).text).not.toContain('forged');
    },
  );
});

it.skipIf(!hasTool('nginx'))('nothing passes while the decision listener is down', async () => {
  await using app = await Recorder.start();
  const [url, nobody] = [await freeUrl(), await freeUrl()];
  await using nginx = await startNginx(url, configuration(url, nobody, app.url));
  expect((await ask(nginx.url, rawRequest('GET /public/x'))).status).toBe(500);
  expect(app.text).toBe('');
});
