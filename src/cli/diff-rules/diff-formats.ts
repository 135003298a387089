/** What two configurations decide differently, for people, for programs and for GitHub. Only words and shapes. */
import type { Direction, PartChange } from '../../diff/compare-gates.ts';
import { gateText } from '../../diff/compare-gates.ts';
import type { RouteChange } from '../../diff/compare-rules.ts';
import type { Replayed, RulesComparison, TokensCompared } from '../../diff/comparison.ts';
import { githubNote, githubRemark, shortName } from '../../problem-notes.ts';
import { bad } from '../terminal.ts';

export type DiffFormat = (comparison: RulesComparison) => string;

const SHOWN_MAX = 20;
const WORDS: Readonly<Record<Direction, string>> = {
  same: 'same',
  narrower: 'narrower',
  wider: 'WIDER',
  both: 'WIDER and narrower',
};

export const DIFF_FORMATS = { text, json, github } as const satisfies Readonly<Record<string, DiffFormat>>;

function text({ routes, roles, live, replay }: RulesComparison): string {
  const lines = [
    ...routes.map((change) => `${routeText(change)}  ${directionText(change.direction)}${placeText(change.at)}`),
    ...roles.map(
      (change) =>
        `~ role ${change.role}  ${partText(change)}  ${directionText(change.direction)}${placeText(change.at)}`,
    ),
    ...(routes.length + roles.length === 0 ? ['both decide the same'] : []),
    ...(live === null ? [] : liveLines(live)),
    ...(replay === null ? [] : replayLines(replay)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function routeText({ before, after, methods, hosts, parts }: RouteChange): string {
  const route = (after ?? before)!;
  const sign = before === null ? '+' : after === null ? '-' : '~';
  const where = hosts.length === 0 || route.hosts === null ? '' : ` on ${route.hosts.join(', ')}`;
  const head = `${sign} ${route.id}  ${methodsText(methods)} ${route.template}${where}`;
  if (before !== null && after !== null && before.id !== after.id)
    return `${head}  was matched by ${before.id} (${gateText(before)}), now by ${after.id} (${gateText(after)})`;
  if (after === null) return `${head}  ${gateText(before)} → refused`;
  if (before === null) return `${head}  ${gateText(after)}`;
  return `${head}  ${parts.map(partText).join('; ')}`;
}

function partText({ before, after }: PartChange): string {
  return `${before} → ${after}`;
}

function methodsText(methods: readonly string[]): string {
  const others = methods.includes('OTHER');
  const named = methods.filter((method) => method !== 'OTHER' && !(method === 'HEAD' && methods.includes('GET')));
  return others ? 'any method' : named.join(',');
}

function directionText(direction: Direction): string {
  return direction === 'narrower' ? WORDS[direction] : bad(WORDS[direction]);
}

function placeText(at: RouteChange['at']): string {
  return at === null ? '' : `  ${shortName(at.file)}:${at.line}`;
}

function liveLines({ tokens, isCut, flips }: TokensCompared): string[] {
  const count = (change: string) => flips.filter((flip) => flip.change === change).length;
  const most = isCut ? ', no more were looked at' : '';
  return [
    `tokens (${tokens} active${most}): allowed → refused ${count('allowed → refused')}; refused → allowed ${count('refused → allowed')}`,
    ...flips
      .slice(0, SHOWN_MAX)
      .map(({ token, route, change }) => `  ${token.id} ${JSON.stringify(token.name)} on ${route}: ${change}`),
    ...more(flips.length),
  ];
}

function replayLines({ decisions, same, changes }: Replayed): string[] {
  return [
    `replay (${decisions} decisions): ${same} same, ${decisions - same} not`,
    ...changes.slice(0, SHOWN_MAX).map(({ verdict, token, count }) => {
      const what =
        verdict.kind === 'refused'
          ? `allowed → refused (${verdict.reason})`
          : verdict.kind === 'allowed'
            ? 'refused → allowed'
            : `unclear: ${verdict.why}`;
      return `  ${count} × ${token ?? 'no token'} on ${verdict.route}: ${what}`;
    }),
    ...more(changes.length),
  ];
}

function more(count: number): string[] {
  return count > SHOWN_MAX ? [`  and ${count - SHOWN_MAX} more`] : [];
}

function json({ routes, roles, live, replay }: RulesComparison): string {
  const place = (at: RouteChange['at']) =>
    at === null ? {} : { file: shortName(at.file), line: at.line, column: at.column };
  const shown = {
    routes: routes.map(({ before, after, methods, hosts, direction, parts, at }) => ({
      ...{ before: before?.id ?? null, after: after?.id ?? null, template: (after ?? before)!.template },
      ...{ methods, hosts, direction, parts, ...place(at) },
    })),
    roles: roles.map(({ at, ...change }) => ({ ...change, ...place(at) })),
    tokens:
      live === null
        ? null
        : { ...live, flips: live.flips.map(({ token, ...flip }) => ({ token: token.id, name: token.name, ...flip })) },
    replay,
  };
  return `${JSON.stringify(shown)}\n`;
}

function github(comparison: RulesComparison): string {
  const title = 'scopegate diff';
  const level = (direction: Direction) => (direction === 'narrower' ? 'notice' : 'warning');
  const notes = [
    ...comparison.routes.map((change) => ({ ...change, message: `${routeText(change)} (${WORDS[change.direction]})` })),
    ...comparison.roles.map((change) => ({
      ...change,
      message: `role ${change.role}: ${partText(change)} (${WORDS[change.direction]})`,
    })),
  ];
  return notes
    .map(({ at, direction, message }) =>
      at === null
        ? githubRemark(level(direction), title, message)
        : githubNote(level(direction), title, { ...at, message }),
    )
    .join('');
}
