/**
 * Numbers and how they are taken: medians, CPU time and resident memory of a process as the kernel counts them, and a
 * pseudo-random order that is the same in every run. Never judges a number.
 */
import { readFileSync } from 'node:fs';
import { SetupError } from '../src/errors.ts';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The share of all values that lies below the answer is `share`; `sorted` ascending. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** The kernel's unit in /proc/PID/stat, USER_HZ: 100 per second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User and system time of all threads of a process so far, in seconds, in steps of 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readProc(pid, 'stat');
  // The name in parentheses may hold blanks; fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The processes that a process has started and that live. */
export function childrenOf(pid: number): number[] {
  return readProc(pid, `task/${pid}/children`)
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

/** The same of a process and of all that it has started, and they, and so on; all of them still live. */
export function treeCpuSeconds(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + treeCpuSeconds(child), cpuSeconds(pid));
}

/** Resident memory of a process in MB (1,000,000 bytes). */
export function residentMegabytes(pid: number): number {
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1]) * 1024) / 1e6;
}

/** Of several processes together in MB: what they share is counted once. */
export function residentTogetherMegabytes(pids: readonly number[]): number {
  const shares = pids.map((pid) => Number(/^Pss:\s+(\d+) kB$/m.exec(readProc(pid, 'smaps_rollup'))?.[1]));
  return (shares.reduce((sum, share) => sum + share, 0) * 1024) / 1e6;
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch (error) {
    throw new SetupError(`bench: ${(error as Error).message}; this measurement needs Linux and a living process`);
  }
}

/** Integers below `limit`, evenly spread, the same sequence for the same seed (mulberry32). */
export function randomIntegers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** `count` different integers below `limit`, in a pseudo-random order. */
export function drawDistinct(count: number, limit: number, seed: number): number[] {
  const random = randomIntegers(seed);
  const all = Uint32Array.from({ length: limit }, (_, index) => index);
  for (let index = 0; index < count; index++) {
    const other = index + random(limit - index);
    const swapped = all[index]!;
    all[index] = all[other]!;
    all[other] = swapped;
  }
  return [...all.subarray(0, count)];
}
