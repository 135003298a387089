/** docs/recipes/caddy-forward-auth, copied as it is: the real Caddy asks the decision listener. */
import { describe } from 'vitest';
import { startCaddy } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { keepsWhatItSays } from './behind-proxy.ts';

describe.skipIf(!hasTool('caddy'))('Caddy that asks', () => {
  keepsWhatItSays({
    name: 'caddy-forward-auth',
    file: 'Caddyfile',
    listens: (port) => `\n:${port} {`,
    start: startCaddy,
  });
});
