// Opens the timeline at a day and a time, from wherever one is.
import { useState } from 'preact/hooks';
import { Dialog } from '../components/dialog.tsx';
import { Field, TextField } from '../components/field.tsx';
import { go, href, place } from '../router.ts';
import { clock, dayOf, instantOf, parseClock } from '../time.ts';
import { words } from '../words.ts';
import { now, zone } from '../zone.ts';
import type { WindowProps } from './global-keys.tsx';

const goWords = words('go', {
  title: 'Go to a time',
  day: 'Day',
  time: 'Time',
  timeHint: 'As in 14:05, 14:05:20 or 2 pm.',
  wrong: 'This is no time of day.',
  go: 'Show',
});

export function GoToTimeWindow({ onClose }: WindowProps) {
  const [day, setDay] = useState(dayOf(now(), zone()));
  const [time, setTime] = useState(clock(now(), zone(), false));
  const [wrong, setWrong] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const timeMs = parseClock(time);
    if (timeMs === undefined || !/^\d{4}-\d\d-\d\d$/.test(day)) return setWrong(true);
    onClose();
    go(href('time', { c: camerasHere(), t: instantOf(day, timeMs, zone()) }));
  };
  return (
    <Dialog title={goWords('title')} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        <Field label={goWords('day')}>
          {({ id }) => (
            <input
              class="input"
              id={id}
              type="date"
              value={day}
              max={dayOf(now(), zone())}
              onInput={event => setDay(event.currentTarget.value)}
            />
          )}
        </Field>
        <TextField
          label={goWords('time')}
          hint={goWords('timeHint')}
          error={wrong && parseClock(time) === undefined ? goWords('wrong') : undefined}
          value={time}
          onInput={setTime}
        />
        <button type="submit" class="button" data-kind="primary">
          {goWords('go')}
        </button>
      </form>
    </Dialog>
  );
}

/** Those that are looked at now; undefined = as the timeline likes. */
function camerasHere(): string | undefined {
  const { parts, query } = place.value;
  if (parts[0] === 'cam') return parts[1];
  return parts[0] === 'time' ? (query.get('c') ?? undefined) : undefined;
}
