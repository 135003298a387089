// What `import 'scopegate'` loads: an old Node is told what is missing in one line, since it could not even load the rest. A
// static import would fail before a line of this runs; one that is awaited would keep `require('scopegate')` from working.
import { createRequire } from 'node:module';
import { whyTooOld } from './node-version.js';

const tooOld = whyTooOld(process.versions.node);
if (tooOld !== null) throw Object.assign(new Error(tooOld), { stack: tooOld });

export const { ConfigError, createGateway, SetupError, shippedPolicy } = createRequire(import.meta.url)('./library.js');
