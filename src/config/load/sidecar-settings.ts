/**
 * Where the sidecar of a configuration listens, and where its key lies: for commands that only speak to it. Reads the
 * YAML and looks at no more of it. A test holds what it says of a configuration to what the whole loader says.
 */
import { dirname } from 'node:path';
import { isMapping } from '../yaml/bare-copy.ts';
import type { Env } from '../yaml/expand.ts';
import { readYamlFile } from '../yaml/yaml-file.ts';

export interface SidecarSettings {
  readonly host: string;
  readonly port: number;
  /** The file that it speaks HTTPS with, relative to this one; null: plain HTTP. */
  readonly certificate: string | null;
  /** Relative to the file. */
  readonly folder: string;
}

const [HOST, PORT, FOLDER] = ['127.0.0.1', 8081, 'data'];

/** Throws ConfigError for a file that cannot be read, and for these settings where they are of another type. */
export function readSidecarSettings(path: string, env: Env): SidecarSettings {
  const file = readYamlFile(path, env);
  const { data } = file;
  // A variable that is not set is no matter here, unless it stands in what is read.
  if (!isMapping(data)) file.throwIfAny();
  const section = (name: string) => (isMapping(data) && isMapping(data[name]) ? data[name] : {});
  const { host = HOST, port = PORT, tls } = section('admin');
  const certificate = isMapping(tls) ? tls.cert : null;
  // A store without a file of its own leaves the key in the usual folder.
  const { path: store = `${FOLDER}/store` } = section('store');
  if (typeof host !== 'string') file.problem(['admin', 'host'], 'must be a text');
  if (typeof port !== 'number') file.problem(['admin', 'port'], 'must be a number');
  if (certificate !== null && typeof certificate !== 'string') file.problem(['admin', 'tls', 'cert'], 'must be a text');
  const isRead = typeof host === 'string' && typeof port === 'number' && typeof store === 'string';
  if (!isRead || (certificate !== null && typeof certificate !== 'string')) file.throwIfAny();
  return {
    host: host as string,
    port: port as number,
    certificate: certificate as string | null,
    folder: dirname(store as string),
  };
}
