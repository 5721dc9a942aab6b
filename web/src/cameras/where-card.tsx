// Where a camera is that is to be added, and who may see it there: one form, with what is wrong beside its field.
import { useEffect, useRef } from 'preact/hooks';
import { PasswordField, SelectField, TextField } from '../components/field.tsx';
import { words } from '../components/form.tsx';
import { ErrorNote, Note, sentence } from '../components/notes.tsx';
import { cameraWords } from './camera-words.ts';
import { TRANSPORTS } from './fields.ts';
import { onvifWords } from './onvif-words.ts';
import { MAKES } from './paths.ts';
import { LockNote } from './tried-onvif.tsx';
import type { Trial } from './use-trial.ts';
import { type Where, wayOf } from './where.ts';

export interface WhereCardProps {
  where: Where;
  trial: Trial;
  onChange(where: Where): void;
}

export function WhereCard({ where, trial, onChange }: WhereCardProps) {
  const { error, busy, problem, wrongLogins } = trial;
  const form = useRef<HTMLFormElement>(null);
  const typed = useRef(where.address);
  // Of a camera that was picked from the list only the login is missing. Whoever types is often ahead of what is drawn.
  useEffect(() => {
    const isHere = form.current?.contains(document.activeElement);
    if (where.address !== typed.current && where.address !== '' && !isHere)
      form.current?.querySelector<HTMLElement>('[name=camera-user]')?.focus();
    typed.current = where.address;
  }, [where.address]);
  const way = wayOf(where);
  const shown = way.is === 'rtsp' ? [way.main, way.sub].filter(Boolean).join(', ') : '';
  // Stays once it was there: whoever chose by its keys would lose the place.
  const isAsked = useRef(false);
  isAsked.current ||= way.is === 'rtsp' || !!(error ?? problem ?? trial.tried);
  const field = (key: keyof Where) => ({
    value: where[key],
    error: error?.at === key ? words(error.error) : undefined,
    onInput: (text: string) => {
      if (key === 'address') typed.current = text;
      onChange({ ...where, [key]: text });
    },
  });
  const transport = field('transport');
  const placed = error && Object.hasOwn(where, error.at);
  const test = (event: Event) => {
    event.preventDefault();
    void trial.test();
  };
  return (
    <section class="card">
      <form class="stack" noValidate onSubmit={test} ref={form}>
        <h2>{cameraWords('where')}</h2>
        <TextField
          {...field('address')}
          label={cameraWords('address')}
          hint={cameraWords('addressHint')}
          inputMode="url"
        />
        <SelectField<string>
          label={cameraWords('make')}
          hint={where.make === '' || shown === '' ? undefined : cameraWords('makeHint', { urls: shown })}
          value={where.make}
          options={[
            { value: '', label: cameraWords('otherMake') },
            ...Object.keys(MAKES).map(make => ({ value: make, label: make })),
          ]}
          onPick={make => onChange({ ...where, make })}
        />
        {where.address.includes('://') && way.is === 'rtsp' && (
          <TextField {...field('sub')} label={cameraWords('sub')} hint={cameraWords('subHint')} inputMode="url" />
        )}
        {isAsked.current && (
          <SelectField<string>
            label={cameraWords('comeBy')}
            value={transport.value}
            error={transport.error}
            options={TRANSPORTS}
            onPick={transport.onInput}
          />
        )}
        <TextField {...field('username')} label={cameraWords('user')} name="camera-user" />
        <PasswordField
          {...field('password')}
          label={cameraWords('password')}
          hint={cameraWords('passwordHint')}
          autoComplete="off"
        />
        {error && !placed && <ErrorNote error={error.error} />}
        {problem && (
          <Note tone="danger" alert>
            <p>{sentence(problem.message)}</p>
            <p class="quiet">{problem.cure}</p>
            {problem.kind !== 'unauthorized' && <p class="quiet">{onvifWords('otherWays')}</p>}
          </Note>
        )}
        {problem?.kind === 'unauthorized' && <LockNote wrongLogins={wrongLogins} />}
        <div class="row">
          <button type="submit" class="button" data-kind="primary" disabled={busy}>
            {cameraWords('test')}
          </button>
          <span class="quiet dense" aria-live="polite">
            {busy && cameraWords('testing')}
          </span>
        </div>
      </form>
    </section>
  );
}
