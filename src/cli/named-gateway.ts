/**
 * Which running gateway a command is for, and its admin key: by the configuration that it runs (`-c FILE`), or by the
 * address of its sidecar (`--url`). There is no address by default: a command never changes a gateway that nobody named.
 * Of a configuration it reads only where the sidecar is and where the key lies: whether the rest is right is for
 * whoever runs it, and takes longer than most commands.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isSendable, keyIn, keysGiven } from '../admin/admin-key.ts';
import type { Env } from '../config/yaml/expand.ts';
import { SetupError } from '../errors.ts';
import { hostAndPort } from './address.ts';
import type { Trust } from './sidecar-trust.ts';

export interface GatewayOptionValues {
  readonly config?: string | undefined;
  readonly url?: string | undefined;
  readonly 'key-file'?: string | undefined;
  readonly 'ca-file'?: string | undefined;
}

export interface AdminKey {
  readonly key: string;
  /** For messages: where it is from. */
  readonly source: string;
}

/** Where a sidecar is. */
export interface NamedSidecar {
  /** As it was given. */
  readonly url: string;
  readonly trust: Trust;
  /** The configuration that it must run; null: it was named by its address. */
  readonly path: string | null;
  /** Where `serve` keeps what is this machine's. */
  readonly folder: string;
}

export interface NamedGateway extends NamedSidecar {
  readonly adminKey: AdminKey;
}

const DEFAULT_FILE = 'gateway.yaml';
const KEY_FILE = 'admin-key';
const LOCAL_FOLDER = 'data';
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Without `-c` and `--url` it is that of SCOPEGATE_ADMIN_URL, else of ./gateway.yaml, as for `serve`. Rejects with
 * SetupError where none is named or there is no key, and with ConfigError for a configuration that cannot be read.
 */
export async function namedGateway(values: GatewayOptionValues, env: Env): Promise<NamedGateway> {
  const named = await namedSidecar(values, env);
  return { ...named, adminKey: findAdminKey(env, values['key-file'], named.folder) };
}

/** The same without a key. */
export async function namedSidecar(values: GatewayOptionValues, env: Env): Promise<NamedSidecar> {
  const { config, url, 'ca-file': caFile } = values;
  if (config !== undefined && url !== undefined)
    throw new SetupError('a gateway is named by -c FILE or by --url URL, not by both');
  const address = url ?? (config === undefined ? env.SCOPEGATE_ADMIN_URL : undefined);
  const authorities = caFile === undefined ? null : { authorities: caFile };
  if (address !== undefined && address !== '')
    return { url: address, trust: authorities ?? 'system', path: null, folder: LOCAL_FOLDER };
  if (config === undefined && !existsSync(DEFAULT_FILE))
    throw new SetupError(
      `which gateway? There is no ${DEFAULT_FILE} here: name it with -c FILE (the configuration that it runs) ` +
        'or --url URL (the address of its sidecar), or set SCOPEGATE_ADMIN_URL',
    );
  const named = await readSidecar(config ?? DEFAULT_FILE, env);
  return { ...named, trust: authorities ?? named.trust };
}

async function readSidecar(name: string, env: Env): Promise<NamedSidecar> {
  const { readSidecarSettings } = await import('../config/load/sidecar-settings.ts');
  const { host, port, certificate, folder } = readSidecarSettings(name, env);
  if (port === 0) throw new SetupError(`${name}: admin.port is 0, any free one; name the sidecar's address with --url`);
  const path = resolve(name);
  return {
    url: `${certificate === null ? 'http' : 'https'}://${hostAndPort(ANY_ADDRESS[host] ?? host, port)}`,
    // Whatever name it is for: the gateway of this configuration shows this certificate.
    trust: certificate === null ? 'system' : { certificate: resolve(dirname(path), certificate) },
    path,
    folder: resolve(dirname(path), folder),
  };
}

/**
 * From `keyFile` where one is given (`-`: standard input), else from SCOPEGATE_ADMIN_KEY (of two keys the first), else
 * from the folder where `serve` makes one. Throws SetupError where there is none.
 */
export function findAdminKey(env: Env, keyFile: string | undefined, folder = LOCAL_FOLDER): AdminKey {
  const [given] = keysGiven(env);
  if (keyFile === undefined && given !== undefined) return checked({ key: given, source: 'SCOPEGATE_ADMIN_KEY' });
  const path = keyFile ?? join(folder, KEY_FILE);
  if (keyFile === undefined && !existsSync(path))
    throw new SetupError(`there is no admin key: set SCOPEGATE_ADMIN_KEY or --key-file (${path} does not exist)`);
  try {
    return checked({ key: keyIn(path === '-' ? 0 : path), source: path === '-' ? 'standard input' : path });
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`the admin key ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function checked(found: AdminKey): AdminKey {
  if (isSendable(found.key)) return found;
  throw new SetupError(`${found.source} holds no admin key: one word of visible ASCII characters`);
}
