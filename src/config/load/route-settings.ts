/**
 * What holds for one route of what may be said in three places: by the route itself, in the `defaults` of its upstream, in
 * the `defaults` of the file. The nearest that says it wins, whole, but for timeouts, of which each is said by itself; each
 * value keeps the place where it stands.
 */
import type { RouteTimeouts } from '../../core/route.ts';
import type { GatewayFile } from '../schema/gateway-schema.ts';
import type { Path } from '../yaml/yaml-tree.ts';

type Settings = GatewayFile['defaults'];

/** A value, and where it was said. */
export interface Said<T> {
  readonly value: T;
  readonly at: Path;
}

export class RouteSettings {
  /** The nearest first. */
  readonly #levels: readonly (readonly [Settings, Path])[];

  /** `upstream`: the name of the route's upstream, and its `defaults`. */
  constructor(
    route: Settings,
    at: Path,
    upstream: readonly [string, Settings | undefined] | null,
    defaults: Settings | undefined,
  ) {
    this.#levels = [
      [route, at],
      ...(upstream?.[1] === undefined ? [] : [[upstream[1], ['upstreams', upstream[0], 'defaults']] as const]),
      ...(defaults === undefined ? [] : [[defaults, ['defaults']] as const]),
    ];
  }

  /** undefined: nobody says. */
  get<K extends keyof Settings & string>(key: K): Said<NonNullable<Settings[K]>> | undefined {
    for (const [settings, at] of this.#levels) {
      const value = settings[key];
      if (value !== undefined) return { value, at: [...at, key] };
    }
    return undefined;
  }

  /** `own`: those of the upstream. null: nobody says otherwise. */
  timeouts(own: RouteTimeouts): RouteTimeouts | null {
    const said = this.#levels.map(([settings]) => settings.timeouts ?? {}).toReversed();
    const { connectMs, headersMs, idleMs }: RouteTimeouts = Object.assign({}, own, ...said);
    const isOwn = connectMs === own.connectMs && headersMs === own.headersMs && idleMs === own.idleMs;
    return isOwn ? null : { connectMs, headersMs, idleMs };
  }
}
