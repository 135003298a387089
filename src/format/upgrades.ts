/**
 * Every format that records have had, by number, and the way from each to the next. A released upgrade is never edited,
 * only followed by another: a new shape of records is one more entry here, and a file beside this one.
 */
import { FIRST_FORMAT } from '../store/format.ts';
import { toEnvironments } from './to-environments.ts';
import { toGenerations } from './to-generations.ts';
import { toNewLists } from './to-new-lists.ts';
import { toTokenLists } from './to-token-lists.ts';
import type { FormatUpgrade } from './upgrade.ts';

/** In order, without a gap. */
export const UPGRADES: readonly FormatUpgrade[] = [toGenerations, toNewLists, toEnvironments, toTokenLists];

/** What this program reads and writes. */
export const CURRENT_FORMAT = UPGRADES.at(-1)?.to ?? FIRST_FORMAT;
