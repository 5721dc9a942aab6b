// One line above the page about what concerns all pages: the gravest thing wins.
import { useEffect, useState } from 'preact/hooks';
import { connection, lostSinceMs } from '../bus.ts';
import { Icon, type IconName } from '../components/icon.tsx';
import { href } from '../router.ts';
import { hasPage } from '../routes.ts';
import { problems, system } from '../state.ts';
import { clock, lengthWords } from '../time.ts';
import { boardAheadMs, zone } from '../zone.ts';
import { shellWords } from './shell-words.ts';

interface Message {
  icon: IconName;
  tone: 'warn' | 'danger';
  text: string;
  hint?: string;
  action?: { label: string; href?: string; onClick?(): void };
}

/** Nothing of these is recorded until somebody does something. */
const STOPS_STORAGE: ReadonlySet<string> = new Set(['volume-missing', 'no-space', 'index-unwritable']);

/** Where no time server sets the clock of the board, it is believed as long as it agrees with this device's so far. */
const WRONG_CLOCK_MS = 60_000;

/** A socket that comes back within a moment is no news. */
const GRACE_MS = 1500;

export function Banner() {
  const lost = useLost();
  const version = useVersion();
  const message = messageOf(lost, version);
  return (
    <div role="status" aria-live="polite">
      {message && (
        <div class="banner" data-tone={message.tone}>
          <Icon name={message.icon} />
          <span>{message.text}</span>
          {message.hint && <span class="quiet">{message.hint}</span>}
          {message.action &&
            (message.action.href === undefined ? (
              <button type="button" class="button" onClick={message.action.onClick}>
                {message.action.label}
              </button>
            ) : (
              <a href={message.action.href}>{message.action.label}</a>
            ))}
        </div>
      )}
    </div>
  );
}

function messageOf(lost: boolean, hasNewVersion: boolean): Message | undefined {
  const since = lostSinceMs.value;
  if (lost && since !== undefined)
    return {
      icon: 'offline',
      tone: 'danger',
      text: shellWords('lost', { time: clock(since, zone()) }),
      hint: shellWords('lostHint'),
    };
  const look = hasPage('health') ? { action: { label: shellWords('look'), href: href('health') } } : {};
  const stopped = problems.value.find(({ kind }) => STOPS_STORAGE.has(kind));
  if (stopped)
    return { icon: 'storage', tone: 'danger', text: shellWords('storageStopped', { what: stopped.message }), ...look };
  const wrongMs = Math.abs(boardAheadMs.value);
  if (system.value?.clockTrusted === false && wrongMs > WRONG_CLOCK_MS)
    return {
      icon: 'timeline',
      tone: 'warn',
      text: shellWords('clockNotTrusted', { n: lengthWords(wrongMs) }),
      ...look,
    };
  if (hasNewVersion)
    return {
      icon: 'refresh',
      tone: 'warn',
      text: shellWords('updateReady'),
      action: { label: shellWords('reload'), onClick: () => location.reload() },
    };
  return undefined;
}

function useLost(): boolean {
  const [lost, setLost] = useState(false);
  const now = connection.value === 'lost';
  useEffect(() => {
    if (!now) return setLost(false);
    const timer = window.setTimeout(() => setLost(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return lost;
}

/** True once the board runs another version than the one that these pages came with. */
function useVersion(): boolean {
  const version = system.value?.version;
  const [first, setFirst] = useState<string>();
  useEffect(() => {
    if (version !== undefined) setFirst(known => known ?? version);
  }, [version]);
  return first !== undefined && version !== undefined && version !== first;
}
