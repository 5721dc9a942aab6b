// What can be done to a camera itself: moving it, its presets, its outputs, day and night; only what it can, and who may.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Camera, DayNight, OnvifCapabilities, PtzPreset } from '../../../src/api/contract.ts';
import { type ApiError, call, type Result } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Choices } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { toast } from '../components/toast.tsx';
import { isAtLeast } from '../routes.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { me } from '../state.ts';
import { PtzPad } from './ptz-pad.tsx';
import { ptzNames, ptzWords } from './ptz-words.ts';

const FILTERS = ['auto', 'day', 'night'] as const;

/** Undefined when there is nothing that the reader may do to it. */
export function ptzTitle({ can }: Camera): string | undefined {
  if (!me.value?.rights.includes('ptz')) return undefined;
  if (can.ptz) return ptzWords('title');
  return (can.relays || can.dayNight) && mayKeep() ? ptzWords('switches') : undefined;
}

function mayKeep(): boolean {
  return isAtLeast(me.value?.role, 'operator');
}

export function PtzPanel({ camera: { id, can }, title }: { camera: Camera; title: string }) {
  const [refused, setRefused] = useState<ApiError>();
  const panel = useRef<HTMLElement>(null);
  const info = useAnswer(signal => call('GET /api/cameras/{id}/onvif', { params: { id } }, { signal }));
  const { capabilities } = info.value ?? {};
  const { ptz } = capabilities ?? {};
  // Whoever opened it wants to move it: arrows work at once.
  useEffect(() => panel.current?.querySelector<HTMLElement>('.ptz-arrows button')?.focus(), [ptz === undefined]);
  const error = refused ?? info.error;
  /** Shows what is refused. */
  const act = async (work: Promise<Result<unknown>>, done?: string) => {
    const answer = await work;
    setRefused(answer.is === 'error' ? answer.error : undefined);
    if (answer.is === 'ok' && done !== undefined) toast(done, { tone: 'ok' });
    return answer;
  };
  return (
    <section class="ptz card" aria-label={title} ref={panel}>
      {error && <ErrorNote error={error} />}
      {can.ptz && ptz && <PtzPad camera={id} can={ptz} onError={setRefused} />}
      {can.ptz && ptz && <Places id={id} can={ptz} hasPresets={can.presets} act={act} />}
      {mayKeep() && can.relays && <Relays id={id} relays={capabilities?.relays ?? []} act={act} />}
      {mayKeep() && can.dayNight && <DayOrNight id={id} act={act} />}
    </section>
  );
}

type Act = (work: Promise<Result<unknown>>, done?: string) => Promise<Result<unknown>>;

interface PlacesProps {
  id: number;
  can: NonNullable<OnvifCapabilities['ptz']>;
  hasPresets: boolean;
  act: Act;
}

function Places({ id, can, hasPresets, act }: PlacesProps) {
  const params = { id };
  const { value, error, again } = useAnswer(signal =>
    hasPresets
      ? call('GET /api/cameras/{id}/ptz/presets', { params }, { signal })
      : Promise.resolve({ is: 'aborted' as const }),
  );
  const presets = value?.presets ?? [];
  const goTo = (preset: string) =>
    void act(call('POST /api/cameras/{id}/ptz', { params, body: { action: 'preset', preset } }));
  const home = (action: 'home' | 'keep-home', done?: string) =>
    void act(call('POST /api/cameras/{id}/ptz', { params, body: { action } }), done);
  if (!hasPresets && !can.home) return null;
  return (
    <div class="stack">
      <h2>{ptzWords('presets')}</h2>
      {error && <ErrorNote error={error} />}
      <div class="row">
        {can.home && <Button text={ptzWords('home')} onClick={() => home('home')} />}
        {presets.map(({ token, name }) => (
          <Button key={token} text={name} onClick={() => goTo(token)} />
        ))}
        {value && presets.length === 0 && <p class="quiet">{ptzWords('none')}</p>}
      </div>
      {mayKeep() && (
        <details>
          <summary>{ptzWords('edit')}</summary>
          <div class="stack">
            {hasPresets && <Keep id={id} presets={presets} act={act} onKept={again} />}
            {can.home && (
              <div class="row">
                <Button text={ptzWords('keepHome')} onClick={() => home('keep-home', ptzWords('homeKept'))} />
              </div>
            )}
          </div>
        </details>
      )}
    </div>
  );
}

interface KeepProps {
  id: number;
  presets: readonly PtzPreset[];
  act: Act;
  onKept(): Promise<void>;
}

function Keep({ id, presets, act, onKept }: KeepProps) {
  const params = { id };
  const keep = async ({ name: typed }: { name?: unknown }) => {
    const name = String(typed ?? '').trim();
    const known = presets.find(preset => preset.name === name);
    const body = known ? { name, token: known.token } : { name };
    const answer = await call('POST /api/cameras/{id}/ptz/presets', { params, body });
    if (answer.is !== 'ok') return answer;
    toast(ptzWords('kept', { name }), { tone: 'ok' });
    await onKept();
    return answer;
  };
  const remove = async ({ token, name }: PtzPreset) => {
    const work = call('DELETE /api/cameras/{id}/ptz/presets', { params, query: { token } });
    const answer = await act(work, ptzWords('removed', { name }));
    if (answer.is === 'ok') await onKept();
  };
  return (
    <>
      <Form
        schema={[
          { key: 'name', kind: 'text', label: ptzWords('name'), hint: ptzWords('nameHint'), maxLength: 64 } as const,
        ]}
        value={{}}
        onSave={keep}
        action={ptzWords('keep')}
        effect=""
      />
      <div class="row">
        {presets.map(preset => (
          <Button
            key={preset.token}
            icon="trash"
            text={ptzWords('remove', { name: preset.name })}
            onClick={() => void remove(preset)}
          />
        ))}
      </div>
    </>
  );
}

interface RelaysProps {
  id: number;
  relays: OnvifCapabilities['relays'];
  act: Act;
}

function Relays({ id, relays, act }: RelaysProps) {
  return (
    <div class="stack">
      {relays.map(({ token, mode }) => {
        const name = token;
        const turn = (on: boolean) => {
          const work = call('POST /api/cameras/{id}/relay', { params: { id }, body: { relay: token, on } });
          void act(work, ptzWords('switched', { name }));
        };
        return (
          <fieldset class="row" key={token} aria-label={ptzWords('relay', { name })}>
            <span>{ptzWords('relay', { name })}</span>
            {mode === 'Monostable' ? (
              <Button text={ptzWords('pulse')} onClick={() => turn(true)} />
            ) : (
              <>
                <Button text={ptzWords('on')} onClick={() => turn(true)} />
                <Button text={ptzWords('off')} onClick={() => turn(false)} />
              </>
            )}
          </fieldset>
        );
      })}
    </div>
  );
}

function DayOrNight({ id, act }: { id: number; act: Act }) {
  const params = { id };
  const { value, error, again } = useAnswer(signal => call('GET /api/cameras/{id}/day-night', { params }, { signal }));
  const set = async (mode: DayNight) => {
    await act(call('POST /api/cameras/{id}/day-night', { params, body: { mode } }));
    await again();
  };
  return (
    <div class="row">
      <span>{ptzWords('dayNight')}</span>
      <Choices<DayNight | ''>
        label={ptzWords('dayNight')}
        value={value?.mode ?? ''}
        options={FILTERS.map(mode => ({ value: mode, label: ptzNames(mode) }))}
        onPick={mode => mode !== '' && void set(mode)}
      />
      {error && <ErrorNote error={error} />}
    </div>
  );
}
