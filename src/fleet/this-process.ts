/** How this process is told from every other one, on this machine or another. */
import { hostname } from 'node:os';
import { randomText } from '../secret.ts';
import type { GatewayProcess } from '../store/registry.ts';

const HOST_MAX = 64;
const SUFFIX_LENGTH = 6;

/** The id says where to look; the random end tells it from an earlier process with the same number. */
export function thisProcess(startedAtMs: number, format: number): Omit<GatewayProcess, 'revision'> {
  const { pid } = process;
  const host = hostname();
  const place = host.replace(/[^A-Za-z0-9.-]/g, '-').slice(0, HOST_MAX);
  return {
    id: `${place}_${pid}_${randomText(SUFFIX_LENGTH)}`,
    host: host.slice(0, HOST_MAX),
    pid,
    startedAtMs,
    format,
  };
}
