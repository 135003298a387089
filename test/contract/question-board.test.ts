/** Questions of processes to each other: what every board promises, in files and in a real Redis. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuestionBoard } from '../../src/store/question-board.ts';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { FileQuestionBoard } from '../../src/store/sqlite/question-board.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { openRedis } from '../store/redis-harness.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

const LONG_MS = 60_000;

function promises(boards: () => { readonly board: QuestionBoard; readonly peer: QuestionBoard }): void {
  it('a question is seen by everybody until it is withdrawn, with its answers', async () => {
    const { board, peer } = boards();
    expect(await peer.open()).toEqual([]);
    await board.ask({ id: 'q1', text: 'who? "ä"' }, LONG_MS);
    await board.ask({ id: 'q2', text: 'what?' }, LONG_MS);
    expect(new Set((await peer.open()).map(({ id, text }) => `${id} ${text}`))).toEqual(
      new Set(['q1 who? "ä"', 'q2 what?']),
    );
    await peer.answer('q1', 'host.a_1_x', 'me', LONG_MS);
    await peer.answer('q1', 'host-b_2_y', 'x'.repeat(100_000), LONG_MS);
    expect(await board.answers('q1')).toEqual(
      new Map([
        ['host.a_1_x', 'me'],
        ['host-b_2_y', 'x'.repeat(100_000)],
      ]),
    );
    expect(await board.answers('q2')).toEqual(new Map());
    await board.withdraw('q1');
    expect((await peer.open()).map(({ id }) => id)).toEqual(['q2']);
    expect(await peer.answers('q1')).toEqual(new Map());
    await board.withdraw('q2');
  });

  it('what nobody withdraws is forgotten by itself', async () => {
    const { board, peer } = boards();
    await board.ask({ id: 'q3', text: 'still there?' }, 1);
    await peer.answer('q3', 'a', 'yes', 1);
    await expect.poll(() => peer.open()).toEqual([]);
    await expect.poll(() => board.answers('q3')).toEqual(new Map());
  });
}

describe('in files', () => {
  const parent = mkdtempSync(join(tmpdir(), 'scopegate-questions-'));
  const folder = join(parent, 'leases', 'questions');
  afterAll(() => rmSync(parent, { recursive: true }));
  promises(() => ({ board: new FileQuestionBoard(folder), peer: new FileQuestionBoard(folder) }));

  it('the folder is made by the first who asks, for its owner alone, and what is over is swept by the next', async () => {
    const other = join(parent, 'other');
    const board = new FileQuestionBoard(other);
    expect(await board.open()).toEqual([]);
    expect(existsSync(other)).toBe(false);
    await board.ask({ id: 'old', text: '' }, 0);
    expect((statSync(other).mode & 0o777).toString(8)).toBe('700');
    await board.ask({ id: 'new', text: '' }, LONG_MS);
    expect(readdirSync(other)).toEqual(['new.question']);
  });
});

describe('in Redis', () => {
  let redis: RedisServer;
  let stores: readonly RedisStore[];
  beforeAll(async () => {
    redis = await startRedis();
    const open = () => openRedis(redis.port, { commandTimeoutMs: 1000, commitTimeoutMs: 2000 });
    stores = [await open(), await open()];
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await redis.stop();
  });
  promises(() => ({ board: stores[0]!.questions(), peer: stores[1]!.questions() }));

  it('leaves nothing behind that does not end by itself, and says so where Redis cannot be asked', async () => {
    const board = stores[0]!.questions();
    await board.answer('q9', 'a', 'too late', LONG_MS);
    expect(Number(await redis.cli('pttl', 'test:{scopegate}:answers:q9'))).toBeGreaterThan(0);
    redis.pause();
    await expect(board.ask({ id: 'q', text: '' }, LONG_MS)).rejects.toThrow(StoreUnavailable);
    redis.resume();
  });
});
