/** kill -9 of the one process that has everything in it, again and again while it changes its SQLite file. */
import { expect, it } from 'vitest';
import { randomFrom, seeds } from '../support/chance.ts';
import { Recorder } from '../support/recorder.ts';
import { mint, type Serve, Serves, settle } from '../support/serves.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const KILLS = LONG ? 200 : 8;
/** Acknowledged changes of each life; the kill comes with one of them, while the others are on their way. */
const CHANGES_MIN = LONG ? 50 : 5;
const CHANGES_SPREAD = LONG ? 100 : 20;
const WRITERS = 4;
const ACTIVE_MAX = 40;

/** What was acknowledged last of a token; between asking and the answer either may be. */
interface Known {
  readonly id: string;
  readonly token: string;
  revoked: boolean | null;
}

async function change(serve: Serve, known: Known[], acknowledged: () => void): Promise<void> {
  for (;;) {
    const minted: Known = { ...(await mint(serve)), revoked: false };
    known.push(minted);
    acknowledged();
    const active = known.filter(({ revoked }) => revoked === false);
    // An organization has room for a hundred; of these it has some that nobody was told of.
    const victim = active.length > ACTIVE_MAX ? active[0]! : minted;
    if (victim === minted && known.length % 2 === 0) continue;
    victim.revoked = null;
    const { status } = await serve.call('POST', `/tokens/${victim.id}/revoke`);
    expect(status).toBe(200);
    victim.revoked = true;
    acknowledged();
  }
}

/** Ends what was made, but not acknowledged, so that nobody knows its text, and what was not acknowledged to have ended. */
async function settleOpen(serve: Serve, known: readonly Known[]): Promise<void> {
  const byId = new Map(known.map((one) => [one.id, one]));
  const { body } = await serve.call('GET', '/tokens?state=active&limit=1000');
  for (const { id } of body.items as Known[]) {
    const one = byId.get(id);
    if (one !== undefined && one.revoked !== null) continue;
    expect((await serve.call('POST', `/tokens/${id}/revoke`)).status).toBe(200);
    if (one !== undefined) one.revoked = true;
  }
}

it(`every change that was acknowledged is there after ${KILLS} kills, and none is there by half`, async () => {
  await using upstream = await Recorder.start();
  using serves = new Serves(upstream.url);
  const known: Known[] = [];
  let changes = 0;
  const random = randomFrom(seeds().at(-1)!);
  const startsMs: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const beganMs = performance.now();
    const serve = await serves.start();
    startsMs.push(performance.now() - beganMs);
    if (kill === 0) await settle(serve);
    await settleOpen(serve, known);
    // What was on its way when the last life ended.
    for (const { token, revoked } of known.slice(-WRITERS * 2))
      if (revoked !== null) expect(await serve.statusOf(token)).toBe(revoked ? 401 : 200);
    const last = changes + CHANGES_MIN + random(CHANGES_SPREAD);
    const acknowledged = () => {
      if (++changes === last) serve.process.child.kill('SIGKILL');
    };
    const writers = Array.from({ length: WRITERS }, () => change(serve, known, acknowledged));
    for (const ended of await Promise.allSettled(writers))
      expect(String((ended as PromiseRejectedResult).reason)).toMatch(/fetch failed|terminated|aborted/);
    await serve.process.exit();
  }
  const serve = await serves.start();
  const wrong: string[] = [];
  for (const { id, token, revoked } of known) {
    const status = await serve.statusOf(token);
    if (revoked !== null && status !== (revoked ? 401 : 200)) wrong.push(`${id}: ${status}, revoked: ${revoked}`);
    const shown = await serve.call('GET', `/tokens/${id}`);
    if (shown.body.state !== (status === 200 ? 'active' : 'revoked'))
      wrong.push(`${id}: ${JSON.stringify(shown.body)}`);
  }
  expect(wrong).toEqual([]);
  let listed = 0;
  for (let cursor: unknown = ''; cursor !== null; ) {
    const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(String(cursor))}`;
    const { status, body } = await serve.call('GET', `/tokens?limit=1000${query}`);
    expect(status).toBe(200);
    listed += (body.items as unknown[]).length;
    cursor = body.nextCursor;
  }
  // One more for each writer of each life, at most: made, and not acknowledged.
  expect(listed).toBeGreaterThanOrEqual(known.length);
  expect(listed).toBeLessThanOrEqual(known.length + KILLS * WRITERS);
  startsMs.sort((left, right) => left - right);
  console.log(
    `${KILLS} kills, ${changes} acknowledged changes, ${known.length} tokens, none lost; serving again after ${startsMs[KILLS / 2]!.toFixed(0)} ms (median)`,
  );
  expect(await serve.process.stop()).toBe(0);
}, 1_800_000);
