/** `npm run generate`: writes the files that are made from the sources. For developers; a test keeps them current. */
import { fileURLToPath } from 'node:url';
import { writeSchemas } from '../config/schema/json-schema.ts';
import { packageFile } from '../package-files.ts';

export async function generateCommand(): Promise<void> {
  const root = fileURLToPath(packageFile(''));
  for (const path of writeSchemas(root)) process.stdout.write(`${path}\n`);
}
