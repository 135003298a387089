/**
 * Opens one client, which is one connection, to the node that takes our writes: a server by its address, the master that
 * Sentinel names, or the owner of our hash slot in a Cluster. Says in words what is wrong with a server that cannot be ours.
 */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Redis, type RedisOptions } from 'ioredis';
import { SetupError } from '../../errors.ts';
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import { describeAddress, type Node, type RedisAccess, type SentinelAddress } from './address.ts';
import { SCRIPTS, type Scripted } from './scripts.ts';
import type { ServerId } from './server-pin.ts';
import { SocketByName } from './socket-by-name.ts';

/** TCP, TLS, log-in and the first answer together. */
const CONNECT_MS = 1000;
/** Each step with one of several nodes that may know. */
const ASK_MS = 500;

/** Of each connection, the server that it is on. */
const servers = new WeakMap<Scripted, string>();

keepStringsFast();

/** `key`: one of ours; in a Cluster all of them are where it is. Rejects with SetupError where trying again is no use. */
export async function openClient(access: RedisAccess, key: string, options: RedisOptions): Promise<Scripted> {
  const client = await opened(access, await locate(access, key), options);
  try {
    const info = await inTime(client.info(), CONNECT_MS, 'no answer');
    const server = /^run_id:(\w+)/m.exec(info)?.[1];
    if (server !== undefined) servers.set(client, server);
    // Who was named a moment ago may have been replaced, or may not have taken over yet.
    if (access.place.kind === 'server' || /^role:master/m.test(info)) return client;
    throw new Error('the node that was named is no master');
  } catch (error) {
    // A user who may not ask: then this server cannot be told from another.
    if (access.place.kind === 'server' && /NOPERM/.test((error as Error).message)) return client;
    client.disconnect();
    throw inWords(access, error as Error);
  }
}

/** Of a client that `openClient` has brought. */
export function serverOf(client: Scripted): ServerId {
  return servers.get(client) ?? null;
}

/** The node that takes our writes, as those who must know say. */
export async function locate(access: RedisAccess, key: string): Promise<Node> {
  const { place } = access;
  if (place.kind === 'server') return place.node;
  let last: unknown = new Error('no node is configured');
  for (const node of shuffled(place.nodes)) {
    let client: Scripted | undefined;
    try {
      const login = place.kind === 'cluster' ? access : sentinelAccess(place, access.tls);
      client = await opened(login, node, { connectTimeout: ASK_MS, commandTimeout: ASK_MS, enableReadyCheck: false });
      return place.kind === 'cluster' ? await ownerOf(client, node, key) : await masterOf(client, place.name);
    } catch (error) {
      last = error instanceof SetupError ? error : inWords(access, error as Error);
      if (last instanceof SetupError) throw last;
    } finally {
      client?.disconnect();
    }
  }
  throw last;
}

function sentinelAccess(place: SentinelAddress, tls: ConnectionOptions | undefined): RedisAccess {
  return {
    place,
    ...given('username', place.username),
    ...given('password', place.password),
    ...given('tls', place.tls ? tls : undefined),
  };
}

async function masterOf(sentinel: Scripted, name: string): Promise<Node> {
  const found = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as [string, string] | null;
  if (found === null) throw new Error(`the Sentinel knows no master named ${name}`);
  return { host: found[0], port: Number(found[1]) };
}

async function ownerOf(client: Scripted, asked: Node, key: string): Promise<Node> {
  try {
    const slot = Number(await client.cluster('KEYSLOT', key));
    const ranges = (await client.cluster('SLOTS')) as unknown as Range[];
    const owner = ranges.find(([first, end]) => first <= slot && slot <= end)?.[2];
    if (owner === undefined) throw new Error(`the Cluster has no owner for slot ${slot}`);
    return { host: owner[0] || asked.host, port: owner[1] };
  } catch (error) {
    if (!/cluster support disabled/i.test(String(error))) throw error;
    throw new SetupError(`store: ${asked.host}:${asked.port} is no node of a Cluster; leave out store.cluster`);
  }
}

type Range = [first: number, last: number, owner: [host: string | null, port: number]];

async function opened(access: RedisAccess, node: Node, options: RedisOptions): Promise<Scripted> {
  const all: RedisOptions & { replyMapping: 'legacy' } = {
    lazyConnect: true,
    // One client is one connection: whoever holds it decides about the next.
    retryStrategy: null,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: 100,
    disableClientInfo: true,
    // Spoken by everything that calls itself Redis.
    protocol: 2,
    scripts: SCRIPTS,
    ...given('username', access.username),
    ...given('password', access.password),
    ...given('db', access.database),
    ...(access.tls === undefined ? {} : { tls: withName(access.tls, node.host) }),
    host: node.host,
    port: node.port,
    Connector: SocketByName,
    ...options,
    replyMapping: 'legacy',
  };
  const client = new Redis(all) as Scripted;
  let reason: Error | undefined;
  client.on('error', (error: Error) => {
    reason ??= error;
  });
  try {
    await inTime(client.connect(), CONNECT_MS, 'no connection');
    // It would go on in another database than the one we asked for.
    if (reason !== undefined) throw reason;
    return client;
  } catch (error) {
    client.disconnect();
    throw inWords(access, reason ?? (error as Error));
  }
}

/** `failure`: what it is if there was none. */
async function inTime<T>(work: Promise<T>, timeoutMs: number, failure: string): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = stallAwareTimeout(timeoutMs, () => reject(new Error(`${failure} within ${timeoutMs} ms`)));
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(cancel);
}

const HOPELESS: ReadonlyArray<readonly [RegExp, string]> = [
  [/WRONGPASS|NOAUTH|invalid password|invalid username/i, 'it refuses the user or password'],
  [/NOPERM/, 'its user lacks a permission that the store needs'],
  [/DB index|invalid DB/i, 'it has no such database'],
  [
    /Protocol error|Unknown RESP type|ERR_SSL_WRONG_VERSION|wrong version number|packet length too long/i,
    'what answers there is not Redis',
  ],
  [/certificate|CERT_|UNABLE_TO_|SELF_SIGNED|altnames/i, 'its certificate is not accepted'],
];

function inWords(access: RedisAccess, error: Error): Error {
  const text = `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`;
  const found = HOPELESS.find(([pattern]) => pattern.test(text.trim()) || pattern.test(error.message));
  // Of a name with several addresses the error has no words of its own.
  if (found === undefined) return error.message === '' ? new Error(text.trim(), { cause: error }) : error;
  return new SetupError(`store: ${describeAddress(access)}: ${found[1]} (${error.message})`, { cause: error });
}

function withName(tls: ConnectionOptions, host: string | undefined): ConnectionOptions {
  return tls.servername !== undefined || host === undefined || isIP(host) !== 0 ? tls : { ...tls, servername: host };
}

function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, at: Math.random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ value }) => value);
}

/**
 * The client has a class that extends String, after which V8 looks up every method of every string anew, 15 to 25 ns a
 * call, until a few have been asked of a String object.
 */
function keepStringsFast(): void {
  const look = (text: { readonly at?: unknown }) => text.at;
  for (let count = 0; count < 100; count++) look(Object(''));
}
