/** One connection of HTTP/1 without a kernel: its answers stay in line, nobody waits for ever, and its memory is bounded. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CLIENT_LIMITS } from '../../src/http/client-limits.ts';
import type { Exchange } from '../../src/http/exchange.ts';
import { HeadReader } from '../../src/http/http1/head-reader.ts';
import { type ConnectionHost, Http1Connection } from '../../src/http/http1/http1-connection.ts';
import { FakeSocket } from './fake-socket.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const LIMITS = { ...CLIENT_LIMITS, headersMs: 1000, keepAliveMs: 2000, idleMs: 3000 };

interface Served {
  readonly exchange: Exchange;
  body: string;
  trailers: readonly string[] | undefined;
  closed: boolean | undefined;
  drains: number;
}

const sockets: FakeSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** `handle`: at once, beside what is noted. */
function connected(handle: (served: Served) => void = () => {}, more: Partial<ConnectionHost> = {}) {
  const socket = new FakeSocket();
  sockets.push(socket);
  const served: Served[] = [];
  const bugs: unknown[] = [];
  const host = {
    limits: LIMITS,
    reader: new HeadReader(LIMITS.headerBytes),
    order: { mayStart: () => true },
    takesPreface: false,
    becomeHttp2: () => expect.unreachable('nobody may speak HTTP/2'),
    upgrades: true,
    windingDown: false,
    keepLines: 'Connection: keep-alive\r\n',
    handle(exchange: Exchange) {
      const one: Served = { exchange, body: '', trailers: undefined, closed: undefined, drains: 0 };
      served.push(one);
      exchange.listen({ clientDrained: () => one.drains++, clientClosed: (complete) => (one.closed = complete) });
      handle(one);
    },
    onBug: (error: unknown) => bugs.push(error),
    refusal: (status: number) => `HTTP/1.1 ${status} Refused\r\nConnection: close\r\n\r\n`,
    ...more,
  };
  const connection = new Http1Connection(host, socket as unknown as Socket);
  return { socket, served, bugs, host, connection };
}

function reads(served: Served): void {
  served.exchange.readBody({
    bodyChunk: (chunk) => {
      served.body += chunk.toString('latin1');
    },
    bodyEnd: (trailers) => {
      served.trailers = trailers;
    },
  });
}

const answers = ({ exchange }: Served, body = 'ok') =>
  exchange.answer(200, ['Content-Length', String(body.length)], body);
/** What is written in one turn of the event loop leaves at its end. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
const statuses = ({ taken }: FakeSocket) =>
  Array.from(taken.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status));
const bodies = ({ taken }: FakeSocket) => Array.from(taken.matchAll(/\r\n\r\n(#\d+)/g), ([, body]) => body);

describe('the line of answers', () => {
  it('keeps the order of the requests, whoever is quicker', async () => {
    const { socket, served } = connected();
    socket.says(GET.repeat(4));
    expect(served).toHaveLength(4);
    for (const nth of [2, 0, 3, 1]) answers(served[nth]!, `#${nth}`);
    await turn();
    expect(bodies(socket)).toEqual(['#0', '#1', '#2', '#3']);
    expect(served.map(({ closed }) => closed)).toEqual([true, true, true, true]);
  });

  it('keeps relayed answers apart, too, and what waits is sent once it is its turn', async () => {
    const { socket, served } = connected();
    socket.says(GET + GET);
    const [first, second] = served;
    second!.exchange.relayHead(200, 'OK', []);
    expect(second!.exchange.relay(Buffer.from('two'))).toBe(false);
    second!.exchange.relayEnd(null, ['X-Sum', '1']);
    await turn();
    expect(socket.taken).toBe('');
    answers(first!);
    await turn();
    expect(socket.taken).toMatch(/ok[\s\S]*3\r\ntwo\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('drains an answer that was held while it waited', async () => {
    const { socket, served } = connected();
    socket.says(GET + GET);
    served[1]!.exchange.relayHead(200, 'OK', ['Content-Length', '9']);
    expect(served[1]!.exchange.relay(Buffer.from('two'))).toBe(false);
    expect(served[1]!.drains).toBe(0);
    answers(served[0]!);
    expect(served[1]!.drains).toBe(1);
  });

  it('sends nothing behind an answer that closes, and says so to who is in line', async () => {
    const { socket, served } = connected();
    socket.says(GET.repeat(3));
    answers(served[2]!, '#2');
    served[1]!.exchange.endConnection();
    answers(served[1]!, '#1');
    answers(served[0]!, '#0');
    await turn();
    expect(bodies(socket)).toEqual(['#0', '#1']);
    expect(socket.taken.match(/Connection: close/g)).toHaveLength(1);
    expect([served[2]!.closed, socket.hasFinished]).toEqual([false, true]);
  });

  it.each([
    ['Connection: close', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
    [
      'a head that can be read in two ways',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    ],
  ])('hands over nothing behind %s', async (_name, request) => {
    const { socket, served } = connected();
    socket.says(request + GET);
    socket.says(GET);
    expect(served).toHaveLength(1);
    answers(served[0]!);
    await turn();
    expect([statuses(socket), socket.hasFinished]).toEqual([[200], true]);
  });

  it('hands over nothing behind a request whose answer will close, though that waits for its turn', async () => {
    const last = GET.replace('/', '/last');
    const { socket, served } = connected((one) => {
      if (one.exchange.target !== '/last') return;
      one.exchange.endConnection();
      answers(one, '#1');
    });
    socket.says(GET + last + GET);
    socket.says(GET);
    expect(served).toHaveLength(2);
    answers(served[0]!, '#0');
    await turn();
    expect([bodies(socket), socket.hasFinished]).toEqual([['#0', '#1'], true]);
  });

  it('hands over nothing behind the body of such a request', async () => {
    const { socket, served } = connected((one) => {
      one.exchange.endConnection();
      reads(one);
    });
    socket.says(`${POST}bo`);
    socket.says(`dy${GET}`);
    expect(served.map(({ body }) => body)).toEqual(['body']);
    answers(served[0]!);
    await turn();
    expect([statuses(socket), socket.hasFinished]).toEqual([[200], true]);
  });

  it('hands over nothing behind a body of which an answer was whole before it', async () => {
    const { socket, served } = connected(({ exchange }) => {
      exchange.relayHead(200, 'OK', ['Content-Length', '2']);
      exchange.relayEnd(Buffer.from('ok'), []);
    });
    socket.says(`${POST}bo`);
    socket.says(`dy${GET}`);
    await turn();
    expect([served.length, statuses(socket), socket.hasFinished]).toEqual([1, [200], true]);
  });

  it('hands over nothing behind a body that was not waited for', async () => {
    const { socket, served } = connected((one) => answers(one));
    socket.says(`${POST}bo`);
    socket.says(`dy${GET}`);
    await turn();
    expect([served.length, socket.hasFinished]).toEqual([1, true]);
    expect(socket.taken).toContain('Connection: close');
  });

  it('refuses what cannot be read behind all that could', async () => {
    const { socket, served } = connected();
    socket.says(`${GET}${GET}GET /\r\n\r\n`);
    answers(served[1]!);
    await turn();
    expect(socket.taken).toBe('');
    answers(served[0]!);
    await turn();
    expect(statuses(socket)).toEqual([200, 200, 400]);
  });

  it('refuses a body that breaks, and no answer before it is lost', async () => {
    const { socket, served } = connected((one) => reads(one));
    socket.says(`${GET}${CHUNKED}zz\r\n`);
    expect([served.length, served[1]!.closed, socket.wasReset]).toEqual([2, false, false]);
    answers(served[0]!);
    await turn();
    expect(statuses(socket)).toEqual([200, 400]);
  });

  it('breaks a connection where half an answer is out when the body breaks', async () => {
    const { socket, served } = connected((one) => reads(one));
    socket.says(CHUNKED);
    served[0]!.exchange.relayHead(200, 'OK', []);
    served[0]!.exchange.relay(Buffer.from('half'));
    socket.says('zz\r\n');
    expect(socket.wasReset).toBe(true);
  });

  it('refuses CONNECT with 405', async () => {
    const { socket, served } = connected();
    socket.says('CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n');
    await turn();
    expect([served.length, statuses(socket)]).toEqual([0, [405]]);
  });

  it('says close with the last answer while it is wound down, and serves what is there already', async () => {
    const { socket, served } = connected(undefined, { windingDown: true });
    socket.says(GET + GET);
    answers(served[0]!);
    answers(served[1]!);
    await turn();
    expect(socket.taken.match(/Connection: (?:close|keep-alive)/g)).toEqual([
      'Connection: keep-alive',
      'Connection: close',
    ]);
    expect(socket.hasFinished).toBe(true);
  });
});

describe('a body', () => {
  it('comes with its trailers, and the next request begins behind it', () => {
    const { socket, served } = connected((one) => reads(one));
    for (const byte of `${CHUNKED}3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n${POST}body`) socket.says(byte);
    expect(served.map(({ body, trailers }) => [body, trailers])).toEqual([
      ['abcd', ['X-Sum', '1']],
      ['body', []],
    ]);
  });

  it('is nothing where there is none, and ends all the same', async () => {
    const { socket, served } = connected((one) => reads(one));
    socket.says(GET);
    await turn();
    expect(served[0]!.trailers).toEqual([]);
  });

  it('waits while nobody takes it, and no more than one read is held', () => {
    const { socket, served } = connected();
    expect(socket.says(POST)).toBe(true);
    expect(socket.says('bo')).toBe(false);
    const before = socket.readsOn;
    reads(served[0]!);
    expect(served[0]!.body).toBe('bo');
    expect(socket.readsOn).toBe(before + 1);
    served[0]!.exchange.pauseBody();
    expect(socket.says(`dy${GET}`)).toBe(false);
    expect([served[0]!.body, served.length]).toEqual(['bo', 1]);
    served[0]!.exchange.resumeBody();
    expect([served[0]!.body, served.length]).toEqual(['body', 2]);
  });

  it('is asked for with 100, which comes before the answer', async () => {
    const { socket, served } = connected((one) => reads(one));
    socket.says(POST);
    served[0]!.exchange.sendContinue();
    await turn();
    expect(socket.taken).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.says('body');
    answers(served[0]!);
    await turn();
    expect(statuses(socket)).toEqual([100, 200]);
  });

  it('has trailers of its own limit: 431', async () => {
    const { socket } = connected((one) => reads(one));
    socket.says(`${CHUNKED}0\r\nX: ${'f'.repeat(LIMITS.headerBytes)}\r\n\r\n`);
    await turn();
    expect(statuses(socket)).toEqual([431]);
  });
});

describe('an answer', () => {
  it.each([
    ['to HEAD', 'HEAD', 200],
    ['of 204', 'GET', 204],
    ['of 304', 'GET', 304],
  ])('%s has no body, and the next one is where it should be', async (_name, method, status) => {
    const { socket, served } = connected();
    socket.says(GET.replace('GET', method) + GET);
    served[0]!.exchange.relayHead(status, 'X', []);
    served[0]!.exchange.relay(Buffer.from('no body'));
    served[0]!.exchange.relayEnd(Buffer.from('none'), []);
    answers(served[1]!);
    await turn();
    expect(socket.taken).not.toMatch(/no body|none|chunked/);
    expect(statuses(socket)).toEqual([status, 200]);
  });

  it('is framed by chunks where its length is unknown, and an empty last one ends it once', async () => {
    const { socket, served } = connected();
    socket.says(GET);
    served[0]!.exchange.relayHead(200, 'OK', []);
    served[0]!.exchange.relay(Buffer.alloc(0));
    served[0]!.exchange.relay(Buffer.from('abc'));
    served[0]!.exchange.relayEnd(Buffer.alloc(0), []);
    await turn();
    expect(socket.taken).toMatch(/Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
  });

  it('to HTTP/1.0 has neither chunks nor trailers nor hints, and ends with the connection', async () => {
    const { socket, served } = connected();
    socket.says('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    served[0]!.exchange.sendInterim(103, ['Link', '</a>']);
    served[0]!.exchange.relayHead(200, 'OK', []);
    served[0]!.exchange.relay(Buffer.from('abc'));
    served[0]!.exchange.relayEnd(null, ['X-Sum', '1']);
    await turn();
    expect(socket.taken).toMatch(/^HTTP\/1\.1 200 OK\r\nDate: [^\r]*\r\nConnection: close\r\n\r\nabc$/);
    expect(socket.hasFinished).toBe(true);
  });

  it('to HTTP/1.0 keeps the connection where that was asked for and its length is known', async () => {
    const { socket, served } = connected((one) => answers(one));
    socket.says('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'.repeat(2));
    await turn();
    expect([served.length, socket.hasFinished]).toEqual([2, false]);
  });

  it('may have hints before it, as one line of links', async () => {
    const { socket, served } = connected();
    socket.says(GET);
    served[0]!.exchange.sendInterim(103, ['Link', '</a>', 'link', '</b>']);
    answers(served[0]!);
    await turn();
    expect(socket.taken).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>, <\/b>\r\n\r\nHTTP\/1\.1 200/);
  });

  it('of our own never has a header that would end early', () => {
    const { socket, served } = connected();
    socket.says(GET);
    expect(() => served[0]!.exchange.answer(200, ['X', 'a\r\nB: c'], '')).toThrow(TypeError);
  });
});

describe('errors', () => {
  it.each(['handle', 'body'])('in who serves end that connection only, and are told: %s', async (where) => {
    const fault = new Error('ours');
    const { socket, bugs } = connected(({ exchange }) => {
      if (where === 'handle') throw fault;
      exchange.readBody({
        bodyChunk: () => {
          throw fault;
        },
        bodyEnd: () => {},
      });
    });
    const other = connected((one) => answers(one));
    socket.says(`${POST}body${GET}`);
    expect([socket.wasReset, bugs]).toEqual([true, [fault]]);
    other.socket.says(GET);
    await turn();
    expect([statuses(other.socket), socket.taken]).toEqual([[200], '']);
  });
});

describe('a client that takes nothing', () => {
  it('holds what is relayed to it, until it takes again', async () => {
    const { socket, served } = connected();
    socket.isTaking = false;
    socket.says(GET);
    const { exchange } = served[0]!;
    exchange.relayHead(200, 'OK', []);
    expect(exchange.relay(Buffer.alloc(64 * 1024))).toBe(false);
    expect(served[0]!.drains).toBe(0);
    socket.takes();
    await turn();
    expect(served[0]!.drains).toBe(1);
    expect(exchange.relay(Buffer.from('more'))).toBe(true);
  });

  it('owes what lies ready of its answer, as long as it does', async () => {
    const { socket, served, connection } = connected((one) => answers(one, 'x'.repeat(64 * 1024)));
    socket.isTaking = false;
    socket.says(GET);
    await turn();
    const { of, owed } = connection.owed!;
    expect([of, owed!.what, owed!.movedBytes]).toEqual([served[0]!.exchange, 'reader', 0]);
    expect(owed!.inFlightBytes).toBeGreaterThan(64 * 1024);
    socket.takes();
    await turn();
    expect(connection.owed).toBeNull();
  });

  it('has no further request read', async () => {
    const { socket, served } = connected((one) => answers(one, 'x'.repeat(64 * 1024)));
    socket.isTaking = false;
    socket.says(GET);
    await turn();
    expect(socket.says(GET)).toBe(false);
    expect(served).toHaveLength(1);
    socket.takes();
    await turn();
    await turn();
    expect(served).toHaveLength(2);
  });

  it('has 64 KiB of answers in line, and no further request read', async () => {
    const { socket, served } = connected();
    socket.says(GET + GET);
    answers(served[1]!, 'x'.repeat(64 * 1024));
    expect(socket.says(GET)).toBe(false);
    expect(served).toHaveLength(2);
    answers(served[0]!);
    await turn();
    expect(served).toHaveLength(3);
  });

  it('has ten thousand requests in line, and no more', async () => {
    const { socket, served } = connected();
    expect(socket.says(GET.repeat(10_001))).toBe(false);
    expect(served).toHaveLength(10_000);
    for (const one of served.slice().reverse()) answers(one);
    await turn();
    expect(served).toHaveLength(10_001);
  });

  it('gets all of a last answer, however slow it is, and is then lingered for', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { socket } = connected((one) => answers(one, `${'x'.repeat(64 * 1024)}the end`));
      socket.isTaking = false;
      socket.says('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await turn();
      vi.advanceTimersByTime(5000);
      expect(socket.destroyed).toBe(false);
      socket.takes();
      await turn();
      expect(socket.taken.endsWith('the end')).toBe(true);
      vi.advanceTimersByTime(5000);
      expect(socket.destroyed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a client that was answered for the last time and still sends', () => {
  const CLOSE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  /** So much each time, as often as that, every half second. Resolves with how often it could. */
  async function sends(bytes: number, times: number): Promise<number> {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { socket } = connected((one) => answers(one));
      socket.says(CLOSE);
      await turn();
      expect(statuses(socket)).toEqual([200]);
      for (let nth = 0; nth < times; nth++) {
        if (socket.destroyed) return nth;
        socket.bytesRead += bytes;
        vi.advanceTimersByTime(500);
      }
      return times;
    } finally {
      vi.useRealTimers();
    }
  }

  it('is read on for half a minute, and no longer', async () => {
    expect(await sends(1, 100)).toBe(60);
  });

  it('is read on for 64 MiB, and no more', async () => {
    expect(await sends(32 * 1024 * 1024, 10)).toBe(3);
  });
});

describe('a client that goes', () => {
  it('while we do not read it, is missed all the same', async () => {
    const { socket, served, connection } = connected();
    socket.says(GET + GET);
    answers(served[1]!, 'x'.repeat(64 * 1024));
    expect(socket.says(GET)).toBe(false);
    const { readsOn } = socket;
    connection.check(performance.now());
    expect(socket.readsOn).toBeGreaterThan(readsOn);
    expect(served[0]!.closed).toBeUndefined();
    socket.ends();
    await turn();
    expect([served.length, served[0]!.closed]).toEqual([2, false]);
  });

  it('in the middle of an upload that waits, has the request ended', async () => {
    const { socket, served, connection } = connected((one) => {
      reads(one);
      one.exchange.pauseBody();
    });
    socket.says('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    expect(socket.says('a')).toBe(false);
    const { readsOn } = socket;
    connection.check(performance.now());
    expect(socket.readsOn).toBeGreaterThan(readsOn);
    expect(socket.says('b')).toBe(false);
    expect(served[0]!.closed).toBeUndefined();
    socket.ends();
    await turn();
    expect([served[0]!.closed, served[0]!.body]).toEqual([false, '']);
  });

  it('is not read on without bound', () => {
    const { socket, connection } = connected((one) => {
      reads(one);
      one.exchange.pauseBody();
    });
    socket.says('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
    expect(socket.says('a'.repeat(64 * 1024))).toBe(false);
    const { readsOn } = socket;
    connection.check(performance.now());
    expect(socket.readsOn).toBe(readsOn);
  });

  it('is given nothing more, and whoever gives is told to wait', async () => {
    const { socket, served } = connected();
    socket.says(GET);
    served[0]!.exchange.relayHead(200, 'OK', []);
    expect(served[0]!.exchange.relay(Buffer.from('one'))).toBe(true);
    const heeded: boolean[] = [];
    socket.once('end', () => heeded.push(served[0]!.exchange.relay(Buffer.from('two'))));
    socket.ends();
    await turn();
    expect([heeded, socket.taken.includes('two')]).toEqual([[false], false]);
  });
});

describe('an error of whoever serves a request', () => {
  const error = new Error('a bug');
  const fails = () => {
    throw error;
  };

  it('at its end ends nothing else', async () => {
    const { socket, served, bugs } = connected();
    socket.says(GET + GET);
    served[0]!.exchange.listen({ clientDrained: () => undefined, clientClosed: fails });
    answers(served[0]!, '#0');
    answers(served[1]!, '#1');
    await turn();
    expect(bugs).toEqual([error]);
    expect(bodies(socket)).toEqual(['#0', '#1']);
    expect(served[1]!.closed).toBe(true);
  });

  it('when its client takes again ends its connection, and is told', async () => {
    const { socket, served, bugs } = connected();
    socket.isTaking = false;
    socket.says(GET);
    served[0]!.exchange.listen({ clientDrained: fails, clientClosed: (complete) => (served[0]!.closed = complete) });
    served[0]!.exchange.relayHead(200, 'OK', []);
    expect(served[0]!.exchange.relay(Buffer.alloc(64 * 1024))).toBe(false);
    socket.takes();
    await turn();
    expect(bugs).toEqual([error]);
    expect([socket.wasReset, served[0]!.closed]).toEqual([true, false]);
  });
});

describe('a client that asks to leave HTTP', () => {
  const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';

  it('may have said 16 KiB by the time it is settled, and one read more', () => {
    const { socket, served } = connected();
    expect(socket.says(UPGRADE)).toBe(true);
    expect(socket.says('a'.repeat(16 * 1024 - 1))).toBe(true);
    expect(socket.says('b')).toBe(false);
    served[0]!.exchange.upgrade!.switchProtocols([]);
    reads(served[0]!);
    expect(served[0]!.body).toHaveLength(16 * 1024);
    socket.says('c');
    expect(served[0]!.body.endsWith('bc')).toBe(true);
  });

  it('is heard to its end, and hears ours', async () => {
    const { socket, served } = connected();
    socket.says(UPGRADE);
    served[0]!.exchange.upgrade!.switchProtocols([]);
    reads(served[0]!);
    socket.ends();
    await turn();
    expect([served[0]!.trailers, socket.hasFinished]).toEqual([[], false]);
    served[0]!.exchange.relayEnd(Buffer.from('bye'), []);
    await turn();
    await turn();
    expect([socket.taken.endsWith('bye'), socket.hasFinished, served[0]!.closed]).toEqual([true, true, true]);
  });

  it('is an ordinary one where it is answered, and the connection ends', async () => {
    const { socket, served } = connected((one) => answers(one));
    socket.says(UPGRADE + GET);
    await turn();
    expect([served.length, statuses(socket), socket.hasFinished]).toEqual([1, [200], true]);
  });
});

describe('a client that says no more', () => {
  it('between requests is let go', async () => {
    const { socket } = connected((one) => answers(one));
    socket.says(GET);
    await turn();
    socket.ends();
    await turn();
    expect([socket.hasFinished, socket.destroyed]).toEqual([true, true]);
  });

  it('while an answer is due has left, and who serves hears of it', async () => {
    const { socket, served } = connected();
    socket.says(GET + GET);
    socket.ends();
    await turn();
    await turn();
    expect([served.map(({ closed }) => closed), socket.destroyed]).toEqual([[false, false], true]);
  });

  it('gets what was answered already', async () => {
    const { socket, served } = connected((one) => answers(one, 'x'.repeat(64 * 1024)));
    socket.isTaking = false;
    socket.says(GET);
    await turn();
    socket.ends();
    await turn();
    socket.takes();
    await turn();
    await turn();
    expect([socket.taken.length > 64 * 1024, served[0]!.closed]).toEqual([true, true]);
  });

  it.each([
    ['a head', 'GET / HT'],
    ['a body', `${POST}bo`],
    ['a chunk', `${CHUNKED}3\r\na`],
  ])('within %s is refused', async (_name, text) => {
    const { socket } = connected((one) => reads(one));
    socket.says(text);
    socket.ends();
    await turn();
    expect(statuses(socket)).toEqual([400]);
  });

  it('within a body behind other requests has left, too', async () => {
    const { socket, served } = connected((one) => reads(one));
    socket.says(`${GET}${POST}bo`);
    socket.ends();
    await turn();
    await turn();
    expect([served.map(({ closed }) => closed), socket.destroyed]).toEqual([[false, false], true]);
  });
});

describe('a request that waits until others have begun', () => {
  /** `starts`: it is its turn now. */
  function inLine(handle?: (served: Served) => void) {
    let isTold = false;
    const connected_ = connected(handle, { order: { mayStart: () => isTold } });
    const starts = () => {
      isTold = true;
      connected_.connection.startNow();
    };
    return { ...connected_, starts };
  }

  it('is served as it came, whatever has been read into the same memory since', async () => {
    const { socket, served, starts } = inLine((one) => reads(one));
    socket.says(`${POST}bo`);
    socket.says('dy');
    expect(served).toHaveLength(0);
    starts();
    expect([served[0]!.body, served[0]!.trailers]).toEqual(['body', []]);
  });

  it('is served though its client says no more, as far as it can be', async () => {
    const { socket, served, starts } = inLine();
    socket.says(GET);
    socket.ends();
    await turn();
    expect([socket.destroyed, statuses(socket)]).toEqual([false, []]);
    starts();
    await turn();
    await turn();
    expect([served.map(({ closed }) => closed), socket.destroyed]).toEqual([[false], true]);
  });

  it('keeps no more than 16 KiB and one read of what follows it', () => {
    const { socket, starts } = inLine();
    expect(socket.says(GET)).toBe(true);
    expect(socket.says(GET.repeat(Math.ceil((16 * 1024) / GET.length)))).toBe(false);
    starts();
    expect(socket.readsOn).toBeGreaterThan(0);
  });

  it('is nobody once its client has left', async () => {
    const { socket, served, bugs, starts } = inLine();
    socket.says(GET);
    socket.destroy();
    await turn();
    starts();
    expect([served, bugs]).toEqual([[], []]);
  });

  it('is no idle connection: nobody closes it meanwhile', () => {
    const { socket, connection, starts } = inLine();
    socket.says(GET);
    expect(connection.isBusy).toBe(true);
    connection.check(performance.now());
    connection.check(performance.now() + LIMITS.headersMs);
    expect(socket.destroyed).toBe(false);
    starts();
  });
});

it('whoever asks late hears once that the client has left', async () => {
  const { socket, served } = connected();
  socket.says(GET);
  socket.destroy();
  const heard: boolean[] = [];
  served[0]!.exchange.listen({ clientDrained: () => {}, clientClosed: (complete) => heard.push(complete) });
  await turn();
  await turn();
  expect(heard).toEqual([false]);
});

describe('patience', () => {
  /** Looks at the connection at times of its own, in milliseconds from its beginning. */
  function watched(handle?: (served: Served) => void) {
    const all = connected(handle);
    const start = Math.ceil(performance.now());
    return { ...all, at: (ms: number) => all.connection.check(start + ms) };
  }

  it('with a client that says nothing ends in silence', () => {
    const { socket, at } = watched();
    at(500);
    expect(socket.destroyed).toBe(false);
    at(1000);
    expect([socket.destroyed, socket.taken]).toEqual([true, '']);
  });

  it('with a head is one for all of it, however it trickles: 408', async () => {
    const { socket, at } = watched();
    for (const ms of [200, 400, 600]) {
      socket.says('G');
      at(ms);
    }
    expect(socket.hasFinished).toBe(false);
    at(1000);
    await turn();
    expect([statuses(socket), socket.hasFinished]).toEqual([[408], true]);
  });

  it('between requests ends in silence, and begins with the last answer', async () => {
    const { socket, at } = watched((one) => answers(one));
    socket.says(GET);
    await turn();
    at(500);
    at(2400);
    expect(socket.destroyed).toBe(false);
    at(2500);
    expect([socket.destroyed, statuses(socket)]).toEqual([true, [200]]);
  });

  it('with a second head begins with its first byte', async () => {
    const { socket, at } = watched((one) => answers(one));
    socket.says(GET);
    await turn();
    at(1900);
    socket.says('G');
    at(1950);
    at(2900);
    expect(socket.hasFinished).toBe(false);
    at(2950);
    await turn();
    expect(statuses(socket)).toEqual([200, 408]);
  });

  it('with a body begins anew with each piece: 408', async () => {
    const { socket, at } = watched((one) => reads(one));
    socket.says(POST);
    at(0);
    socket.says('b');
    at(2900);
    at(5800);
    expect(socket.hasFinished).toBe(false);
    at(5900);
    await turn();
    expect(statuses(socket)).toEqual([408]);
  });

  it('is no matter while it is we who are waited for', () => {
    const paused = watched();
    paused.socket.says(POST);
    const answering = watched();
    answering.socket.says(GET);
    for (const { at, socket } of [paused, answering]) {
      at(0);
      at(1_000_000);
      expect([socket.destroyed, socket.hasFinished]).toEqual([false, false]);
    }
  });

  it('with a reader begins anew with all that it takes, and ends with a reset', async () => {
    const { socket, at } = watched((one) => answers(one, 'x'.repeat(64 * 1024)));
    socket.isTaking = false;
    socket.says(GET + GET);
    await turn();
    at(0);
    socket.takes(true);
    await turn();
    socket.isTaking = false;
    at(2900);
    at(5800);
    expect(socket.destroyed).toBe(false);
    at(5900);
    expect(socket.wasReset).toBe(true);
  });
});
