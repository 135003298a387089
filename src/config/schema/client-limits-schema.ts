/**
 * What one client of the gateway may take: time, bytes, connections, wrong guesses. Every limit has a default that no
 * well-behaved client meets. Says nothing of upstreams; theirs stand in routes-schema.ts.
 */

import { milliseconds, section } from '../../schema-parts.ts';
import { Type } from '../../schema-type.ts';

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

export const ClientTimeoutsSchema = section(
  {
    headersMs: milliseconds('How long a client may take for the head of a request, or for the TLS handshake.', 10_000),
    idleMs: milliseconds(
      'How long a client may send nothing of a body that it announced, or read nothing of its answer.',
      30_000,
    ),
    keepAliveMs: milliseconds(
      'How long a connection is kept for the next request. Longer than a load balancer in front keeps it.',
      72_000,
    ),
  },
  { default: {}, description: 'How long one client is waited for, on this and the decision listener.' },
);

export const ClientLimitsSchema = section(
  {
    headerBytes: Type.Integer({
      minimum: 1024,
      maximum: 1024 * 1024,
      default: 16 * 1024,
      description:
        'Most bytes of request line and headers together; more is answered with 431, or 414 where the target alone is longer.',
    }),
    minBytesPerSecond: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 500,
      description:
        'The least a client may send of a body that it announced, or take of an answer that lies ready. Only that time counts; one that falls behind by more than timeouts.idleMs is cut off. 0: any.',
    }),
    inspectedBodyBytes: Type.Integer({
      minimum: 1,
      maximum: 64 * 1024 * 1024,
      default: 1024 * 1024,
      description: 'Most bytes of a body on routes that look into it (body.NAME); more is answered with 413.',
    }),
    inspectedBodyTotalBytes: Type.Integer({
      minimum: 8,
      maximum: 16 * 1024 * 1024 * 1024,
      default: 64 * 1024 * 1024,
      description:
        'Most bytes of such bodies that wait at once, per worker; one token may have an eighth. More is answered with 503.',
    }),
    connections: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description:
          'Most connections open at once, per worker; further ones are closed. Absent: as many as the system allows.',
      }),
    ),
  },
  { default: {}, description: 'How much one client may take, on this and the decision listener.' },
);
