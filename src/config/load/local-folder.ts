/** Where what belongs to this machine alone is kept, such as a generated admin key. Makes nothing. */
import { dirname } from 'node:path';
import type { Configuration } from './configuration.ts';

const LOCAL_FOLDER = 'data';

/** Absolute: the folder of the SQLite file, or `data` beside the configuration where the store is elsewhere. */
export function localFolder({ file, resolvePath }: Pick<Configuration, 'file' | 'resolvePath'>): string {
  return file.store.driver === 'sqlite' ? dirname(resolvePath(file.store.path)) : resolvePath(LOCAL_FOLDER);
}
