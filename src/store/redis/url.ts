/** Reads redis://user:password@host:port,host:port/database. A password need not be escaped, and is never in a message. */

/** Of a node that names none. */
export const REDIS_PORT = 6379;
export const SENTINEL_PORT = 26_379;

export interface RedisUrl {
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly nodes: ReadonlyArray<{ readonly host: string; readonly port: number }>;
  readonly database?: number;
}

const FORM = /^redis(s?):\/\/(?:(.*)@)?([^@/]+)(?:\/(\d*))?$/;
const NODE = /^(?:\[([\da-fA-F:.]+)\]|([^[\]:]+))(?::(\d+))?$/;

/** null: it is none. `port`: of nodes that name none. */
export function parseRedisUrl(text: string, port: number): RedisUrl | null {
  const parts = FORM.exec(text);
  if (parts === null) return null;
  const [, secure, login, list = '', database = ''] = parts;
  const nodes = list.split(',').map((each) => {
    const [, v6, name, own] = NODE.exec(each) ?? [];
    return { host: v6 ?? name ?? '', port: own === undefined ? port : Number(own) };
  });
  if (nodes.some((node) => node.host === '' || node.port < 1 || node.port > 65_535)) return null;
  const [user = '', ...rest] = login?.split(':') ?? [];
  return {
    tls: secure === 's',
    ...(user === '' ? {} : { username: decoded(user) }),
    ...(rest.length === 0 ? {} : { password: decoded(rest.join(':')) }),
    nodes,
    ...(database === '' ? {} : { database: Number(database) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
