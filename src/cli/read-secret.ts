/** A secret from standard input or from a file, never from the words of a command. On a terminal it is not shown while it is typed. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SetupError } from '../errors.ts';

/** `-`: standard input. Without the white space around it. Rejects with SetupError. */
export async function readSecret(path: string, what: string): Promise<string> {
  const secret = (await read(path, what)).trim();
  if (secret === '') throw new SetupError(`${path === '-' ? 'standard input' : path} holds no ${what}`);
  return secret;
}

async function read(path: string, what: string): Promise<string> {
  if (path === '-') return process.stdin.isTTY ? typed(what) : text(process.stdin);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SetupError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function typed(what: string): Promise<string> {
  process.stderr.write(`the ${what}, which is not shown, then Enter: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      process.stderr.write('\n');
      resolve(line);
      lines.close();
    });
    lines.once('SIGINT', () => {
      process.stderr.write('\n');
      process.exit(130);
    });
    lines.once('close', () => resolve(''));
  });
}
