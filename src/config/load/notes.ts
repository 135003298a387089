/** Where somebody who judges the data of a file says what is wrong with it, and asks where it stands. Types only. */
import type { FilePosition } from '../yaml/yaml-file.ts';
import type { Path } from '../yaml/yaml-tree.ts';

export interface Notes {
  at(path: Path): FilePosition;
  /** The keys of a section; none where that is no mapping. */
  keys(section: string): ReadonlySet<string>;
  problem(path: Path, message: string, where?: { readonly key?: boolean }): void;
}
