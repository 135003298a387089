import { expect, test } from 'vitest';
import { ask, rawRequest } from '../../support/raw.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';
import { people, ServeFolder, type Serving, TOKEN } from './serving.ts';

const get = (token: unknown) => rawRequest('GET /files/x', [`Authorization: Bearer ${token}`]);
const statusOf = async ({ gatewayUrl }: Serving, token: unknown) => (await ask(gatewayUrl, get(token))).status;

attack({
  name: 'a process killed while it writes tokens loses none that it acknowledged, and keeps none by half',
  outcome: 'after the restart every acknowledged token works and every revoked one does not',
  sources: [],
})(() => {
  test('SIGKILL, twice', { timeout: 90_000 }, async () => {
    await using upstream = await Recorder.start();
    using folder = new ServeFolder(upstream.url);
    const alive: string[] = [];
    const revoked: string[] = [];
    for (let round = 0; round < 2; round++) {
      const serving = await folder.serve();
      if (round === 0) await people(serving);
      let writing = 0;
      const write = async () => {
        for (;;) {
          const { status, body } = await serving.call('POST', '/tokens', TOKEN);
          expect(status).toBe(201);
          if (writing++ % 2 === 0) {
            // Until the answer is there, the token may be alive or revoked: either is right.
            expect((await serving.call('POST', `/tokens/${body.id}/revoke`)).status).toBe(200);
            revoked.push(body.token as string);
          } else alive.push(body.token as string);
          if (alive.length + revoked.length >= (round + 1) * 16) serving.process.child.kill('SIGKILL');
        }
      };
      await Promise.all(
        [write(), write(), write()].map((writer) => expect(writer).rejects.toThrow(/fetch failed|terminated/)),
      );
      await serving.process.exit();
    }
    const serving = await folder.serve();
    expect(Math.min(alive.length, revoked.length)).toBeGreaterThan(5);
    for (const token of alive) expect(await statusOf(serving, token)).toBe(200);
    for (const token of revoked) expect(await statusOf(serving, token)).toBe(401);
    const listed = await serving.call('GET', '/tokens?limit=100');
    expect(listed.status).toBe(200);
    expect((listed.body.items as unknown[]).length).toBeGreaterThanOrEqual(alive.length);
    expect(upstream.requests.length).toBe(alive.length);
    expect(await serving.process.stop()).toBe(0);
  });
});

attack({
  name: 'a full disk stops changes and nothing else',
  outcome: 'changes are answered with 503; tokens that exist go on being judged, and the process lives',
  sources: [],
})(() => {
  test('no further byte can be written to any file', { timeout: 60_000 }, async () => {
    await using upstream = await Recorder.start();
    using folder = new ServeFolder(upstream.url);
    // A limit on the size of files is a disk that is full, for a process that is told of it and not killed.
    const serving = await folder.serve("trap '' XFSZ; ulimit -f 512;");
    await people(serving);
    const tokens: unknown[] = [];
    let failure = 0;
    while (failure === 0) {
      const { status, body } = await serving.call('POST', '/tokens', { ...TOKEN, description: 'x'.repeat(400) });
      if (status === 201) tokens.push(body.token);
      else failure = status;
    }
    expect(failure).toBe(503);
    expect(tokens.length).toBeGreaterThan(0);
    for (const token of [tokens[0], tokens.at(-1)]) expect(await statusOf(serving, token)).toBe(200);
    expect(await statusOf(serving, `pat_${'0'.repeat(49)}`)).toBe(401);
    expect((await fetch(`${serving.adminUrl}/livez`)).status).toBe(200);
    expect(serving.process.child.exitCode).toBe(null);
    expect(upstream.requests.length).toBe(2);
  });
});
