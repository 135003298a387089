/** One request over a connection of its own: its answer, and what the upstream saw of it. */
import { RawClient, type RawResponse, rawRequest } from '../support/raw.ts';
import type { RecordedRequest, Recorder } from '../support/recorder.ts';

/** `line`: method and target. null: the upstream saw nothing. */
export async function askOnce(
  url: string,
  upstream: Recorder,
  line: string,
  lines: readonly string[],
  body = '',
): Promise<[RawResponse, RecordedRequest | null]> {
  const before = upstream.requests.length;
  const client = await RawClient.connect(url);
  try {
    const answer = await client.send(rawRequest(line, lines, body)).response();
    return [answer, upstream.requests[before] ?? null];
  } finally {
    client.close();
  }
}
