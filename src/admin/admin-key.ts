/**
 * The sidecar's master credential: from the environment, or made once and kept in the data folder (0600). The key
 * itself is never logged; where it lies is.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8Fault } from '../config/yaml/utf8.ts';
import { SetupError } from '../errors.ts';
import { exposureOf, folderExposureOf } from '../private-files.ts';
import { randomText, sameSecret, withoutLineBreak } from '../secret.ts';

const LENGTH_MIN = 16;
const UNSENDABLE = 'a key is one word of visible ASCII characters, or nobody could send it';

export interface AdminKeys {
  /** One, or two while a rotation is under way. */
  readonly keys: readonly string[];
  /** For the log: where the key comes from. */
  readonly source: string;
}

/** `SCOPEGATE_ADMIN_KEY` may hold two keys, comma-separated. Throws SetupError for a short key or an unusable folder. */
export function loadAdminKeys(env: Readonly<Record<string, string | undefined>>, folder: string): AdminKeys {
  const keys = keysGiven(env);
  if (keys.length > 0) {
    if (keys.length > 2 || keys.some((key) => key.length < LENGTH_MIN)) {
      throw new SetupError(
        `SCOPEGATE_ADMIN_KEY: one key, or two separated by a comma, each of at least ${LENGTH_MIN} characters`,
      );
    }
    if (!keys.every(isSendable)) throw new SetupError(`SCOPEGATE_ADMIN_KEY: ${UNSENDABLE}`);
    return { keys, source: 'SCOPEGATE_ADMIN_KEY' };
  }
  const path = join(folder, 'admin-key');
  let key: string;
  let exposed: string | null;
  try {
    if (!existsSync(path)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      makeKey(path);
    }
    key = keyIn(path);
    exposed = exposureOf(path) ?? folderExposureOf(folder);
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(
      `the admin key ${path} cannot be read or made (${(error as NodeJS.ErrnoException).code}); set SCOPEGATE_ADMIN_KEY`,
    );
  }
  if (exposed !== null) throw new SetupError(`the admin key ${exposed}`);
  if (key.length < LENGTH_MIN)
    throw new SetupError(
      `the admin key in ${path} is shorter than ${LENGTH_MIN} characters; remove it to get a new one`,
    );
  if (!isSendable(key)) throw new SetupError(`the admin key in ${path}: ${UNSENDABLE}`);
  return { keys: [key], source: path };
}

/** What a key's file holds, or an open one by its number. Throws SetupError for what is not UTF-8, and as `readFileSync` does. */
export function keyIn(path: string | number): string {
  const bytes = readFileSync(path);
  const fault = utf8Fault(String(path), bytes);
  if (fault !== null) throw new SetupError(fault);
  return withoutLineBreak(bytes.toString());
}

/** The keys in SCOPEGATE_ADMIN_KEY; none where it is not set. */
export function keysGiven(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const given = withoutLineBreak(env.SCOPEGATE_ADMIN_KEY ?? '');
  return given === '' ? [] : given.split(',').map((key) => key.trim());
}

/** Can it stand in a header as a bearer token, so that anybody can present it? */
export function isSendable(key: string): boolean {
  return /^[\x21-\x7e]+$/.test(key);
}

/** Another process of the same start may have made it just before us: its key counts. */
function makeKey(path: string): void {
  try {
    writeFileSync(path, `${randomText(43)}\n`, { mode: 0o600, flag: 'wx' });
    chmodSync(path, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** `authorization`: the header's value. Constant time in the key. */
export function isAdmin(keys: readonly string[], authorization: string | undefined): boolean {
  const presented = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return presented !== undefined && isAdminKey(keys, presented);
}

/** `presented`: the key itself. Constant time in the key. */
export function isAdminKey(keys: readonly string[], presented: string): boolean {
  return keys.map((key) => sameSecret(key, presented)).includes(true);
}
