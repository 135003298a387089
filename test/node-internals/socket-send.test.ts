/** A text that leaves without the stream arrives where the stream's own would, and is counted until the kernel has it. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { checkNodeInternals } from '../../src/node-internals/check.ts';
import { TextSender } from '../../src/node-internals/socket-send.ts';

const open: Socket[] = [];
const server = createServer({ pauseOnConnect: true });

beforeAll(async () => {
  expect(await checkNodeInternals({ http2: false })).toBeNull();
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
});

/** Both ends of a connection; nobody reads yet. */
async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const [[theirs], ours] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, connected(port)]);
  open.push(ours, theirs);
  return { ours, theirs };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function textFrom(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.resume();
  await once(socket, 'end');
  return text;
}

it('texts and what the socket writes arrive in the order in which they were given', async () => {
  const { ours, theirs } = await pair();
  const sender = new TextSender(ours, () => undefined);
  let given = '';
  for (let nth = 0; nth < 4000; nth++) {
    const text = `${nth}\xff,`.repeat(1 + (nth % 50) * 20);
    given += text;
    if (nth % 7 === 3) ours.write(Buffer.from(text, 'latin1'));
    else if (nth % 7 === 5) {
      ours.cork();
      ours.write(text.slice(0, 1), 'latin1');
      sender.send(text.slice(1));
      ours.uncork();
    } else sender.send(text);
  }
  expect(sender.waitingBytes + ours.writableLength, 'more than the kernel takes').toBeGreaterThan(0);
  ours.end();
  expect((await textFrom(theirs)) === given).toBe(true);
});

it('what the kernel does not take is counted, and told once it is taken', async () => {
  const { ours, theirs } = await pair();
  const told = Promise.withResolvers<void>();
  const sender = new TextSender(ours, told.resolve);
  const text = 'x'.repeat(16 * 1024);
  let sent = 0;
  for (; sender.waitingBytes === 0; sent++) sender.send(text);
  expect(sender.sentBytes).toBe(sent * text.length);
  expect(ours.writableLength, 'not the stream’s to count').toBe(0);
  sender.send('behind it');
  expect(ours.writableLength).toBe('behind it'.length);
  const received = textFrom(theirs);
  await told.promise;
  expect(sender.waitingBytes).toBe(0);
  ours.end();
  expect(await received).toHaveLength(sent * text.length + 'behind it'.length);
});

it.each([true, false])(
  'a connection that is gone is told to whoever deals with it (%s), else the socket ends',
  async (deals) => {
    const { ours, theirs } = await pair();
    const codes: string[] = [];
    const sender = new TextSender(
      ours,
      () => undefined,
      (code) => {
        codes.push(code);
        return deals;
      },
    );
    const errors: string[] = [];
    ours.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!));
    ours.pause();
    theirs.resetAndDestroy();
    await expect.poll(() => sender.send('x') ?? codes.length).toBeGreaterThan(0);
    expect(['EPIPE', 'ECONNRESET']).toContain(codes[0]);
    expect(ours.destroyed).toBe(!deals);
    if (!deals) await new Promise((resolve) => ours.once('close', resolve));
    expect(errors).toEqual(deals ? [] : codes.slice(0, 1));
  },
);

it('bytes that are only lent arrive between their texts, the rest by the stream', async () => {
  const { ours, theirs } = await pair();
  const sender = new TextSender(ours, () => undefined);
  const lent = Buffer.alloc(100_000);
  let given = '';
  let refused = 0;
  for (let nth = 0; nth < 300; nth++) {
    const [before, behind] = [nth % 3 === 0 ? '' : `${nth}\xff,`, nth % 4 === 0 ? '' : `,${nth}`];
    const bytes = lent.fill(nth % 251).subarray(0, nth * 300);
    const text = before + bytes.toString('latin1') + behind;
    given += text;
    const taken = sender.sendBytes(before, bytes, behind);
    if (taken === 0) refused++;
    ours.write(text.slice(taken), 'latin1');
  }
  expect(refused, 'more than the kernel takes').toBeGreaterThan(0);
  expect(sender.sentBytes + ours.bytesWritten, 'each byte counted once').toBe(given.length);
  ours.end();
  expect((await textFrom(theirs)) === given).toBe(true);
});

it('of bytes for a connection that is gone nothing is taken', async () => {
  const { ours, theirs } = await pair();
  const sender = new TextSender(ours, () => undefined);
  ours.on('error', () => undefined).pause();
  theirs.resetAndDestroy();
  await expect.poll(() => sender.sendBytes('', Buffer.from('x'), '')).toBe(0);
  expect(sender.sendBytes('', Buffer.from('x'), '')).toBe(0);
});
