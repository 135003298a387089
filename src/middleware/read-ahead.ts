/**
 * Reads the body of a request whole and leaves it there, as if nobody had: for an application that is given the request
 * afterwards. How much that may be is for whoever takes the chunks to say.
 */
import type { IncomingMessage } from 'node:http';
import type { BodySink } from '../http/exchange.ts';

/** Returns the way to stop: what was read is dropped then, and so is the rest. */
export function readAhead(request: IncomingMessage, sink: BodySink): () => void {
  let chunks: Buffer[] = [];
  const leave = () => {
    request.off('readable', take);
    request.off('end', end);
  };
  const end = () => {
    leave();
    // It goes back before the stream says that it has ended.
    if (chunks.length > 0) request.unshift(Buffer.concat(chunks));
    sink.bodyEnd(request.rawTrailers);
  };
  const take = () => {
    for (let chunk = request.read() as Buffer | null; chunk !== null; chunk = request.read() as Buffer | null) {
      chunks.push(chunk);
      sink.bodyChunk(chunk);
    }
    if (request.complete) end();
  };
  request.on('readable', take);
  request.on('end', end);
  return () => {
    leave();
    chunks = [];
    request.resume();
  };
}
