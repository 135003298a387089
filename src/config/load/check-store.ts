/** What a schema cannot say of the store: each store's own adapter judges, and here it is told where in the file that stands. */
import { existsSync, readFileSync } from 'node:fs';
import { formatProblem } from '../../errors.ts';
import type { SettingsReview } from '../../store/adapter.ts';
import { adapterOf, type StoreSettings } from '../../store/adapters.ts';
import { utf8Fault } from '../yaml/utf8.ts';
import type { YamlFile } from '../yaml/yaml-file.ts';

/** Notes problems in `yaml`; what is legal but dangerous goes to `warnings`. */
export function checkStore(
  yaml: YamlFile,
  store: StoreSettings,
  resolvePath: SettingsReview['resolvePath'],
  warnings: string[],
): void {
  adapterOf(store).check(store, {
    resolvePath,
    problem: (key, message, atKey = false) => yaml.problem(['store', ...key], message, { key: atKey }),
    warning: (key, message) => {
      const at = yaml.at(['store', ...key]);
      warnings.push(formatProblem({ ...at, message: `warning: ${message}` }));
    },
    fileProblem,
  });
}

function fileProblem(path: string): string | null {
  if (!existsSync(path)) return `${path}: no such file`;
  try {
    return utf8Fault(path, readFileSync(path));
  } catch (error) {
    return `${path}: ${(error as Error).message}`;
  }
}
