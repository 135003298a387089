/**
 * What the rules say of a token's value at a moment, by nothing but what was asked for and answered: that it must be
 * refused, that it must be allowed, or nothing. Everything here errs towards nothing.
 */
import type { Happening, Life, Register, Span } from './happenings.ts';

export interface Workspace extends Life {
  /** Whoever may be meant by the id that was given. */
  readonly owner: Register<readonly Life[]>;
  /** Whether the team has a role in it. */
  readonly isTeams: boolean;
  /** `isChange`: it surely came to somebody else. */
  readonly transfers: Array<{ readonly at: Happening; isChange: boolean }>;
}

export interface Account {
  readonly clientId: string;
  readonly orgs: readonly Life[];
  readonly born: Happening;
  readonly isEnabled: Register<boolean>;
  readonly enables: Happening[];
  /** Of its tokens. */
  readonly ends: Array<{ readonly at: Happening; readonly stopsIssuing: boolean; readonly isFinal: boolean }>;
  readonly secrets: Array<{ readonly text: string; readonly born: Happening }>;
  readonly rotations: Happening[];
  readonly deletions: Happening[];
}

export interface Token {
  readonly number: number;
  readonly id: string;
  readonly kind: 'personal' | 'service' | 'access';
  readonly born: Happening;
  /** In which lives of the organization and its owner's membership it may have been made. */
  readonly orgs: readonly Life[];
  readonly owners: readonly Life[];
  readonly account: Account | null;
  /** Whichever workspaces of these ids may be meant; null: all that its owner has joined. */
  readonly listed: readonly Workspace[] | null;
  readonly ends: Happening[];
  readonly isActive: Register<boolean>;
  readonly rotations: Array<{ readonly at: Happening; readonly graceMs: number }>;
}

export interface Value {
  readonly text: string;
  readonly token: Token;
  readonly born: Happening;
}

/** Between processes on one machine. */
const CLOCK_SLACK_MS = 50;

/** Why it must be refused wherever it is shown in this span; null: it need not. */
export function whyRefused(value: Value, during: Span): string | null {
  const { token } = value;
  const from = during.startMs;
  if (token.ends.some((end) => end.startMs > token.born.endMs && end.isSureBefore(from))) return 'it was ended itself';
  if (token.isActive.possibleIn(during).every((isActive) => !isActive)) return 'it is inactive';
  const replaced = whyReplaced(value, from);
  if (replaced !== null) return replaced;
  if (token.orgs.every((org) => org.isSurelyOver(from))) return 'its organization was deleted';
  if (token.kind === 'personal') {
    if (token.owners.every((owner) => owner.isSurelyOver(from))) return 'its owner was removed';
    const listed = token.listed?.length === 1 ? token.listed[0]!.transfers : [];
    if (listed.some(({ at, isChange }) => isChange && isSold(token, at, during))) return 'its workspace changed hands';
  }
  return token.account === null ? null : whyEndedWithAccount(token, token.account, from);
}

/** A rotation ends all values before it: the last one after its grace, the others at once. */
function whyReplaced({ token, born }: Value, from: number): string | null {
  const later = token.rotations.filter(({ at }) => at.startMs > born.endMs && at.outcome === 'done');
  if (later.some(({ at, graceMs }) => at.endMs + (graceMs === 0 ? 0 : graceMs + CLOCK_SLACK_MS) < from))
    return 'it was replaced';
  const twice = later.some((first) =>
    later.some((second) => second.at.startMs > first.at.endMs && second.at.isSureBefore(from)),
  );
  return twice ? 'it was replaced twice' : null;
}

/** Also what was asked for while it was ended, where none is issued afterwards. */
function whyEndedWithAccount({ born }: Token, { ends, enables }: Account, from: number): string | null {
  for (const { at, stopsIssuing, isFinal } of ends) {
    if (!at.isSureBefore(from)) continue;
    if (at.startMs > born.endMs) return "its account's tokens were ended";
    if (isFinal) return 'its account was deleted with its tokens';
    if (stopsIssuing && !enables.some((enable) => touches(enable, at, born.endMs)))
      return 'its account was disabled with its tokens';
  }
  return null;
}

/** Nothing can have ended it. */
export function mustWork(value: Value, during: Span): boolean {
  const { token } = value;
  const until = during.endMs;
  if (token.ends.some((end) => end.isPossibleBefore(until))) return false;
  if (!token.isActive.possibleIn(during).every((isActive) => isActive)) return false;
  if (isPossiblyReplaced(value, until)) return false;
  if (token.orgs.some((org) => org.isPossiblyOver(until))) return false;
  if (token.kind === 'personal') {
    if (token.owners.some((owner) => owner.isPossiblyOver(until))) return false;
    const transfers = token.listed?.flatMap((workspace) => workspace.transfers) ?? [];
    if (transfers.some(({ at }) => touches(at, token.born, until))) return false;
  }
  return token.account === null || !token.account.ends.some(({ at }) => touches(at, token.born, until));
}

/** It may have happened after that was made, and before the moment. */
function touches(at: Happening, made: Happening, moment: number): boolean {
  return at.isPossibleBefore(moment) && at.endMs > made.startMs;
}

function isPossiblyReplaced({ token, born }: Value, until: number): boolean {
  const later = token.rotations.filter(({ at }) => at !== born && touches(at, born, until));
  if (later.length === 0) return false;
  const [only] = later;
  const isSafe = later.length === 1 && only!.at.startMs > born.endMs;
  return !isSafe || until > only!.at.startMs + only!.graceMs - CLOCK_SLACK_MS;
}

export interface Places {
  /** Of this id, the newest last. */
  readonly lives: readonly Workspace[];
  readonly team: Register<readonly Life[]>;
}

/** Why it must be refused there, although it works. */
export function whyRefusedThere({ token }: Value, { lives, team }: Places, during: Span): string | null {
  const there = lives.filter((life) => life.isPossibleIn(during));
  if (there.length === 0) return 'the workspace was deleted';
  if (token.kind === 'access') return 'its account has no role there';
  const { listed } = token;
  if (listed !== null && !there.some((life) => listed.includes(life))) return 'it lists another workspace';
  // What is frozen is for ever: a list, or whatever its maker had a role in when it was made.
  if (token.kind === 'service') return null;
  const isOlder = ({ transfers }: Workspace) =>
    transfers.some(({ at, isChange }) => isChange && isSold(token, at, during));
  if (token.kind === 'personal' && there.every(isOlder)) return 'the workspace changed hands since it was made';
  const joined = there.some((life) => token.owners.some((owner) => mayBeJoined(owner, life, team, during)));
  return joined ? null : 'its owner has no role there';
}

function isSold({ born }: Token, at: Happening, { startMs }: Span): boolean {
  return at.startMs > born.endMs && at.isSureBefore(startMs);
}

function mayBeJoined(owner: Life, workspace: Workspace, team: Register<readonly Life[]>, during: Span): boolean {
  if (owner.isSurelyOver(during.startMs)) return false;
  if (workspace.owner.possibleIn(during).some((owners) => owners.includes(owner))) return true;
  return workspace.isTeams && team.possibleIn(during).some((members) => members.includes(owner));
}

/** It works, and nothing can have taken the workspace from it. */
export function mustWorkThere(value: Value, places: Places, during: Span): boolean {
  const { token } = value;
  if (token.kind === 'access' || !mustWork(value, during)) return false;
  const there = places.lives.filter((life) => life.isPossibleIn(during));
  const [workspace] = there;
  if (there.length !== 1 || workspace!.born.outcome !== 'done' || workspace!.isPossiblyOver(during.endMs)) return false;
  if (token.listed !== null && !(token.listed.length === 1 && token.listed[0] === workspace)) return false;
  if (token.kind === 'service') {
    if (workspace!.born.endMs >= token.born.startMs) return false;
    if (token.listed !== null) return true;
  }
  if (workspace!.transfers.some(({ at }) => touches(at, token.born, during.endMs))) return false;
  const [owner] = token.owners;
  if (token.owners.length !== 1 || owner!.isPossiblyOver(during.endMs)) return false;
  const isSure = (lives: readonly Life[]) => lives.length === 1 && lives[0] === owner;
  return workspace!.owner.possibleIn(during).every(isSure);
}

/** Whether this secret gets a token: surely, surely not, or nobody can say. */
export function issues(account: Account, secret: Account['secrets'][number], during: Span): 'yes' | 'no' | 'either' {
  const { orgs, deletions, rotations, isEnabled } = account;
  const [from, until] = [during.startMs, during.endMs];
  const enabled = isEnabled.possibleIn(during);
  const isReplaced = rotations.some((at) => at.startMs > secret.born.endMs && at.isSureBefore(from));
  const isGone = orgs.every((org) => org.isSurelyOver(from)) || deletions.some((at) => at.isSureBefore(from));
  if (isGone || isReplaced || enabled.every((each) => !each)) return 'no';
  const mayBeReplaced = rotations.some((at) => at !== secret.born && touches(at, secret.born, until));
  const mayBeGone = orgs.some((org) => org.isPossiblyOver(until)) || deletions.some((at) => at.isPossibleBefore(until));
  return mayBeGone || mayBeReplaced || !enabled.every((each) => each) ? 'either' : 'yes';
}
