/** What lint finds, and what its checks look at. Types only. */
import type { Found } from '../config/load/check-gateway.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import type { LintCode, Severity } from './codes.ts';

/** What a check says: the rest is in the table of codes. */
export interface Remark {
  readonly code: LintCode;
  readonly at: FilePosition;
  readonly message: string;
  /** Id of the route that it speaks of; absent: of none by itself. */
  readonly route?: string;
}

export interface LintFinding extends Remark {
  readonly severity: Severity;
}

/** What is looked at: a configuration that `check` finds good, and what stands beside it. */
export interface Subject {
  readonly found: Found;
}

export type RouteFile = Found['plain']['file']['routes'][number];
