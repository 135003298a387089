/** What is read as an answer, and what never is. Whole connections, and answers cut short, are in answer.test.ts. */
import { describe, expect, it } from 'vitest';
import { AnswerListener } from './answer-listener.ts';

const listener = new AnswerListener();

/** The head of an answer with no body. */
const head = (...lines: string[]) =>
  `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: 0\r\n\r\n`;

/** Why it is refused, the same in one piece and byte by byte. */
function refusal(answer: string, isHeadRequest = false): string {
  const whole = listener.read([answer], isHeadRequest);
  expect(whole.outcome, JSON.stringify(answer)).toBe('invalid');
  expect(whole.head).toBeUndefined();
  const { error } = whole.reader;
  expect(listener.read([...answer], isHeadRequest).outcome).toBe('invalid');
  expect(listener.reader.error).toBe(error);
  expect(error).toMatch(/^invalid answer: /);
  return error.slice('invalid answer: '.length);
}

/** The head of an answer that is taken, the same in one piece and cut in two anywhere. */
function headOf(answer: string, isHeadRequest = false) {
  const read = (pieces: string[]) => {
    const { outcome, used, head: taken, informational } = listener.read(pieces, isHeadRequest);
    const { status, statusText, headers, framing, length, protocol } = taken ?? {};
    return { outcome, used, informational, status, statusText, headers, framing, length, protocol };
  };
  const whole = read([answer]);
  expect(whole.status, listener.reader.error).toBeDefined();
  for (let cut = 1; cut < answer.length; cut++)
    expect(read([answer.slice(0, cut), answer.slice(cut)]), `cut at ${cut}`).toEqual(whole);
  expect(read([...answer])).toEqual(whole);
  return whole;
}

describe('a status line', () => {
  it.each([
    ['HTTP/1.1 200 OK', { status: 200, statusText: 'OK', protocol: '1.1' }],
    ['HTTP/1.0 404 Not Found', { status: 404, statusText: 'Not Found', protocol: '1.0' }],
    ['HTTP/1.1 200 ', { status: 200, statusText: '', protocol: '1.1' }],
    ['HTTP/1.1 200', { status: 200, statusText: '', protocol: '1.1' }],
    ['HTTP/1.1 999 \t\xfcber\xff ', { status: 999, statusText: '\t\xfcber\xff ', protocol: '1.1' }],
  ])('is read: %s', (line, expected) => {
    expect(headOf(`${line}\r\nContent-Length: 0\r\n\r\n`)).toMatchObject(expected);
  });

  it.each([
    ['HTTP/1.2 200 OK', 'HTTP version'],
    ['HTTP/2.0 200 OK', 'HTTP version'],
    ['HTTP/11 200 OK', 'HTTP version'],
    ['HTTP/1.1', 'HTTP version'],
    ['http/1.1 200 OK', 'not HTTP'],
    ['\nHTTP/1.1 200 OK', 'not HTTP'],
    [' HTTP/1.1 200 OK', 'not HTTP'],
    ['HTTP/1.1  200 OK', 'status line'],
    ['HTTP/1.1\t200 OK', 'HTTP version'],
    ['HTTP/1.1 20 OK', 'status line'],
    ['HTTP/1.1 099 OK', 'status line'],
    ['HTTP/1.1 2000 OK', 'status line'],
    ['HTTP/1.1 200\tOK', 'status line'],
    ['HTTP/1.1 200OK', 'status line'],
    ['HTTP/1.1 200 O\0K', 'status line'],
    ['HTTP/1.1 200 O\x7fK', 'status line'],
    ['HTTP/1.1 200 O\rK', 'status line'],
    ['HTTP/1.1 200 OK\nA: b', 'status line'],
  ])('is refused: %j', (line, why) => {
    expect(refusal(`${line}\r\nContent-Length: 0\r\n\r\n`)).toBe(why);
  });

  it('that cannot become one is refused before it is whole', () => {
    expect(listener.read(['HTTP/1.1 2x']).outcome).toBe('invalid');
    expect(listener.read(['S']).outcome).toBe('invalid');
    expect(listener.read(['HTTP/1.1 20']).outcome).toBe('needs-more');
  });
});

describe('a header', () => {
  it('keeps bytes, case and order, and loses the blanks around its value', () => {
    const { headers } = headOf(
      head(
        'X-B: 2',
        'x-a:1',
        'X-B: \t\xfc  \xe9\t ',
        'Empty:',
        'Blank: \t ',
        "!#$%&'*+-.^_`|~09aZ: token",
        'Date: a:b',
      ),
    );
    const expected = ['X-B', '2', 'x-a', '1', 'X-B', '\xfc  \xe9', 'Empty', '', 'Blank', ''];
    expect(headers).toEqual([...expected, "!#$%&'*+-.^_`|~09aZ", 'token', 'Date', 'a:b', 'Content-Length', '0']);
  });

  it('may be any octet that the grammar allows, and no other, in name and value', () => {
    for (let octet = 0; octet < 256; octet++) {
      const char = String.fromCharCode(octet);
      const named = listener.read([head(`A${char}b: c`)]).outcome;
      // With a colon, the name is shorter and the value longer.
      expect(named, `name ${octet}`).toBe(/[!#$%&'*+.^_`|~0-9A-Za-z:-]/.test(char) ? 'complete' : 'invalid');
      const valued = listener.read([head(`A: b${char}c`)]).outcome;
      expect(valued, `value ${octet}`).toBe(/[\t\x20-\x7e\x80-\xff]/.test(char) ? 'complete' : 'invalid');
    }
  });

  it.each([
    ['without a name', ': b', 'header name'],
    ['without a colon', 'Ab', 'header name'],
    ['with a blank before the colon', 'A : b', 'header name'],
    ['with a tab before the colon', 'A\t: b', 'header name'],
    ['with a blank in the name', 'A b: c', 'header name'],
    ['that is folded', 'A: b\r\n c: d', 'header name'],
    ['that is folded with a tab', 'A: b\r\n\tc: d', 'header name'],
    ['that is folded before its value', 'A:\r\n b', 'header name'],
    ['that is folded at once', ' A: b', 'header name'],
    ['with bare LF', 'A: b\nC: d', 'header value'],
    ['with bare CR', 'A: b\rC: d', 'header value'],
    ['with CR CR LF', 'A: b\r', 'header value'],
    ['with NUL', 'A: \0', 'header value'],
    ['with DEL', 'A: \x7f', 'header value'],
  ])('%s is refused', (_, line, why) => {
    expect(refusal(head(line))).toBe(why);
  });

  it.each(['\n\n', '\n\r\n', '\r\r\n'])('an end of the head that is not an empty line is refused: %j', (end) => {
    expect(refusal(`HTTP/1.1 200 OK\r\nContent-Length: 0${end}`)).toMatch(/^header/);
  });

  it('is refused in an interim answer as in any other', () => {
    expect(refusal('HTTP/1.1 103 Early Hints\r\nLink: \0\r\n\r\n')).toBe('header value');
  });
});

describe('the framing of a body', () => {
  it.each([
    [head(), 'length', 0],
    ['HTTP/1.1 200 OK\r\nCONTENT-length:\t12 \r\n\r\n', 'length', 12],
    [`HTTP/1.1 200 OK\r\nContent-Length: 00${'9'.repeat(13)}\r\n\r\n`, 'length', 9_999_999_999_999],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked \r\n\r\n', 'chunked', -1],
    ['HTTP/1.1 200 OK\r\n\r\n', 'close', -1],
    ['HTTP/1.1 204 No Content\r\n\r\n', 'none', -1],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'none', 5],
  ])('%j is %s', (answer, framing, length) => {
    expect(headOf(answer)).toMatchObject({ framing, length });
    expect(headOf(answer, true)).toMatchObject({ framing: 'none', length, outcome: 'complete' });
  });

  it.each([
    ['a length that comes twice', ['Content-Length: 1', 'Content-Length: 1'], 'Content-Length'],
    ['two lengths', ['Content-Length: 1', 'content-length: 2'], 'Content-Length'],
    ['a list of lengths', ['Content-Length: 1, 1'], 'Content-Length'],
    ['a signed length', ['Content-Length: +1'], 'Content-Length'],
    ['a negative length', ['Content-Length: -1'], 'Content-Length'],
    ['a hexadecimal length', ['Content-Length: 0x1'], 'Content-Length'],
    ['a length of nothing', ['Content-Length:'], 'Content-Length'],
    ['a length with a blank in it', ['Content-Length: 1 1'], 'Content-Length'],
    ['a length of 16 digits', [`Content-Length: ${'0'.repeat(16)}`], 'Content-Length'],
    ['both framings', ['Content-Length: 1', 'Transfer-Encoding: chunked'], 'both Content-Length and Transfer-Encoding'],
    [
      'both the other way',
      ['Transfer-Encoding: chunked', 'Content-Length: 1'],
      'both Content-Length and Transfer-Encoding',
    ],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 'Transfer-Encoding'],
    ['chunked twice in a list', ['Transfer-Encoding: chunked, chunked'], 'Transfer-Encoding'],
    ['another coding', ['Transfer-Encoding: gzip'], 'Transfer-Encoding'],
    ['a coding before chunked', ['Transfer-Encoding: gzip, chunked'], 'Transfer-Encoding'],
    ['identity', ['Transfer-Encoding: identity'], 'Transfer-Encoding'],
    ['no coding', ['Transfer-Encoding:'], 'Transfer-Encoding'],
    ['chunked with a parameter', ['Transfer-Encoding: chunked;a'], 'Transfer-Encoding'],
    ['chunked with a tab, which others read as another coding', ['Transfer-Encoding: chunked\t'], 'Transfer-Encoding'],
  ])('%s is refused, to HEAD and without a body, too', (_, lines, why) => {
    for (const status of ['200 OK', '204 No Content', '304 Not Modified']) {
      const answer = `HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`;
      expect([refusal(answer), refusal(answer, true)]).toEqual([why, why]);
    }
  });
});

describe('whether the connection may be used again', () => {
  const kept = (answer: string, isHeadRequest = false) => {
    headOf(answer, isHeadRequest);
    const { keepAlive, keepAliveSeconds } = listener.reader;
    return keepAlive ? keepAliveSeconds : 'no';
  };

  it.each([
    [[], -1],
    [['Connection: close'], 'no'],
    [['Connection: keep-alive, CLOSE'], 'no'],
    [['Connection: x', 'connection: \tClose ,y'], 'no'],
    [['Connection: ,,close,'], 'no'],
    [['Connection: closed, x-close, "close"'], -1],
    [['Connection: close x'], -1],
    [['Keep-Alive: timeout=5, max=100'], 5],
    [['Keep-Alive: max=100, TIMEOUT=123456789'], 123_456_789],
    [['Keep-Alive: timeout=, timeout=7'], 7],
    [['Keep-Alive: timeout=x'], -1],
    [['Keep-Alive: time=5'], -1],
    [['Keep-Alive: timeout=5', 'Keep-Alive: max=1'], -1],
  ])('after HTTP/1.1 with %j: %s', (lines, expected) => {
    expect(kept(head(...lines))).toBe(expected);
  });

  it('not after HTTP/1.0, unless it says so', () => {
    const old = (line: string) => kept(head(line).replace('1.1', '1.0'));
    expect([old('X: y'), old('Connection: Keep-Alive'), old('Connection: keep-alive, close')]).toEqual([
      'no',
      -1,
      'no',
    ]);
  });

  it('not after a body that ends with it, and not after doubtful framing', () => {
    expect(kept('HTTP/1.1 200 OK\r\n\r\n')).toBe('no');
    expect(kept('HTTP/1.1 200 OK\r\n\r\n', true)).toBe(-1);
    expect(kept('HTTP/1.1 204 No\r\nContent-Length: 1\r\n\r\n')).toBe('no');
    expect(kept('HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n')).toBe(-1);
    expect(kept('HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n')).toBe('no');
    expect(kept('HTTP/1.1 304 Not\r\nContent-Length: 1\r\n\r\n')).toBe(-1);
    expect(kept('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n')).toBe('no');
  });

  it('is not known of the last answer once the next one is awaited', () => {
    expect(kept(head('Keep-Alive: timeout=5'))).toBe(5);
    listener.reader.begin(false);
    expect([listener.reader.keepAlive, listener.reader.keepAliveSeconds]).toEqual([false, -1]);
    expect(kept(head())).toBe(-1);
  });
});

describe('interim answers', () => {
  it('come before the final one, each with its own headers, and say nothing of its framing', () => {
    const answer = `HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103\r\nLink: </a>\r\nKeep-Alive: timeout=9\r\n\r\n${head('A: b')}`;
    expect(headOf(answer)).toMatchObject({
      informational: [
        { status: 100, headers: ['Content-Length', '9'] },
        { status: 103, headers: ['Link', '</a>', 'Keep-Alive', 'timeout=9'] },
      ],
      headers: ['A', 'b', 'Content-Length', '0'],
      length: 0,
    });
    expect(listener.reader.keepAliveSeconds).toBe(-1);
  });

  it('of which one closes the connection are refused, since another would follow', () => {
    expect(refusal(`HTTP/1.1 100\r\nConnection: close\r\n\r\n${head()}`)).toBe('informational answer that closes');
    expect(refusal(`HTTP/1.0 100\r\n\r\n${head()}`)).toBe('informational answer that closes');
  });

  it('of 101 are refused: nobody asked for it here', () => {
    expect(refusal('HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n')).toBe('unsolicited upgrade');
  });

  it('are 32 at most', () => {
    expect(listener.read([`${'HTTP/1.1 102\r\n\r\n'.repeat(32)}${head()}`]).outcome).toBe('complete');
    expect(refusal(`${'HTTP/1.1 102\r\n\r\n'.repeat(33)}${head()}`)).toBe('too many informational answers');
  });
});

describe('a body', () => {
  it.each([
    ['of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody', []],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\nA: b\r\n\r\n',
      ['A', 'b'],
    ],
  ])('%s ends where it says, and what follows is not used', (_, answer, trailers) => {
    for (let cut = 0; cut <= answer.length; cut++) {
      listener.read([answer.slice(0, cut), `${answer.slice(cut)}HTTP/1.1 200 OK\r\n`]);
      expect([listener.outcome, listener.body, listener.used]).toEqual(['complete', 'body', answer.length]);
      expect(listener.reader.trailers).toEqual(trailers);
    }
    listener.read([answer.slice(0, -1)]);
    expect([listener.outcome, listener.reader.finish()]).toEqual(['needs-more', 'invalid']);
    expect(listener.reader.error).toBe('closed in the middle of an answer');
  });

  it('up to the end of the connection is whole there, and before its head nothing is', () => {
    listener.read(['HTTP/1.0 200 OK\r\n\r\nbo', 'dy']);
    expect([listener.body, listener.reader.finish()]).toEqual(['body', 'complete']);
    listener.read(['HTTP/1.1 200 OK\r\n']);
    expect([listener.reader.finish(), listener.reader.error]).toEqual(['invalid', 'closed before an answer']);
  });

  it('that is paused goes on where it was, without a byte lost or told twice', () => {
    const paused = new AnswerListener();
    paused.verdict = 'pause';
    const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n';
    const source = Buffer.from(answer);
    const { reader } = paused.read([answer]);
    const outcomes: string[] = [paused.outcome];
    for (let at = paused.used; outcomes.at(-1) === 'paused'; at = reader.consumed)
      outcomes.push(reader.execute(source, at, source.length));
    expect([outcomes, paused.body, reader.consumed]).toEqual([['paused', 'paused', 'complete'], 'body', source.length]);
    expect(paused.read(['HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx']).outcome).toBe('paused');
    expect(reader.execute(source, 0, 0)).toBe('complete');
  });

  it('that nobody wants any more is not read on', () => {
    const stopped = new AnswerListener();
    stopped.verdict = 'stop';
    stopped.read(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n']);
    expect([stopped.outcome, stopped.body]).toEqual(['invalid', 'a']);
  });

  it('in faulty chunks is refused by name, and so are trailers without end', () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    listener.read([`${chunked}z`]);
    expect([listener.outcome, listener.reader.error]).toEqual(['invalid', 'invalid answer: chunk size']);
    listener.read([`${chunked}0\r\nA: ${'b'.repeat(65_536)}`]);
    expect([listener.outcome, listener.reader.error]).toEqual(['invalid', 'invalid answer: head too large']);
  });
});

describe('the size of a head', () => {
  const sized = (bytes: number) => {
    const answer = head('A: ');
    return answer.replace('A: ', `A: ${'b'.repeat(bytes - answer.length)}`);
  };

  it('is 64 KiB at most, in one line or in many, at once or in pieces', () => {
    const pieces = (text: string, size: number) =>
      Array.from({ length: Math.ceil(text.length / size) }, (_, nth) => text.slice(nth * size, (nth + 1) * size));
    for (const size of [70_000, 65_536, 1000, 7]) {
      expect(listener.read(pieces(sized(65_536), size)).outcome).toBe('complete');
      expect(listener.read(pieces(sized(65_537), size)).reader.error).toBe('invalid answer: head too large');
      const many = head(...Array.from({ length: 16_000 }, () => 'a:b'));
      expect(listener.read(pieces(many, size)).reader.error).toBe('invalid answer: head too large');
    }
  });

  it('is each one’s own: interim answers before it take nothing from it', () => {
    const early = `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(60_000)}\r\n\r\n`;
    expect(listener.read([early, early, sized(65_536)]).outcome).toBe('complete');
  });

  it('costs its length, not the square of it, when it comes byte by byte', () => {
    // The square would be minutes for these, which is more than a test has.
    const many = head(...Array.from({ length: 13_000 }, () => 'a:b'));
    for (let nth = 0; nth < 20; nth++)
      for (const answer of [sized(65_536), many]) expect(listener.read([...answer]).outcome).toBe('complete');
  });
});
