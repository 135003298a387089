/** The states that the parts of an upstream tell each other of, and what it speaks, by name. Types only, and imports nothing. */

/** Of a connection. `settling`: the answer is complete, this turn of the event loop is not. */
export type ConnectionState = 'connecting' | 'busy' | 'settling' | 'idle' | 'dead';

/**
 * How far a call had come when it failed. `unsent`: not a byte of the request had left. `unanswered`: no byte of an answer
 * came. `partial-head`: some bytes, but no whole head. `answered`: the listener had the head.
 */
export type CallProgress = 'unsent' | 'unanswered' | 'partial-head' | 'answered';

/** What a listener says to a piece of an answer's body. `stop`: the call is over. */
export type BodyVerdict = 'go-on' | 'pause' | 'stop';

/** Of a target. `unhealthy`: its health check says so. `ejected`: it failed too often; `probing`: a request finds out whether still. */
export type TargetState = 'up' | 'unhealthy' | 'ejected' | 'probing';

/** Of an upstream. `h2`: over TLS, agreed on by ALPN. `h2c`: without TLS, known beforehand. */
export type UpstreamProtocol = 'http1' | 'h2' | 'h2c';
