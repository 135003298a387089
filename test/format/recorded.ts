/** The recorded stores of format 1 (see make-everything.ts), put where a gateway finds them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import type { Everything } from './everything.ts';

export type Engine = 'sqlite' | 'redis';

const unpacked = (name: string) => gunzipSync(readFileSync(new URL(`recorded/${name}.gz`, import.meta.url)));

export function recorded(engine: Engine): Everything {
  return JSON.parse(unpacked(`everything-${engine}.answers.json`).toString()) as Everything;
}

/** Returns the path of the file, `name` in `folder`. */
export function putFile(folder: string, name = 'everything.db'): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  writeFileSync(path, unpacked('everything.db'), { mode: 0o600 });
  return path;
}

/** The same of the recorded file of version 6 (see make-file-6.ts). */
export function putFile6(folder: string): string {
  const path = join(folder, 'file-6.db');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path, unpacked('file-6.db'), { mode: 0o600 });
  return path;
}

/** What its own code said of it. */
export function file6Said(): unknown {
  return JSON.parse(unpacked('file-6.json').toString());
}

/** The same of the recorded file of format 4 (see make-format-4.ts). */
export function putFormat4(folder: string): string {
  const path = join(folder, 'format-4.db');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path, unpacked('format-4.db'), { mode: 0o600 });
  return path;
}

/** What its own code said of it. */
export function format4Said(): unknown {
  return JSON.parse(unpacked('format-4.json').toString());
}

/** Into an empty server, under the default prefix. */
export async function putRedis(url: string): Promise<void> {
  const client = new Redis(url);
  const commands = JSON.parse(unpacked('everything-redis.json').toString()) as string[][];
  const pipeline = client.pipeline();
  for (const [command, ...args] of commands) pipeline.call(command!, ...args);
  await pipeline.exec();
  client.disconnect();
}
