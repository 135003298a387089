/**
 * What `${file:PATH}` stands for: the content of a small file, such as a mounted secret, as the value of a header that a
 * route sets. What such a file holds is told to nobody, not even where it is wrong.
 */
import { isUtf8 } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { withoutLineBreak } from '../../secret.ts';
import type { SecretFiles } from '../yaml/expand.ts';
import { type ReadFile, readFailure } from '../yaml/yaml-file.ts';

/** `file`: the one that names them, absolute. `reads`: called with each, also where reading then fails. */
export function secretFiles(file: string, readFile: ReadFile, reads: (path: string) => void): SecretFiles {
  return {
    mayStandAt: (path) => {
      const [section, set] = path.slice(-3);
      return set === 'set' && (section === 'headers' || section === 'answerHeaders');
    },
    read: (name) => {
      const path = resolve(dirname(file), name);
      reads(path);
      try {
        const bytes = readFile(path);
        if (!isUtf8(bytes)) return { fault: `the file ${path} is not UTF-8 text` };
        const text = withoutLineBreak(bytes.toString());
        if (text === '') return { fault: `the file ${path} is empty` };
        return /[\r\n]/.test(text) ? { fault: `the file ${path} has more than one line` } : { text };
      } catch (error) {
        return { fault: `the file ${path} cannot be read: ${readFailure(error)}` };
      }
    },
  };
}
