/**
 * What RFC 9110 and RFC 9112 say that an intermediary MUST or MUST NOT do, one by one, and the test that holds us to it.
 * A row whose test has gone fails `npm run generate`, and with it the test of the documents.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Section, what it asks for, what we do, and the name of the attack or test. */
type Duty = readonly [section: string, duty: string, kept: string, test: string];

const RFC_9110: readonly Duty[] = [
  [
    '2.5, 6.2',
    'send its own version of HTTP, not that of the message',
    'HTTP/1.1, both ways',
    'and a request over HTTP/1.0 goes on over HTTP/1.1',
  ],
  ['4.2.4', 'take no authority with a user in it', '400', 'a request without exactly one plain Host is refused'],
  ['5.1', 'forward fields that it does not know', 'unchanged', 'headers that mean nothing to us are not damaged'],
  [
    '5.3',
    'keep the order of lines of one name',
    'as received, both ways',
    'order, case, repetition and bytes above ASCII are kept, body or not, at once or later',
  ],
  [
    '5.5',
    'refuse or replace CR, LF and NUL in a value',
    '400, or 502 for an answer',
    'control characters in a header value are refused',
  ],
  [
    '6.5.1',
    'merge no trailer into the head',
    'kept apart; those that frame, route, authorise or identify are dropped',
    'trailers that route, frame, authorise or identify go no further',
  ],
  [
    '6.6.1',
    'add a Date to an answer that has none',
    'added',
    'is added where the upstream sent none (RFC 9110 section 6.6.1)',
  ],
  [
    '7.2',
    'refuse two Hosts, and send a Host of its own',
    '400; the target’s authority, or the client’s with `preserveHost`',
    'a header that only resembles Host is not taken for it',
  ],
  [
    '7.6',
    'forward no message to itself without protection from an endless loop',
    '508',
    'an upstream that leads back to the gateway is told from one that does not',
  ],
  [
    '7.6.1',
    'remove Connection and what it names before it forwards',
    'removed; what frames or routes cannot be named',
    'what Connection names goes no further',
  ],
  ['7.6.1', 'remove it from answers, too', 'removed', 'hop-by-hop headers of an answer go no further'],
  [
    '7.6.1',
    'remove Keep-Alive, Proxy-Connection, TE, Transfer-Encoding and Upgrade',
    'removed in any spelling',
    'hop-by-hop headers go no further, in any spelling',
  ],
  [
    '7.6.2',
    'count Max-Forwards down for OPTIONS and TRACE, answer at zero, make none up',
    'so for OPTIONS; TRACE is 405',
    'Max-Forwards is counted down where it counts, and ends the way',
  ],
  [
    '7.6.3',
    'send Via in every message that it forwards, with the version received',
    'appended, both ways',
    'the way a request took is not erased',
  ],
  [
    '7.7',
    'change no path and no query',
    'the query byte for byte, save a credential; in the path what means the same is decoded once (RFC 3986 section 6.2.2.2)',
    'any target at all: the path authorised is byte for byte the path on the wire',
  ],
  [
    '7.7',
    'transform no content that says no-transform',
    'no content is transformed',
    'a compressed body is carried byte for byte, both ways',
  ],
  [
    '7.8',
    'switch to no protocol that was not offered',
    '502',
    'an upstream that switches to what was not offered, or answers nonsense, gets no tunnel',
  ],
  [
    '7.8',
    'ignore Upgrade over HTTP/1.0',
    'a plain request',
    'an upgrade by POST, with a body, over HTTP/1.0 or not named in Connection is a plain request',
  ],
  [
    '7.8, 15.5.22',
    'name the protocols in a 426, and Upgrade in Connection',
    'named',
    'an upstream that requires an upgrade still says to what',
  ],
  [
    '8.6',
    'forward no length that is wrong or no number',
    '400, or 502 for an answer',
    'a Content-Length that is not plain digits is refused, and nothing behind it runs',
  ],
  [
    '8.6',
    'send no length with 1xx and 204',
    'dropped',
    'a body where none may be, to HEAD, 204 or 304, goes to nobody',
  ],
  [
    '9.3.2',
    'send no content in answer to HEAD',
    'dropped',
    'a body where none may be, to HEAD, 204 or 304, goes to nobody',
  ],
  ['9.3.6', 'open no tunnel that it does not mean to', '405', 'CONNECT opens no tunnel'],
  ['9.3.8', 'echo no credentials', 'TRACE is 405', 'TRACE does not echo a token'],
  [
    '10.1.1',
    'answer an Expect at once, or pass it on',
    '100 after the decision, or a refusal',
    'Expect: 100-continue is answered by us, and only after the decision',
  ],
  ['10.1.1', 'send 100 to no client of HTTP/1.0', 'none', 'an Expect over HTTP/1.0, or without a body, means nothing'],
  [
    '10.2.1',
    'change no Allow',
    'unchanged',
    "has the upstream's Allow, challenges and Server, and our own version of HTTP",
  ],
  [
    '11.6.1, 11.7.1',
    'change no WWW-Authenticate',
    'unchanged',
    "has the upstream's Allow, challenges and Server, and our own version of HTTP",
  ],
  [
    '11.6.2',
    'change no Authorization',
    'as a gateway we are whom it is for: removed, or passed on whole with `forwardAuthorization`',
    'the token does not reach the upstream',
  ],
  ['11.7.2', 'take Proxy-Authorization for itself', 'removed', 'the token does not reach the upstream'],
  ['14.2', 'may pass a Range on', 'unchanged, as the answer is', 'a range is asked for and answered untouched'],
  ['15', 'know the class of every status', 'it crosses', 'a status that nobody knows is not taken for a failure'],
  [
    '15.2',
    'forward interim answers that it did not ask for',
    '103 with its links, others whole',
    'interim answers are not taken for the final one',
  ],
  ['15.2', 'send none to a client of HTTP/1.0', 'none', 'a client of HTTP/1.0 is sent none'],
];

const RFC_9112: readonly Duty[] = [
  [
    '2.2',
    'parse octets, and take no lone CR for a line end',
    '400',
    'lines that end in a bare line feed or carriage return are refused',
  ],
  [
    '2.2',
    'take nothing between the request line and the first field',
    '400',
    'a header line that is not one by the letter is refused',
  ],
  [
    '2.3',
    'refuse or answer a version that it does not speak',
    '400 or 505',
    'a protocol that only looks like HTTP opens nothing',
  ],
  [
    '3',
    'answer 414 to a target that is too long',
    '414',
    'a target longer than anybody needs is refused in bounded memory',
  ],
  [
    '3.2',
    'answer 400 to no Host, two Hosts or one that is none',
    '400',
    'a request without exactly one plain Host is refused',
  ],
  [
    '3.2.2',
    'take the absolute form, and let it win over Host',
    'taken; one that Host contradicts is 400',
    'a target in absolute form is no way around the policy',
  ],
  ['3.2.4', 'pass `OPTIONS *` on as it is, or not at all', '400', 'OPTIONS * is not turned into a path'],
  [
    '5.1',
    'refuse a blank before the colon',
    '400; in an answer 502',
    'a framing header hidden by a blank, a fold, NUL or a bare line end is refused, and nothing behind it runs',
  ],
  [
    '5.2',
    'refuse or unfold a folded line',
    '400; in an answer 502',
    'an answer that two parsers could read in two ways is given to nobody',
  ],
  [
    '6.1',
    'know chunked, and refuse a coding that it does not know',
    '400 or 501',
    'a Transfer-Encoding other than chunked, however it is disguised, is refused, and nothing behind it runs',
  ],
  [
    '6.1',
    'never forward a length beside Transfer-Encoding',
    '400; in an answer 502',
    'a body framed twice, or by lengths that differ, is refused, and nothing behind it runs',
  ],
  [
    '6.1',
    'treat Transfer-Encoding in HTTP/1.0 as faulty, and close',
    '400 and close; in an answer 502',
    'HTTP/1.0 with a Transfer-Encoding is refused and closed',
  ],
  [
    '6.1',
    'send chunks to no client of HTTP/1.0',
    'the end of the connection is the end',
    'gets no chunks: the end of the connection is the end of the answer',
  ],
  [
    '6.3',
    'answer 502 where an upstream’s length is none, and close that connection',
    '502',
    'an answer that two parsers could read in two ways is given to nobody',
  ],
  [
    '6.3, 8',
    'close after a request that is cut short',
    'the upstream sees no whole one',
    'a body shorter than announced is never made whole',
  ],
  [
    '7.1',
    'read any size of chunk without overflow, and ignore extensions',
    'sizes beyond 32 bits are read; extensions go no further',
    'a chunk size beyond 32 bits does not wrap around',
  ],
  ['7.1.1', 'bound chunk extensions', 'cut off', 'a flood of chunk extensions is cut off'],
  [
    '7.1.2',
    'keep trailers apart, or drop them',
    'kept apart',
    'trailers of an answer, announced or not, do not hang or break it',
  ],
  ['8', 'let no answer that was cut short look whole', 'broken off', 'half an answer never looks whole'],
  ['9.2', 'match answers to requests by their order', 'in order', 'the answers of two clients never change places'],
  [
    '9.3',
    'keep no connection of an HTTP/1.0 client open, as a proxy',
    'as a gateway we do where it asks by Keep-Alive and the length is known, since it speaks to us and knows it',
    'keeps its connection only where it asked to, and where the length is known',
  ],
  [
    '9.3.1',
    'repeat no request on its own that is not idempotent',
    'never, once a byte was sent',
    'ten thousand upstream closes repeat no POST, PUT, PATCH or DELETE, whatever the settings',
  ],
  [
    '9.3.2',
    'answer pipelined requests in order',
    'in order',
    'requests sent without waiting are judged one by one and answered in order',
  ],
  [
    '9.6',
    'process nothing behind `Connection: close`',
    'closed after its answer',
    'nothing behind Connection: close is run',
  ],
  [
    '11.1',
    'let no answer be split',
    'it stays encoded',
    'a line break that a client encodes into its query does not split an answer',
  ],
  [
    '11.2',
    'leave nothing that could be smuggled',
    'the upstream sees only what was decided',
    'any request, however damaged: the upstream sees only what was decided',
  ],
];

export function dutiesSection(root: string): string {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((file) => ({ file: `test/${file}`, text: readFileSync(join(root, 'test', file), 'utf8') }));
  const place = (name: string) => {
    const spelled = [`'${name.replaceAll("'", "\\'")}'`, `"${name}"`].flatMap((text) => [
      `name: ${text}`,
      `(${text}`,
      `  ${text},\n  async`,
    ]);
    const found = files.find(({ text }) => spelled.some((spelling) => text.includes(spelling)));
    if (found === undefined) throw new Error(`test/support/proxy-duties.ts: no test is called ${JSON.stringify(name)}`);
    return `[${name}](../${found.file})`;
  };
  const table = (duties: readonly Duty[]) =>
    duties.map(([section, duty, kept, test]) => `| ${section} | ${duty} | ${kept} | ${place(test)} |`).join('\n');
  const head = '| section | an intermediary must | what we do | test |\n| --- | --- | --- | --- |';
  return `## What HTTP asks of an intermediary

The duties (MUST, MUST NOT) of RFC 9110 and RFC 9112 that concern a proxy or gateway, one by one. Those of caches are left out: we
are none.

### RFC 9110

${head}
${table(RFC_9110)}

### RFC 9112

${head}
${table(RFC_9112)}
`;
}
