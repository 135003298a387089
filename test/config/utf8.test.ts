/** Every file that people give us is UTF-8, or refused with the place of the bad byte. */
import { isUtf8 } from 'node:buffer';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it, test } from 'vitest';
import { loadAdminKeys } from '../../src/admin/admin-key.ts';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { utf8Problem } from '../../src/config/yaml/utf8.ts';
import { first } from '../support/certificates.ts';
import { assertForSeeds } from '../support/chance.ts';
import { ROOT, scopegate } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-utf8-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** `é` and further such letters are written as one byte each. */
function latin1(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.from(text, 'latin1'), { mode: 0o600 });
  return path;
}

const gatewayYaml = (more = '', policy = join(ROOT, 'policies/coze.yaml')) => `gateway: { port: 0 }
policy: ${policy}
upstreams: { api: { targets: ["https://127.0.0.1:9"]${more} } }
routes: [{ id: x, match: { path: /x }, public: true, upstream: api }]
`;
const pem = `# Schl\xfcssel\n${first.cert}`;
const fault = (path: string, line: number, column: number, byte: string) =>
  `${path}:${line}:${column}: cannot be read: it is not UTF-8 text (byte 0x${byte})`;
/** A certificate and its key, and `bad` in the place of one of them or beside them. */
const files = (part: string, bad: string) => {
  const good = { cert: latin1('good-cert.pem', first.cert), key: latin1('good-key.pem', first.key) };
  return JSON.stringify({ ...good, [part]: bad });
};
const failure = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('a file that is not UTF-8 is refused with the line and column of the first bad byte', () => {
  const commands: ReadonlyArray<readonly [string, string, string, readonly string[], number, number]> = [
    ['CSV', 'tokens.csv', 'name,sha256\nok,aa\ncaf\xe9,bb\n', ['import'], 3, 4],
    ['CSV within a quoted cell', 'quoted.csv', 'name,sha256\n"one\ntw\xf6",bb\n', ['import'], 3, 3],
    ['JSON lines', 'tokens.jsonl', '{"name":"ok"}\r\n\r\n{"name":"caf\xe9"}\r\n', ['import'], 3, 13],
    ['a directory', 'directory.yaml', 'organizations:\n  acme: { name: Caf\xe9 }\n', ['apply'], 2, 20],
  ];
  it.each(commands)('%s', async (_, name, text, args, line, column) => {
    const path = latin1(name, text);
    const env = { SCOPEGATE_ADMIN_KEY: 'k'.repeat(32) };
    const running = scopegate([...args, path, '--url', 'http://127.0.0.1:9'], { env });
    expect(await running.exit()).toBe(1);
    expect(running.stderr()).toContain(fault(path, line, column, text.includes('\xf6') ? 'F6' : 'E9'));
  });

  it('gateway.yaml', () => {
    const path = latin1('gateway.yaml', `# caf\xe9\n${gatewayYaml()}`);
    expect(failure(() => loadGateway(path, {}))).toBe(fault(path, 1, 6, 'E9'));
  });

  it('its policy, beside what is wrong elsewhere', () => {
    const policy = latin1('policy.yaml', 'name: x\nlabel: caf\xe9\n');
    const path = latin1('with-policy.yaml', `${gatewayYaml('', policy)}stoer: 1\n`);
    const message = failure(() => loadGateway(path, {}));
    expect(message).toContain(fault(policy, 2, 11, 'E9'));
    expect(message).toContain('unknown key "stoer"');
  });

  it.each(['ca', 'cert', 'key'])('%s of an upstream', (part) => {
    const bad = latin1(`${part}.pem`, pem);
    const path = latin1(`upstream-${part}.yaml`, gatewayYaml(`, tls: ${files(part, bad)}`));
    expect(failure(() => loadGateway(path, {}))).toContain(fault(bad, 1, 7, 'FC'));
  });

  it.each(['cert', 'key'])('%s of the gateway', (part) => {
    const bad = latin1(`own-${part}.pem`, pem);
    const tls = files(part, bad);
    const path = latin1(`own-${part}.yaml`, gatewayYaml().replace('port: 0', `port: 0, tls: ${tls}`));
    expect(failure(() => loadGateway(path, {}))).toContain(fault(bad, 1, 7, 'FC'));
  });

  it.each(['ca', 'cert', 'key'])('%s of the store', (part) => {
    const bad = latin1(`redis-${part}.pem`, pem);
    const store = `store: { driver: redis, url: "rediss://127.0.0.1:9", tls: ${files(part, bad)} }\n`;
    const path = latin1(`redis-${part}.yaml`, gatewayYaml() + store);
    expect(failure(() => loadGateway(path, {}))).toContain(fault(bad, 1, 7, 'FC'));
  });

  it('an admin key', () => {
    const path = latin1('admin-key', `${'k'.repeat(20)}\xe9\n`);
    expect(failure(() => loadAdminKeys({}, folder))).toBe(fault(path, 1, 21, 'E9'));
  });
});

test('the place is counted in UTF-16 units, without a byte order mark, and right for whatever bytes', async () => {
  const bytes = (...parts: Array<string | number>) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
  const place = (buffer: Buffer) => {
    const problem = utf8Problem('f', buffer);
    return problem === null ? null : [problem.line, problem.column];
  };
  expect(place(bytes('é\n😀', 0xe9))).toEqual([2, 3]);
  expect(place(bytes('\uFEFFa', 0xff))).toEqual([1, 2]);
  expect(place(bytes('a\n\uFEFFa', 0xff))).toEqual([2, 3]);
  expect(place(bytes('a', 0xe2, 0x82))).toEqual([1, 2]);
  expect(place(bytes(0xc0, 0x80))).toEqual([1, 1]);
  expect(place(bytes('x', 0xed, 0xa0, 0x80))).toEqual([1, 2]);
  expect(place(bytes('ok\n'))).toBe(null);
  await assertForSeeds(
    fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array({ minLength: 1, maxLength: 4 }), (text, tail) => {
      const buffer = Buffer.concat([Buffer.from(text), tail]);
      const found = place(buffer);
      if (isUtf8(buffer)) return found === null;
      const valid = Array.from({ length: buffer.length }, (_, end) => buffer.subarray(0, end)).findLast((part) =>
        isUtf8(part),
      )!;
      const lines = valid.toString().split('\n');
      const mark = lines.length === 1 && valid.toString().startsWith('\uFEFF') ? 1 : 0;
      return found![0] === lines.length && found![1] === lines.at(-1)!.length + 1 - mark;
    }),
  );
});

test('what was UTF-8 before is read as before: a byte order mark, all ends of lines, letters of four bytes', async () => {
  const path = join(folder, 'good.csv');
  writeFileSync(path, '\uFEFFname,sha256\r\n"é😀\n\u2028",zz\rlast,yy');
  const running = scopegate(['import', path, '--organization', 'acme'], {});
  expect(await running.exit()).toBe(1);
  const lines = running.stderr().trim().split('\n');
  expect(lines.map((line) => line.slice(path.length, path.length + 5))).toEqual([':2:1:', ':4:1:']);
  expect(readFileSync(path, 'utf8')).toContain('\u2028');
});
