/** A gateway that serves HTTPS from files of its own folder, with a recorder behind it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { first, type Pem } from '../support/certificates.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';

const PUBLIC = { id: 'public', match: { path: '/public/**' }, public: true };

export interface TlsGateway extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** The folder that holds gateway.crt and gateway.key. */
  readonly folder: string;
  readonly paths: { readonly cert: string; readonly key: string };
}

export function writePair(folder: string, { cert, key }: Pem): TlsGateway['paths'] {
  const paths = { cert: join(folder, 'gateway.crt'), key: join(folder, 'gateway.key') };
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key);
  return paths;
}

/** `tls`: further settings below `gateway.tls`; `gateway`: beside it. `policy`: one of whose tokens no organization is seeded with. */
export async function startTlsGateway(
  upstreamUrl: string,
  options: { routes?: readonly Settings[]; tls?: Settings; gateway?: Settings; policy?: string } = {},
): Promise<TlsGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-tls-'));
  const paths = writePair(folder, first);
  const gateway = await startTestGateway({
    upstreamUrl,
    ...(options.routes === undefined ? {} : { routes: options.routes }),
    ...(options.policy === undefined ? {} : { policy: options.policy, routes: [PUBLIC], seed: false }),
    settings: { gateway: { ...options.gateway, tls: { ...paths, ...options.tls } } },
  });
  return {
    gateway,
    folder,
    paths,
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
