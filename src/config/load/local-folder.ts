/** Where what belongs to this machine alone is kept, such as a generated admin key. Makes nothing. */
import { adapterOf } from '../../store/adapters.ts';
import type { Configuration } from './configuration.ts';

/** Absolute. */
export function localFolder({ file: { store }, resolvePath }: Pick<Configuration, 'file' | 'resolvePath'>): string {
  return adapterOf(store).folder(store, resolvePath);
}
