/**
 * Looks, when a process starts, at everything that we rely on and that Node promises nobody. What nothing can be served
 * without ends the start; for the rest there is a fallback, of which the operator is told. Serves nothing.
 */
import { SetupError } from '../errors.ts';
import { H2_PUSH, PUSH, takeByEvents } from './body-push.ts';
import { missing } from './findings.ts';
import { leaveOpenStreams, OPEN_STREAMS } from './h2-open-streams.ts';
import { RAW_RESPONSE, respondByObjects } from './h2-stream.ts';
import type { Finding } from './habit.ts';
import { probeHttp } from './probe-http.ts';
import { probeSockets } from './probe-sockets.ts';

/** For each probe, all in memory: more than a machine takes that has anything else to do at all. */
const WITHIN_MS = 5000;

const checking = new Map<boolean, Promise<string | null>>();

/**
 * Once per process, and once more where HTTP/2 is served: node:http2, which takes 5 MB, is looked at only then. Resolves
 * with a line for the operator, or null where everything is as we know it. Rejects with SetupError.
 */
export function checkNodeInternals({ http2 }: { readonly http2: boolean }): Promise<string | null> {
  const checked = checking.get(http2) ?? check(http2);
  checking.set(http2, checked);
  return checked;
}

async function check(http2: boolean): Promise<string | null> {
  const findings = [
    ...(await probeSockets(WITHIN_MS)),
    ...(await probeHttp(WITHIN_MS)),
    ...(http2 ? await (await import('./probe-h2.ts')).probeH2(WITHIN_MS) : []),
  ];
  const lacking = findings.filter(({ isThere }) => !isThere);
  const fatal = lacking.filter(({ fallback }) => fallback === undefined);
  if (fatal.length > 0) throw new SetupError(missing(fatal));
  for (const habit of [PUSH, H2_PUSH]) if (lacking.some(named(habit.name))) takeByEvents(habit);
  if (lacking.some(named(RAW_RESPONSE.name))) respondByObjects();
  if (lacking.some(named(OPEN_STREAMS.name))) leaveOpenStreams();
  return lacking.length === 0 ? null : missing(lacking);
}

function named(name: string) {
  return (finding: Finding): boolean => finding.name === name;
}
