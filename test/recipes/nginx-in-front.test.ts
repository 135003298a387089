/** docs/recipes/nginx-in-front, copied as it is: the real nginx in front of the gateway. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startNginx } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { keepsWhatItSays } from './behind-proxy.ts';

describe.skipIf(!hasTool('nginx'))('nginx in front of the gateway', () => {
  const at = keepsWhatItSays({
    name: 'nginx-in-front',
    file: 'nginx.conf',
    listens: (port) => `listen ${port};`,
    start: startNginx,
  });

  it('a revocation ends a WebSocket behind nginx with its last word', async () => {
    const { admin } = at.recipe.gateway;
    const { body } = await admin('POST', '/v1/tokens/find', { token: at.token });
    const socket = new WebSocket(`${at.url.replace('http', 'ws')}/updates`, {
      headers: { authorization: `Bearer ${at.token}` },
    });
    await once(socket, 'open');
    await admin('POST', `/tokens/${(body as { id: string }).id}/revoke`);
    expect((await once(socket, 'close'))[0]).toBe(4401);
  });
});
