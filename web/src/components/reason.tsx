// Why something is not there, since when, and what to do.
import { clock, moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { type ReasonKind, reasonWords } from './reasons.ts';

export interface ReasonProps {
  kind: ReasonKind;
  sinceMs?: number | undefined;
  cure?: string | undefined;
  /** Today's times only, as on a tile. */
  short?: boolean;
}

export function Reason({ kind, sinceMs, cure, short }: ReasonProps) {
  const since = sinceMs ? (short ? clock(sinceMs, zone(), false) : moment(sinceMs, zone(), now())) : '';
  return (
    <span class="reason">
      {reasonWords(kind)}
      {since && ` since ${since}`}
      {cure && <span class="quiet"> {cure}</span>}
    </span>
  );
}
