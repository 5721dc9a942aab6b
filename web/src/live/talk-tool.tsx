// The button to speak to a camera: hold it, or tap it so that it stays on; how loud one is; and why it is not there where it is not.
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../components/icon.tsx';
import { ErrorNote, Note, sentence } from '../components/notes.tsx';
import { talkNames, talkWords } from './talk-words.ts';
import type { Talking } from './use-talk.ts';

export function TalkTool({ talking }: { talking: Talking }) {
  const { state, isOn, down, up, slip, toggle } = talking;
  const keyed = (event: KeyboardEvent, act: () => void) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    if (!event.repeat) act();
  };
  return (
    <>
      <button
        type="button"
        class="button talk"
        aria-pressed={isOn}
        aria-label={isOn ? undefined : talkWords('how')}
        title={talkWords('how')}
        onPointerDown={event => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          down();
        }}
        onPointerUp={up}
        onPointerCancel={slip}
        onKeyDown={event => keyed(event, down)}
        onKeyUp={event => keyed(event, up)}
        onFocusOut={slip}
        onContextMenu={event => event.preventDefault()}
        // Of pointers and keys more is known; screen readers only press.
        onClick={event => event.detail === 0 && toggle()}
      >
        <Icon name="talk" />
        {state && state.is !== 'ended' ? talkNames(state.is) : talkWords('talk')}
      </button>
      {state?.is === 'talking' && <Level level={talking.level} />}
    </>
  );
}

function Level({ level }: Pick<Talking, 'level'>) {
  const meter = useRef<HTMLMeterElement>(null);
  useEffect(() => {
    let frame = 0;
    const turn = () => {
      if (meter.current) meter.current.value = level();
      frame = requestAnimationFrame(turn);
    };
    turn();
    return () => cancelAnimationFrame(frame);
  }, []);
  return <meter ref={meter} class="talk-level" min="0" max="1" aria-label={talkWords('level')} />;
}

/** Why nobody was heard; who else is. */
export function TalkNote({ talking: { state, isOn, by } }: { talking: Talking }) {
  if (by !== undefined && !isOn) return <Note>{talkWords('other', { name: by })}</Note>;
  if (state?.is !== 'ended') return null;
  const { why, message = '', cure, wasHeard } = state;
  const text = talkWords(wasHeard ? 'ended' : 'failed', {
    why: why ? talkNames(why) : message && sentence(message),
  }).trim();
  return <ErrorNote error={{ kind: 'unavailable', message: text, ...(cure ? { cure } : {}) }} />;
}
