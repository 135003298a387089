/**
 * Packs what was found good for another thread or process, and compiles it there in slices: no turn of the event loop
 * there is long, however many routes there are. Judges nothing.
 */
import { Slices } from '../../slices.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import { bareCopy } from '../yaml/bare-copy.ts';
import { compilePlain } from './compile-gateway.ts';
import type { Configuration, Packed, Plain, Source } from './configuration.ts';

/** Read and copied within a millisecond or two. */
const ROUTES_A_PIECE = 100;

type Routes = GatewayFile['routes'];

export function pack({ contents, shadow, ...plain }: Plain): Packed {
  const { routes, ...file } = plain.file;
  const pieces = [];
  for (let start = 0; start < routes.length; start += ROUTES_A_PIECE)
    pieces.push(JSON.stringify(routes.slice(start, start + ROUTES_A_PIECE)));
  const packed = { rest: JSON.stringify({ ...plain, file }), routes: pieces, contents };
  return { ...packed, shadow: shadow === null ? null : pack(shadow) };
}

/** The same as when it was packed. Throws Bug for what is not good. */
export async function unpack(packed: Packed, source: Source): Promise<Configuration> {
  const slices = new Slices();
  return slices.through(compilePlain(await plainOf(packed, slices), source));
}

async function plainOf({ rest, routes: pieces, contents, shadow }: Packed, slices: Slices): Promise<Plain> {
  const { file, ...plain } = bareCopy(JSON.parse(rest)) as Omit<Plain, 'contents' | 'shadow'>;
  const routes: Routes[number][] = [];
  for (const piece of pieces) {
    if (slices.over) await slices.next();
    routes.push(...(bareCopy(JSON.parse(piece)) as Routes));
  }
  const tried = shadow === null ? null : await plainOf(shadow, slices);
  return { ...plain, file: { ...file, routes }, contents, shadow: tried };
}
