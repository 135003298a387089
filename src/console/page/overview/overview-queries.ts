/** What the pages of numbers ask of the API, again and again while somebody looks. One that fails is asked again at its next turn. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '../api/client.ts';

export const SHOWN_RANGES = ['5m', '1h', '6h', '24h'] as const;
export type ShownRange = (typeof SHOWN_RANGES)[number];

/** Where a step is long, nothing new is there sooner. */
export const TRAFFIC_EVERY_MS: Readonly<Record<ShownRange, number>> = {
  '5m': 2000,
  '1h': 5000,
  '6h': 10_000,
  '24h': 10_000,
};
export const STATUS_EVERY_MS = 5000;
export const OVERVIEW_EVERY_MS = 10_000;
/** While the first count of many tokens goes on. */
const COUNTING_MS = 2000;

export const overviewQuery = (org: string) =>
  queryOptions({
    queryKey: ['overview', org],
    queryFn: () => answerOf(api.GET('/v1/organizations/{org}/overview', { params: { path: { org } } })),
    retry: false,
    refetchInterval: ({ state: { data } }) =>
      data !== undefined && (data.tokens.counted === null || data.refusals === null) ? COUNTING_MS : OVERVIEW_EVERY_MS,
  });

export const trafficQuery = (range: ShownRange, everyMs: number | false = TRAFFIC_EVERY_MS[range]) =>
  queryOptions({
    queryKey: ['traffic', range],
    queryFn: () => answerOf(api.GET('/v1/traffic', { params: { query: { range } } })),
    retry: false,
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  });

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: () => answerOf(api.GET('/v1/status')),
  retry: false,
  refetchInterval: STATUS_EVERY_MS,
});
