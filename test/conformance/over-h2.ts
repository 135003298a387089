/**
 * A request that a test sends as bytes of HTTP/1.1, sent over HTTP/2 as well, where that can say it. What it means there
 * must be the same. Requests whose fault is one of HTTP/1.1's framing have no like in HTTP/2 and are left alone.
 */
import { once } from 'node:events';
import { type H2Answer, h2 } from '../http/h2-client.ts';

export interface Sayable {
  readonly method: string;
  readonly target: string;
  /** Raw pairs, without Host. */
  readonly fields: ReadonlyArray<readonly [string, string]>;
  readonly host: string;
  readonly body: string;
}

const FIELDS_MAX = 300;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TARGET = /^\/[\x21-\x7e\x80-\xff]*$/;
/** Visible bytes, with blanks only in between: others are refused by HTTP/2 itself. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** Fields that speak of a connection, or frame a body, of HTTP/1.1 alone. */
const OF_HTTP1 = new Set([
  'transfer-encoding',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'te',
  'expect',
  'http2-settings',
]);

/** null: HTTP/2 cannot say it, or not in this way. */
export function sayable(bytes: string | Buffer): Sayable | null {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [line, ...lines] = text.slice(0, end).split('\r\n');
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(line ?? '') ?? [];
  if (end === -1 || method === undefined || method === 'CONNECT' || !TARGET.test(target!)) return null;
  const fields: Array<readonly [string, string]> = [];
  const hosts: string[] = [];
  let length = 0;
  for (const field of lines) {
    const [, name, value] = /^([^:]*):[\t ]*(.*?)[\t ]*$/s.exec(field) ?? [];
    if (name === undefined || !TOKEN.test(name) || !VALUE.test(value!)) return null;
    const lower = name.toLowerCase();
    if (OF_HTTP1.has(lower)) return null;
    // Names the gateway that it is sent to, which is not the one that is asked over HTTP/2.
    if (lower === 'via' && /scopegate\./i.test(value!)) return null;
    if (lower === 'host') hosts.push(value!);
    else if (lower === 'connection') {
      if (value!.toLowerCase() !== 'close' && value!.toLowerCase() !== 'keep-alive') return null;
    } else {
      if (lower === 'content-length') {
        if (!/^[0-9]+$/.test(value!)) return null;
        length = Number(value);
      }
      fields.push([lower, value!]);
    }
  }
  // Each field counts 32 bytes more there (RFC 9113 section 6.5.2): what fits HTTP/1.1 may be too large.
  if (lines.length > FIELDS_MAX) return null;
  const body = text.slice(end + 4);
  const isTwice = fields.filter(([name]) => name === 'content-length').length > 1;
  if (hosts.length !== 1 || hosts[0] === '' || body.length !== length || isTwice) return null;
  return { method, target: target!, fields, host: hosts[0]!, body };
}

/** On a connection of its own. `status` 0: the stream was reset. */
export async function askOverH2(url: string, { method, target, fields, host, body }: Sayable): Promise<H2Answer> {
  // The limits are the gateway's to keep.
  const options = { strictSingleValueFields: false, maxHeaderListPairs: 10_000, maxSendHeaderBlockLength: 1 << 20 };
  using session = await h2(url, options);
  const pairs = [[':method', method], [':path', target], [':scheme', 'https'], [':authority', host], ...fields];
  const stream = session.request(pairs.flat(), { endStream: body === '' });
  let [status, text] = [0, ''];
  let raw: readonly string[] = [];
  stream.on('error', () => {});
  stream.on('response', (answer, _flags, fields: readonly string[] = []) => {
    status = Number(answer[':status']);
    raw = fields;
  });
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  if (body !== '') stream.end(body, 'latin1');
  await once(stream, 'close').catch(() => {});
  return { status, headers: {}, raw, body: text, trailers: {}, rstCode: stream.rstCode ?? 0 };
}
