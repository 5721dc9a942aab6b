// The pad that moves a camera: what is held moves it, by pointer or by key; letting go, leaving and looking away stop it.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PtzAbilities, PtzCommand } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Choices } from '../components/field.tsx';
import { Icon, type IconName } from '../components/icon.tsx';
import { PtzHold, stepOf, velocityOf } from './ptz-hold.ts';
import { ptzNames, ptzWords } from './ptz-words.ts';

const ARROWS = { ArrowUp: 'up', ArrowLeft: 'back', ArrowRight: 'forward', ArrowDown: 'down' } as const;
const ZOOMS = { '-': 'minus', '+': 'plus' } as const;
type Key = keyof typeof ARROWS | keyof typeof ZOOMS;
const SPEEDS = { slow: 0.25, medium: 0.6, fast: 1 } as const;
type Speed = keyof typeof SPEEDS;
/** How long a press lasts that says neither when it began nor when it ended, as those of screen readers. */
const NUDGE_MS = 400;
/** A move that takes longer is none. */
const SEND_MS = 5000;

export interface PtzPadProps {
  camera: number;
  can: PtzAbilities;
  /** Undefined = it did what was asked last. */
  onError(error: ApiError | undefined): void;
}

export function PtzPad({ camera, can, onError }: PtzPadProps) {
  const [speed, setSpeed] = useState<Speed>('medium');
  const { hold, send } = useHold(camera, onError);
  const keys = useRef(new Set<string>()).current;
  const move = (held: ReadonlySet<string>) => {
    const velocity = velocityOf(held, SPEEDS[speed]);
    if (can.continuous) hold.hold(velocity);
    else void send({ action: 'go-by', ...stepOf(velocity) });
  };
  const release = () => {
    keys.clear();
    hold.release();
  };
  const pressed = (event: KeyboardEvent) => {
    const key = keyOf(event);
    if (!key) return;
    event.preventDefault();
    if (event.repeat || keys.has(key)) return;
    keys.add(key);
    move(keys);
  };
  const released = (event: KeyboardEvent) => {
    const key = keyOf(event);
    if (!key || !keys.delete(key)) return;
    event.preventDefault();
    if (keys.size === 0) hold.release();
    else move(keys);
  };
  const button = (key: Key, icon: IconName) => (
    <button
      key={key}
      type="button"
      class="button"
      data-key={key}
      aria-label={ptzNames(key)}
      title={ptzNames(key)}
      onPointerDown={event => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        move(new Set([key]));
      }}
      onPointerUp={release}
      onPointerCancel={release}
      onLostPointerCapture={release}
      onContextMenu={event => event.preventDefault()}
      onClick={event => {
        // Of pointers and keys more is known.
        if (event.detail > 0 || hold.isHeld) return;
        move(new Set([key]));
        window.setTimeout(release, NUDGE_MS);
      }}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <fieldset
      class="ptz-pad"
      aria-label={ptzWords('title')}
      onKeyDown={pressed}
      onKeyUp={released}
      onFocusOut={() => keys.size > 0 && release()}
    >
      <div class="ptz-arrows">
        {(Object.keys(ARROWS) as (keyof typeof ARROWS)[]).map(key => button(key, ARROWS[key]))}
        <Button icon="pause" label={ptzWords('stop')} onClick={() => void send({ action: 'stop' })} />
      </div>
      {can.zoom && (
        <div class="row">{(Object.keys(ZOOMS) as (keyof typeof ZOOMS)[]).map(key => button(key, ZOOMS[key]))}</div>
      )}
      <Choices<Speed>
        label={ptzWords('speed')}
        value={speed}
        options={(Object.keys(SPEEDS) as Speed[]).map(value => ({ value, label: ptzNames(value) }))}
        onPick={setSpeed}
      />
      <p class="quiet dense">{can.continuous ? ptzWords('hint') : ptzWords('hintStep')}</p>
    </fieldset>
  );
}

/** Arrows and signs; Enter and space hold the button that has the focus. */
function keyOf({ key, target, ctrlKey, altKey, metaKey }: KeyboardEvent): string | undefined {
  if (ctrlKey || altKey || metaKey) return undefined;
  if (key === 'Enter' || key === ' ') return (target as HTMLElement).dataset.key;
  return key in ARROWS || key in ZOOMS || key === '=' ? key : undefined;
}

function useHold(camera: number, onError: PtzPadProps['onError']) {
  const told = useRef(onError);
  told.current = onError;
  const send = async (body: PtzCommand) => {
    const answer = await call('POST /api/cameras/{id}/ptz', { params: { id: camera }, body }, { timeLimitMs: SEND_MS });
    if (answer.is === 'error') told.current(answer.error);
    else if (body.action !== 'stop') told.current(undefined);
    return answer.is === 'ok';
  };
  const ref = useRef<PtzHold | undefined>(undefined);
  ref.current ??= new PtzHold({
    send,
    each: (ms, action) => {
      const timer = window.setInterval(action, ms);
      return () => clearInterval(timer);
    },
  });
  const hold = ref.current;
  useEffect(() => {
    const release = () => hold.release();
    const hidden = () => document.hidden && hold.release();
    addEventListener('blur', release);
    addEventListener('pagehide', release);
    document.addEventListener('visibilitychange', hidden);
    return () => {
      removeEventListener('blur', release);
      removeEventListener('pagehide', release);
      document.removeEventListener('visibilitychange', hidden);
      hold.release();
    };
  }, []);
  return { hold, send };
}
