/** `scopegate serve` as a process of its own, on free ports, with what its log says. */
import { type Started, scopegate } from '../support/process.ts';

export interface Served extends Started {
  readonly gateway: string;
  readonly admin: string;
}

export const ADMIN_KEY = 'k'.repeat(32);

export async function serve(configuration: string): Promise<Served> {
  const process = scopegate(['serve', '-c', configuration], { env: { SCOPEGATE_ADMIN_KEY: ADMIN_KEY } });
  const log = await process.until('"msg":"ready:');
  const ready = log.split('\n').find((line) => line.includes('"msg":"ready:'))!;
  const { gateway, admin } = JSON.parse(ready) as { gateway: string; admin: string };
  return { ...process, gateway, admin };
}
