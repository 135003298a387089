/** Long bodies are read a little at a time: how they are written holds up nobody. The clock is the test's. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BodyInspection } from '../../src/core/bodies/inspect.ts';
import { InspectionQueue } from '../../src/edge/bodies/inspection-queue.ts';

const BYTES = 1024 * 1024;
const field = { name: 'ws', path: ['ws'] };
const json = (text: string) => new BodyInspection('json', Buffer.from(text), [field]);
const padded = (piece: string, end: string) => piece.repeat(Math.floor((BYTES - 100) / piece.length)) + end;

/** Each look at the clock finds it a millisecond on: two steps to a slice. */
function queueOf() {
  let looks = 0;
  const queue = new InspectionQueue({ monotonicMs: () => looks++ });
  return { queue, looks: () => looks };
}

describe('the inspection of a body', () => {
  it('is done at once where it is short', () => {
    expect(queueOf().queue.run(json('{"ws":"w1"}'))).toMatchObject({ kind: 'json' });
    expect(queueOf().queue.run(json('{"ws":'))).toBeNull();
  });

  it('goes on in later turns where it is long, a slice in each', async () => {
    const { queue, looks } = queueOf();
    const running = queue.run(json(`[${padded('1,', '1]')}`));
    expect(running).toBeInstanceOf(Promise);
    const before = looks();
    await turn();
    expect(looks() - before).toBeLessThanOrEqual(4);
    await expect(running).resolves.toMatchObject({ kind: 'json' });
  });

  it('of one body does not wait for another one to end', async () => {
    const { queue } = queueOf();
    const ended: string[] = [];
    const long = queue.run(json(`[${padded('1,', '1]')}`)) as Promise<unknown>;
    const shorter = queue.run(json(`[${'1,'.repeat(40_000)}1]`)) as Promise<unknown>;
    await Promise.all([long.then(() => ended.push('long')), shorter.then(() => ended.push('shorter'))]);
    expect(ended).toEqual(['shorter', 'long']);
  });

  it.each([
    ['members that might be the one', 'json', `{${padded('"_W-_":1,', '"ws":"w1"}')}`, 'w1'],
    ['names with escapes', 'json', `{${padded(String.raw`"\u0061":1,`, '"ws":"w1"}')}`, 'w1'],
    ['many lists', 'json', `{"a":[${padded('[],', '1],"ws":"w1"}')}`, 'w1'],
    ['fields that might be the one', 'form', padded('%00w%5Bs=1&', 'ws=w1'), 'w1'],
    ['fields in pieces', 'form', padded('%77s[]=1;', '&ws=w1'), null],
  ] as const)('of %s is done in many steps', (_name, type, text, value) => {
    const { steps, outcome } = inspect(type, text);
    expect(steps).toBeGreaterThan(100);
    expect(outcome?.values.get('ws')).toBe(value);
  });

  it.each([
    ['one name, of underscores', 'json', `{"${padded('_', '')}":1,"ws":"w1"}`, 'w1'],
    ['one text, of escapes', 'json', `{"a":"${padded(String.raw`\ud83d\ude00`, '')}","ws":"w1"}`, 'w1'],
    ['blanks', 'json', `{${padded(' ', '')}"ws":"w1"}`, 'w1'],
    ['one name, too long to be looked into', 'form', `${padded('%20', '')}=1&ws=w1`, null],
  ] as const)('of %s reads over it', (_name, type, text, value) => {
    expect(inspect(type, text).outcome?.values.get('ws')).toBe(value);
  });
});

function inspect(type: 'json' | 'form', text: string) {
  const inspection = new BodyInspection(type, Buffer.from(text), [field]);
  let steps = 1;
  let outcome = inspection.goOn(8192);
  for (; outcome === undefined; steps++) outcome = inspection.goOn(8192);
  return { steps, outcome };
}
