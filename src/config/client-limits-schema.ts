/**
 * What one client of the gateway may take: time, bytes, connections, wrong guesses. Every limit has a default that no
 * well-behaved client meets. Says nothing of upstreams; theirs stand in routes-schema.ts.
 */
import { Type } from 'typebox';
import { milliseconds, section } from './schema-parts.ts';

export const GuessesSchema = section(
  {
    tokenFailures: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 100,
      description: 'Unknown or malformed tokens of one address before further ones are answered with 429. 0: never.',
    }),
    clientFailures: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 20,
      description: 'Failed OAuth client authentications of one address before further ones get 429. 0: never.',
    }),
    windowMs: milliseconds('How long failures are counted together.', 60_000, 1000),
  },
  {
    default: {},
    description:
      'Guessing, per source address (IPv6: per /64; behind trustedProxies the address that they name). Only failures are turned away: a right credential from that address is never refused.',
  },
);
