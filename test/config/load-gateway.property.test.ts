/** However a configuration is mangled: it is refused with words for its author, or it is in order. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { ConfigError } from '../../src/errors.ts';
import { assertForSeeds } from '../support/chance.ts';

const GATEWAY = {
  ...parse(readFileSync('gateway.yaml', 'utf8')),
  gateway: { port: 8080, tls: { cert: 'no.pem', key: 'no.pem' } },
  admin: { port: 8081 },
  oauth: { prefix: '/api' },
  store: { driver: 'redis', url: 'redis://a:1,b:2', sentinel: { name: 'm' } },
  upstreams: { platform: { targets: ['http://127.0.0.1:9000'], tls: { ca: 'no.pem' } } },
  import: { patterns: [{ prefix: 'old_', minLength: 40, maxLength: 40 }] },
  limits: { burst: { requests: 20, window: 'second', per: 'token' } },
};
const POLICY = parse(readFileSync('policies/coze.yaml', 'utf8'));

type Tree = Record<string, unknown>;

/** Every place in it, as keys from the top. */
function places(tree: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof tree !== 'object' || tree === null) return [at];
  return [at, ...Object.entries(tree).flatMap(([key, value]) => places(value, [...at, key]))];
}

/** `value` instead of what stands at the place; undefined: nothing, and the key with it. */
function mangled(tree: Tree, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const copy = (Array.isArray(tree) ? [...tree] : { ...tree }) as Tree;
  const inner = rest.length === 0 ? value : mangled((copy[key] ?? {}) as Tree, rest, value);
  if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return Array.isArray(copy) ? Object.values(copy) : copy;
}

const instead = fc.constantFrom<unknown>(
  undefined,
  null,
  '',
  'x',
  'member',
  0,
  -1,
  3.5,
  true,
  [],
  ['x'],
  [null],
  {},
  { x: 1 },
);
const mangle = (tree: Tree) =>
  fc
    .array(fc.tuple(fc.constantFrom(...places(tree)), instead), { maxLength: 4 })
    .map((changes) => changes.reduce<unknown>((made, [at, value]) => mangled(made as Tree, at, value), tree));

it('every mistake ends in words, with file and line', async () => {
  await assertForSeeds(
    fc.property(mangle(GATEWAY), mangle(POLICY), (gateway, policy) => {
      const readFile = (path: string) => {
        if (path.endsWith('.pem')) throw Object.assign(new Error('none'), { code: 'ENOENT' });
        return Buffer.from(JSON.stringify(path === '/c/gateway.yaml' ? gateway : policy));
      };
      expect(() => loadGateway('/c/gateway.yaml', {}, { readFile })).toThrow(ConfigError);
    }),
    { numRuns: 250 },
  );
}, 60_000);
