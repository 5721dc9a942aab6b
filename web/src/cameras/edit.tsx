// The settings of a camera, in sections that are saved one by one, each with what saving does.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Camera } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Confirm } from '../components/dialog.tsx';
import { Form, type FormField } from '../components/form.tsx';
import { Empty, ErrorNote, Note, sentence } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { bytes, memory } from '../quantities.ts';
import { go, href } from '../router.ts';
import type { PageProps } from '../routes.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { shellWords } from '../shell/shell-words.ts';
import { allCameras, cameraIds, cameraSignal, isKnown, problems, removeCamera } from '../state.ts';
import { cameraWords } from './camera-words.ts';
import { change } from './change.ts';
import { connectionFields, EVENTS, GENERAL, RECORDING, RETENTION } from './fields.ts';
import { OnvifSection } from './onvif-section.tsx';
import { type Draft, draftOf, pastBytes, patchOf } from './paths.ts';
import { WeekEditor } from './week-editor.tsx';

export default function EditCameraPage({ params }: PageProps) {
  const known = cameraIds.value.includes(Number(params.id));
  const camera = known ? cameraSignal(Number(params.id))?.value : undefined;
  if (camera) return <Sections key={camera.id} camera={camera} />;
  return (
    <div class="page">
      <PageHead title={cameraWords('title')} />
      {isKnown.value && <Empty icon="camera" title={cameraWords('gone')} />}
    </div>
  );
}

function Sections({ camera }: { camera: Camera }) {
  const { id, name, provisioned, demo } = camera;
  const others = allCameras().filter(other => other.id !== id);
  const also = others.map(
    (other): FormField => ({
      ...{ key: `also.${other.id}`, kind: 'flag', label: cameraWords('also', { name: other.name }) },
    }),
  );
  return (
    <div class="page stack">
      <PageHead title={name} section={cameraWords('title')}>
        <a class="button" href={href('set/cameras')}>
          {cameraWords('title')}
        </a>
        <a class="button" href={href(`cam/${id}`)}>
          {cameraWords('live')}
        </a>
      </PageHead>
      <CameraProblems id={id} />
      {demo && <Note>{cameraWords('demo')}</Note>}
      {provisioned === undefined ? (
        <div class="cam-sections">
          <Section camera={camera} title={cameraWords('general')} schema={GENERAL} />
          <Section
            camera={camera}
            title={cameraWords('connection')}
            schema={connectionFields(camera)}
            effect={cameraWords('connectionEffect')}
          />
          <Section camera={camera} title={cameraWords('recording')} schema={RECORDING} />
          <Week camera={camera} />
          <Section camera={camera} title={cameraWords('event')} schema={[...EVENTS, ...also]}>
            {draft => <Past camera={camera} draft={draft} />}
          </Section>
          <Section camera={camera} title={cameraWords('keep')} schema={RETENTION}>
            {draft => <Holds camera={camera} draft={draft} />}
          </Section>
          <OnvifSection camera={camera} />
          <Remove camera={camera} />
        </div>
      ) : (
        <Note>{cameraWords('provisioned', { key: provisioned })}</Note>
      )}
    </div>
  );
}

/** What the board says is wrong with it, as it comes and goes. */
export function CameraProblems({ id }: { id: number }) {
  return (
    <>
      {problems.value
        .filter(({ camera }) => camera === id)
        .map(({ kind, message, cure }) => (
          <Note key={message} tone={kind === 'camera' ? 'danger' : 'warn'}>
            <p>{sentence(message)}</p>
            <p class="quiet">{cure}</p>
          </Note>
        ))}
    </>
  );
}

interface SectionProps {
  camera: Camera;
  title: string;
  schema: readonly FormField[];
  effect?: string;
  /** Below the form, with what is typed. */
  children?(draft: Draft): ComponentChildren;
}

function Section({ camera, title, schema, effect = cameraWords('atOnce'), children }: SectionProps) {
  const [draft, setDraft] = useState<Draft>({});
  const value = draftOf(
    camera,
    schema.map(({ key }) => key),
  );
  const save = async (changed: Draft) => {
    const answer = await change(camera.id, patchOf(changed, camera.events.alsoTrigger));
    if (answer.is === 'ok') setDraft({});
    if (answer.is === 'ok') toast(cameraWords('changed', { name: answer.value.name }), { tone: 'ok' });
    return answer;
  };
  return (
    <section class="card stack">
      <h2>{title}</h2>
      <Form schema={schema} value={value} onSave={save} onDraft={setDraft} effect={effect} />
      {children?.({ ...value, ...draft })}
    </section>
  );
}

function Past({ camera, draft }: { camera: Camera; draft: Draft }) {
  const { main } = camera.state;
  const size = pastBytes(
    Number(draft['events.preRollMs']) || 0,
    main?.bitrateBps || undefined,
    main?.gopMs || undefined,
  );
  return <p class="quiet dense">{cameraWords('memory', { size: memory(size) })}</p>;
}

/** The board's own forecast, asked again while numbers are typed. */
function Holds({ camera: { id }, draft }: { camera: Camera; draft: Draft }) {
  const days = draft['retention.days'];
  const quota = draft['retention.quotaBytes'];
  const query = {
    camera: id,
    ...(days === null || (Number.isInteger(days) && Number(days) > 0 && Number(days) <= 3650)
      ? { days: days as number | null }
      : {}),
    ...(quota === null || Number(quota) >= 2 ** 24
      ? { quotaBytes: quota === null ? null : Math.round(Number(quota)) }
      : {}),
  };
  const { value } = useAnswer(
    signal => call('GET /api/storage/forecast', { query }, { signal }),
    JSON.stringify(query),
  );
  const own = value?.cameras.find(({ camera }) => camera === id);
  if (!own || own.days === null) return null;
  const n = Number(own.days.toFixed(own.days < 10 ? 1 : 0));
  return (
    <p class="quiet dense" aria-live="polite">
      {cameraWords('willHold', { n, size: bytes(own.bytesPerDay) })}
    </p>
  );
}

function Week({ camera: { id, name, record } }: { camera: Camera }) {
  const [draft, setDraft] = useState<{ week: string | undefined }>();
  const [error, setError] = useState<ApiError>();
  const save = async () => {
    const answer = await change(id, { record: { schedule: draft?.week ?? null } });
    setError(answer.is === 'error' ? answer.error : undefined);
    if (answer.is !== 'ok') return;
    setDraft(undefined);
    toast(cameraWords('changed', { name }), { tone: 'ok' });
  };
  const week = draft ? draft.week : record.schedule;
  return (
    <section class="card stack">
      <h2>{cameraWords('week')}</h2>
      <WeekEditor week={week} onChange={next => setDraft({ week: next })} />
      {error && <ErrorNote error={error} />}
      <div class="row">
        <Button
          text={shellWords('save')}
          kind="primary"
          disabled={week === record.schedule}
          onClick={() => void save()}
        />
        {week !== record.schedule && <Button text={shellWords('revert')} onClick={() => setDraft(undefined)} />}
      </div>
    </section>
  );
}

function Remove({ camera: { id, name } }: { camera: Camera }) {
  const [footage, setFootage] = useState<'keep' | 'delete'>();
  const [error, setError] = useState<ApiError>();
  const remove = async () => {
    const query = { footage: footage ?? 'keep' } as const;
    // All its files one by one.
    const answer = await call('DELETE /api/cameras/{id}', { params: { id }, query }, { timeLimitMs: 120_000 });
    setFootage(undefined);
    if (answer.is === 'error') setError(answer.error);
    if (answer.is !== 'ok') return;
    removeCamera(id);
    toast(answer.value?.message ?? cameraWords('removed', { name }));
    go(href('set/cameras'));
  };
  const actions = { keep: cameraWords('removeKeep'), delete: cameraWords('removeAll') };
  return (
    <section class="card stack">
      <h2>{cameraWords('remove')}</h2>
      {error && <ErrorNote error={error} />}
      <div class="row">
        {(['keep', 'delete'] as const).map(wish => (
          <Button key={wish} kind="danger" text={`${actions[wish]}…`} onClick={() => setFootage(wish)} />
        ))}
      </div>
      {footage && (
        <Confirm
          title={cameraWords('remove')}
          action={actions[footage]}
          onConfirm={() => void remove()}
          onClose={() => setFootage(undefined)}
        >
          <p>{cameraWords('removeWords', { name })}</p>
          {footage === 'delete' && <p>{cameraWords('removeFootage')}</p>}
        </Confirm>
      )}
    </section>
  );
}
