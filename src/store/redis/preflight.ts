/**
 * Looks at the server that was reached: is it one we can use, and would it keep what it has acknowledged? Reads only;
 * what it may not read it says nothing about.
 */
import { SetupError } from '../../errors.ts';
import { describeAddress, type RedisAccess } from './address.ts';
import type { Scripted } from './scripts.ts';

/** Streams read behind an id, and what a script may call. */
const OLDEST = [6, 2] as const;

/** What an operator should mend, in sentences. Throws SetupError for a server that we cannot use. */
export async function preflight(
  client: Scripted,
  access: RedisAccess,
  acceptEviction: boolean,
): Promise<readonly string[]> {
  const info = await allowed(client.info());
  const of = (name: string) => info?.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1];
  const version = of('redis_version');
  if (version !== undefined && isOlder(version)) {
    throw new SetupError(
      `store: ${describeAddress(access)} is version ${version}; ${OLDEST.join('.')} or newer is needed`,
    );
  }
  if (of('cluster_enabled') === '1' && access.place.kind !== 'cluster') {
    throw new SetupError(`store: ${describeAddress(access)} is a node of a Cluster; set store.cluster: true`);
  }
  const advice: string[] = [];
  if (of('role') === 'slave') advice.push('it is a replica, which takes no changes');
  const setting = async (name: string) => ((await allowed(client.config('GET', name))) as string[] | null)?.[1];
  if ((await setting('appendonly')) === 'no') {
    advice.push('appendonly is off, so a crash loses acknowledged changes; set appendonly yes and appendfsync always');
  } else if (((await setting('appendfsync')) ?? 'always') !== 'always') {
    advice.push(
      'appendfsync is not always, so a crash of its machine may lose the last second of acknowledged changes',
    );
  }
  // Managed servers forbid CONFIG, and say it here.
  const policy = of('maxmemory_policy') ?? (await setting('maxmemory-policy')) ?? 'noeviction';
  if (policy !== 'noeviction') {
    const what = `maxmemory-policy is ${policy}, so tokens vanish when memory is short`;
    if (!acceptEviction) {
      const mend = 'set noeviction, or store.acceptEviction: true to live with it';
      throw new SetupError(`store: ${describeAddress(access)}: ${what}; ${mend}`);
    }
    advice.push(what);
  }
  return advice;
}

/** null: the user may not ask, or the server knows no such thing. */
async function allowed<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (/NOPERM|unknown command/i.test((error as Error).message)) return null;
    throw error;
  }
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}
