// Logging in and out, and what is asked for right behind it.
import type { LoggedIn, Me, Update } from '../../src/api/contract.ts';
import { call, type Result } from './api.ts';
import { Bus } from './bus.ts';
import { dropEarly, earlySentMs, rememberGrid } from './early.ts';
import { isKept, prefer, preferences } from './preferences.ts';
import { go, href, place } from './router.ts';
import { signInAgain } from './sign-in.ts';
import { areGroupsKnown, forgetAll, groups, me, onUpdate, unseenEvents } from './state.ts';
import { boardAheadMs } from './zone.ts';

/** Of the one page that there is. */
let bus: Bus | undefined;

/** What the board says about who we are. `setup`: there is no account yet; `unreachable`: or it is just starting. */
export type Standing = 'in' | 'out' | 'setup' | 'unreachable';

/** Asks who we are; when logged in, everything else begins. */
export async function enter(): Promise<Standing> {
  // Browsers write each refused request into the console: nobody is asked for whom there is no sign.
  return preferences.value.wasIn || !isKept() ? asked() : outside();
}

async function asked(): Promise<Standing> {
  // The first answer may have been asked for before this program was there.
  const sentMs = bus ? Date.now() : (earlySentMs ?? Date.now());
  if (!bus) {
    bus = new Bus({ mayConnect });
    onUpdate(follow);
  }
  // Both at once: pictures wait for either.
  if (preferences.value.wasIn) bus.start();
  const answer = await call('GET /api/me', {}, { quiet: true });
  if (answer.is === 'ok') {
    take(answer.value, sentMs);
    prefer({ wasIn: true });
    bus.start();
    void refreshGroups();
    void refreshUnseen();
    return 'in';
  }
  // Whoever has a page open keeps it, with what is typed there.
  if (!me.value) {
    bus.stop();
    dropEarly();
    forgetAll();
  }
  if (isAway(answer)) return 'unreachable';
  if (answer.is === 'error' && answer.status === 401) forgetDevice();
  return outside();
}

async function outside(): Promise<Standing> {
  const setup = await call('GET /api/setup', {}, { quiet: true });
  if (setup.is === 'ok') return setup.value.open ? 'setup' : 'out';
  return isAway(setup) ? 'unreachable' : 'out';
}

/** Not reached, or reached while it starts or stops. */
function isAway(answer: Result<unknown>): boolean {
  return answer.is === 'error' && (answer.status === 0 || answer.status >= 502);
}

function take(answer: Me, sentMs: number): void {
  boardAheadMs.value = ahead(answer.boardTimeMs, sentMs);
  me.value = answer;
}

let counting = 0;
/** Events come in bursts. */
const COUNT_AFTER_MS = 2000;

/** What the board tells of is taken in by then; this is what follows from it. */
function follow(update: Update): void {
  if ('ping' in update || update.type !== 'event' || ('event' in update && update.event.endMs !== undefined)) return;
  clearTimeout(counting);
  counting = window.setTimeout(() => void refreshUnseen(), COUNT_AFTER_MS);
}

/** Clocks that agree to the second need no correction, and the way to the board takes some of that. */
function ahead(boardMs: number, sentMs: number): number {
  const middleMs = (sentMs + Date.now()) / 2;
  const difference = boardMs - middleMs;
  return Math.abs(difference) < 2000 ? 0 : Math.round(difference);
}

/** False while the board does not answer; who is not logged in any more is asked to. */
async function mayConnect(): Promise<boolean> {
  const sentMs = Date.now();
  const answer = await call('GET /api/me', {}, { quiet: true, timeLimitMs: 5000 });
  if (answer.is === 'error' && answer.status === 401) return signInAgain();
  if (answer.is === 'ok') take(answer.value, sentMs);
  return answer.is === 'ok';
}

/** Tries name and password; the board sets the cookie. */
export async function signIn(name: string, password: string): Promise<Result<LoggedIn>> {
  const answer = await call('POST /api/login', { body: { name, password } }, { quiet: true });
  if (answer.is === 'ok') prefer({ wasIn: true });
  return answer;
}

export async function signOut(): Promise<void> {
  await call('POST /api/logout', {}, { quiet: true });
  leave();
}

function forgetDevice(): void {
  prefer({ wasIn: false });
  rememberGrid([], 0);
}

/** To the login page. */
export function leave(): void {
  bus?.stop();
  forgetAll();
  forgetDevice();
  go(href('login'));
}

/** Where to go after logging in. */
export function wantedAddress(): string {
  const next = place.value.query.get('next');
  return next?.startsWith('/') ? `#${next}` : href('');
}

export async function refreshGroups(): Promise<void> {
  const answer = await call('GET /api/groups', {});
  if (answer.is !== 'ok') return;
  groups.value = answer.value.groups;
  areGroupsKnown.value = true;
}

/** At most so many are counted: beyond that the number says nothing more. */
const MOST_COUNTED = 100;

export async function refreshUnseen(): Promise<void> {
  const answer = await call('GET /api/events', { query: { reviewed: false, limit: MOST_COUNTED } });
  if (answer.is === 'ok') unseenEvents.value = answer.value.events.length;
}
