/**
 * Has the files of a gateway looked through in a thread of its own, for whoever serves requests meanwhile. What the files say
 * now may be newer than what is in force: the digest tells.
 */
import { Worker } from 'node:worker_threads';
import type { Env } from '../config/yaml/expand.ts';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import { entryFile } from '../package-files.ts';
import type { LintFinding } from './finding.ts';

export interface FilesOrder {
  readonly path: string;
  readonly env: Env;
  /** Part of another program. */
  readonly embedded: boolean;
}

/** Names of files are relative to the folder of gateway.yaml. */
export interface LookedThrough {
  /** Of the configuration that the files make. */
  readonly digest: string;
  /** Where each route begins, by its id. */
  readonly places: Readonly<Record<string, FilePosition>>;
  readonly findings: readonly LintFinding[];
}

const THREAD = entryFile('lint/lint-thread.ts');

/** null: the files are no good configuration now. Rejects where there could be no thread, or it ended without an answer. */
export function lintInThread({ path, env, embedded }: FilesOrder): Promise<LookedThrough | null> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(THREAD, { workerData: { path, env: { ...env }, embedded } satisfies FilesOrder });
    thread.unref();
    thread.once('message', resolve);
    thread.once('error', reject);
    // Of those that have settled it already none is undone.
    thread.once('exit', (code) => reject(new Error(`the thread that lints ended without an answer (${code})`)));
  });
}
