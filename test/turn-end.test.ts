/** What is written in one turn leaves at its end, each in its order, whatever becomes of one of them. */
import { expect, it } from 'vitest';
import { atTurnEnd } from '../src/turn-end.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('what gathers in one turn is sent at its end, in its order', async () => {
  const sent: number[] = [];
  for (const nth of [1, 2, 3]) atTurnEnd({ sendOut: () => sent.push(nth) });
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([1, 2, 3]);
});

it('one that fails keeps nobody from sending, and its error is told', async () => {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const told = new Promise((resolve) => process.once('uncaughtException', resolve));
    const sent: number[] = [];
    const error = new Error('a bug');
    atTurnEnd({ sendOut: () => sent.push(1) });
    atTurnEnd({
      sendOut: () => {
        throw error;
      },
    });
    atTurnEnd({ sendOut: () => sent.push(3) });
    expect(await told).toBe(error);
    expect(sent).toEqual([1, 3]);
  } finally {
    for (const listener of others) process.on('uncaughtException', listener);
  }
});
