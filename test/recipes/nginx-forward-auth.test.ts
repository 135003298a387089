/** docs/recipes/nginx-forward-auth, copied as it is: the real nginx asks the decision listener. */
import { describe } from 'vitest';
import { startNginx } from '../support/proxies.ts';
import { hasTool } from '../support/tools.ts';
import { keepsWhatItSays } from './behind-proxy.ts';

describe.skipIf(!hasTool('nginx'))('nginx that asks', () => {
  keepsWhatItSays({
    name: 'nginx-forward-auth',
    file: 'nginx.conf',
    listens: (port) => `listen ${port};`,
    start: startNginx,
  });
});
