/** Where somebody who judges the data of a file says what is wrong with it, and asks where it stands. Types only. */
import type { Position } from '../yaml/yaml-file.ts';
import type { Path } from '../yaml/yaml-tree.ts';

export interface Notes {
  readonly name: string;
  at(path: Path): Position;
  /** The keys of a section; none where that is no mapping. */
  keys(section: string): ReadonlySet<string>;
  problem(path: Path, message: string, where?: { readonly key?: boolean }): void;
}
