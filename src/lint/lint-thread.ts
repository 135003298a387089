/** The thread of lint-in-thread.ts: looks through the files once, answers with what it found, and ends. */
import { dirname, relative } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { FilePosition } from '../config/yaml/yaml-file.ts';
import { ConfigError } from '../errors.ts';
import { lintGateway } from './lint.ts';
import type { FilesOrder, LookedThrough } from './lint-in-thread.ts';

parentPort?.postMessage(look(workerData as FilesOrder));

function look({ path, env, embedded }: FilesOrder): LookedThrough | null {
  try {
    const { found, findings } = lintGateway(path, env, undefined, embedded);
    const { plain, notes } = found;
    const shown = (at: FilePosition) => ({ ...at, file: relative(dirname(plain.path), at.file) || at.file });
    return {
      digest: plain.digest,
      places: Object.fromEntries(
        plain.file.routes.map(({ id }, index) => [id, shown(notes.at(['routes', index, 'id']))]),
      ),
      findings: findings.map((finding) => ({ ...finding, at: shown(finding.at) })),
    };
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
