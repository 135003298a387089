/**
 * Which running gateway a command is for, and its admin key: by the configuration that it runs (`-c FILE`), or by the
 * address of its sidecar (`--url`). There is no address by default: a command never changes a gateway that nobody named.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isSendable, keyIn, keysGiven } from '../admin/admin-key.ts';
import type { Configuration } from '../config/load/configuration.ts';
import { loadGateway } from '../config/load/load-gateway.ts';
import { localFolder } from '../config/load/local-folder.ts';
import type { Env } from '../config/yaml/expand.ts';
import { SetupError } from '../errors.ts';
import { hostAndPort } from './address.ts';

/** Of every command that speaks to a sidecar. */
export const GATEWAY_OPTIONS = {
  config: { type: 'string', short: 'c' },
  url: { type: 'string' },
  'key-file': { type: 'string' },
} as const;

export interface GatewayOptionValues {
  readonly config?: string | undefined;
  readonly url?: string | undefined;
  readonly 'key-file'?: string | undefined;
}

export interface AdminKey {
  readonly key: string;
  /** For messages: where it is from. */
  readonly source: string;
}

export interface NamedGateway {
  /** Of its sidecar, as it was given. */
  readonly url: string;
  /** The configuration that it must run; null: it was named by its address. */
  readonly path: string | null;
  readonly adminKey: AdminKey;
}

const DEFAULT_FILE = 'gateway.yaml';
const KEY_FILE = 'admin-key';
const LOCAL_FOLDER = 'data';
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Without `-c` and `--url` it is that of ./gateway.yaml, as for `serve`. Throws SetupError where none is named or there
 * is no key, and ConfigError for a configuration with problems.
 */
export function namedGateway(values: GatewayOptionValues, env: Env): NamedGateway {
  const { config, url, 'key-file': keyFile } = values;
  if (config !== undefined && url !== undefined)
    throw new SetupError('a gateway is named by -c FILE or by --url URL, not by both');
  if (url !== undefined) return { url, path: null, adminKey: findAdminKey(env, keyFile) };
  if (config === undefined && !existsSync(DEFAULT_FILE))
    throw new SetupError(
      `which gateway? There is no ${DEFAULT_FILE} here: name it with -c FILE (the configuration that it runs) ` +
        'or --url URL (the address of its sidecar)',
    );
  const configuration = loadGateway(config ?? DEFAULT_FILE, env);
  const adminKey = findAdminKey(env, keyFile, localFolder(configuration));
  return { url: sidecarUrl(configuration, config ?? DEFAULT_FILE), path: configuration.path, adminKey };
}

function sidecarUrl({ file }: Configuration, name: string): string {
  const { host, port } = file.admin;
  if (port === 0) throw new SetupError(`${name}: admin.port is 0, any free one; name the sidecar's address with --url`);
  return `http://${hostAndPort(ANY_ADDRESS[host] ?? host, port)}`;
}

/**
 * From `keyFile` where one is given, else from SCOPEGATE_ADMIN_KEY (of two keys the first), else from the folder where
 * `serve` makes one. Throws SetupError where there is none.
 */
export function findAdminKey(env: Env, keyFile: string | undefined, folder = LOCAL_FOLDER): AdminKey {
  const [given] = keysGiven(env);
  if (keyFile === undefined && given !== undefined) return checked({ key: given, source: 'SCOPEGATE_ADMIN_KEY' });
  const path = keyFile ?? join(folder, KEY_FILE);
  if (keyFile === undefined && !existsSync(path))
    throw new SetupError(`there is no admin key: set SCOPEGATE_ADMIN_KEY or --key-file (${path} does not exist)`);
  try {
    return checked({ key: keyIn(path), source: path });
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`the admin key ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function checked(found: AdminKey): AdminKey {
  if (isSendable(found.key)) return found;
  throw new SetupError(`${found.source} holds no admin key: one word of visible ASCII characters`);
}
