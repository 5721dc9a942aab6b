// The section about ONVIF of a camera's settings: how it is reached, how that goes, what it can do, notices and says.
import { useEffect, useState } from 'preact/hooks';
import type { Camera, OnvifInfo, OnvifLog } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Check } from '../components/field.tsx';
import { Form, type FormField } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { toast } from '../components/toast.tsx';
import { saveText } from '../settings/save-text.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { clock, moment } from '../time.ts';
import { labelWords } from '../timeline/labels.ts';
import { now, zone } from '../zone.ts';
import { cameraWords } from './camera-words.ts';
import { change } from './change.ts';
import { ONVIF_KINDS, onvifPatch, onvifValue } from './onvif-draft.ts';
import { OnvifFacts } from './onvif-facts.tsx';
import { onvifNames, onvifWords } from './onvif-words.ts';
import type { Draft } from './paths.ts';

const EACH_MS = 2000;

export function OnvifSection({ camera }: { camera: Camera }) {
  const [draft, setDraft] = useState<Draft>({});
  const { id, onvif } = camera;
  const value = onvifValue(onvif);
  const held = { ...value, ...draft };
  const save = async (changed: Draft) => {
    const answer = await change(id, onvifPatch(changed, value));
    if (answer.is === 'ok') setDraft({});
    if (answer.is === 'ok') toast(cameraWords('changed', { name: answer.value.name }), { tone: 'ok' });
    return answer;
  };
  return (
    <section class="card stack">
      <h2>{onvifWords('title')}</h2>
      <p class="quiet dense">{onvifWords('titleHint')}</p>
      {onvif && <Going key={JSON.stringify(onvif)} id={id} />}
      <Form
        schema={fields(held, onvif?.hasPassword === true)}
        value={value}
        onSave={save}
        onDraft={setDraft}
        effect={onvifWords('effect')}
      />
      {onvif && <Log id={id} />}
    </section>
  );
}

function fields(held: Draft, hasPassword: boolean): FormField[] {
  const address: FormField = {
    ...{ key: 'onvif.address', kind: 'text', label: onvifWords('address'), hint: onvifWords('addressHint') },
  };
  if (String(held['onvif.address'] ?? '').trim() === '') return [address];
  const flag = (key: string, label: string, hint?: string): FormField => ({
    ...{ key, kind: 'flag', label },
    ...(hint ? { hint } : {}),
  });
  const which: FormField = {
    ...{ key: 'which', kind: 'choice', label: onvifWords('which') },
    options: [
      { value: 'all', label: onvifWords('all') },
      { value: 'some', label: onvifWords('some') },
    ],
  };
  const isHttps = /^https:/i.test(String(held['onvif.address']).trim());
  return [
    address,
    { key: 'onvif.username', kind: 'text', label: onvifWords('user'), hint: onvifWords('userHint') },
    ...(held['onvif.username']
      ? [{ key: 'onvif.password', kind: 'password', label: cameraWords('password'), isSet: hasPassword } as const]
      : []),
    flag('onvif.events', onvifWords('events')),
    ...(held['onvif.events'] ? [which] : []),
    ...(held['onvif.events'] && held.which === 'some'
      ? ONVIF_KINDS.map(kind => flag(`kind.${kind}`, labelWords(kind)))
      : []),
    { key: 'onvif.videoSource', kind: 'text', label: onvifWords('source'), hint: onvifWords('sourceHint') },
    ...(isHttps || held['onvif.checkCertificate']
      ? [flag('onvif.checkCertificate', onvifWords('certificate'), onvifWords('certificateHint'))]
      : []),
    flag('onvif.allowBasic', onvifWords('basic'), onvifWords('basicHint')),
  ];
}

/** Followed while somebody looks. */
function Going({ id }: { id: number }) {
  const { value, error, again } = useAnswer(signal =>
    call('GET /api/cameras/{id}/onvif', { params: { id } }, { signal }),
  );
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && void again(true), EACH_MS);
    return () => clearInterval(timer);
  }, [id]);
  if (!value) return error ? <ErrorNote error={error} /> : null;
  const { state, capabilities, events, figures } = value;
  const { problem } = state;
  // What was opened stays open while an answer fails to come.
  return (
    <>
      {error && <ErrorNote error={error} />}
      {problem ? (
        <Note tone={state.name === 'ready' ? 'warn' : 'danger'}>
          <p>{problem.message}</p>
          <p class="quiet">{problem.cure}</p>
        </Note>
      ) : (
        <p>
          {stateWords(state)} {eventsWords(state)} {figures && onvifWords('counted', { n: figures.messages })}
        </p>
      )}
      {capabilities && (
        <details>
          <summary>{onvifWords('can')}</summary>
          <OnvifFacts capabilities={capabilities} />
        </details>
      )}
      {state.events !== 'off' && (
        <details>
          <summary>{onvifWords('noticed')}</summary>
          <Noticed events={events} />
        </details>
      )}
    </>
  );
}

type State = OnvifInfo['state'];

function stateWords({ name }: State): string {
  if (name === 'ready') return onvifWords('stateReady');
  if (name === 'waiting') return onvifWords('stateWaiting');
  if (name === 'failed') return onvifWords('stateFailed');
  return name === 'off' || name === 'closed' ? onvifWords('stateOff') : onvifWords('stateConnecting');
}

function eventsWords({ name, events, sinceMs }: State): string {
  if (name !== 'ready' || events === 'off') return '';
  if (events === 'live') return onvifWords('eventsLive');
  if (events === 'starting') return onvifWords('eventsStarting');
  if (events === 'absent') return onvifWords('eventsAbsent');
  return onvifWords('eventsInterrupted', { since: moment(sinceMs, zone(), now()) });
}

function Noticed({ events }: { events: OnvifInfo['events'] }) {
  if (events.length === 0) return <p class="quiet">{onvifWords('noticedNone')}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
    <ul class="set-log" tabIndex={0} aria-label={onvifWords('noticed')}>
      {[...events].reverse().map(({ arrivalMs, kind, change: how, topic, source, isUsed }, index) => (
        <li key={`${arrivalMs} ${events.length - index}`}>
          <span class="quiet">{clock(arrivalMs, zone())}</span> <strong>{labelWords(kind)}</strong> {onvifNames(how)}{' '}
          {!isUsed && <span class="tag">{onvifWords('unused')}</span>}{' '}
          <span class="quiet">
            {topic} {source}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Log({ id }: { id: number }) {
  const [asked, setAsked] = useState(false);
  return (
    <details onToggle={event => setAsked(event.currentTarget.open)}>
      <summary>{onvifWords('log')}</summary>
      {asked && <LogSwitch id={id} />}
    </details>
  );
}

function LogSwitch({ id }: { id: number }) {
  const params = { id };
  const { value, error, again } = useAnswer(signal => call('GET /api/cameras/{id}/onvif/log', { params }, { signal }));
  const isOn = value?.on === true;
  useEffect(() => {
    if (!isOn) return;
    const timer = window.setInterval(() => !document.hidden && void again(true), EACH_MS);
    return () => clearInterval(timer);
  }, [isOn]);
  const turn = async (on: boolean) => {
    const answer = await call('PUT /api/cameras/{id}/onvif/log', { params, body: { on } });
    if (answer.is === 'error') toast(answer.error.message, { tone: 'danger' });
    await again();
  };
  if (!value) return error ? <ErrorNote error={error} /> : null;
  const hint =
    value.untilMs === undefined ? onvifWords('logOff') : onvifWords('logHint', { time: clock(value.untilMs, zone()) });
  return (
    <div class="stack">
      {error && <ErrorNote error={error} />}
      <Check label={onvifWords('logOn')} hint={hint} checked={isOn} onChange={on => void turn(on)} />
      {isOn && (
        <div class="row">
          <Button
            icon="download"
            text={onvifWords('download')}
            disabled={value.entries.length === 0}
            onClick={() => saveText(`thimble-onvif-${id}.txt`, logText(value.entries), 'text/plain')}
          />
          <span class="quiet dense" aria-live="polite">
            {onvifWords('logLines', { n: value.entries.length })}
          </span>
        </div>
      )}
    </div>
  );
}

/** Times in UTC: whoever reads it may be elsewhere. */
export function logText(entries: OnvifLog['entries']): string {
  return entries
    .map(({ timeMs, direction, operation, status, text }) =>
      [new Date(timeMs).toISOString(), direction, operation, status ?? '', `\n${text}\n\n`].join(' '),
    )
    .join('');
}
