// Adding a camera: found in the network or by its address, tried with its streams in figures; then how it is kept; then its picture.
import { useState } from 'preact/hooks';
import type { NewCamera } from '../../../src/api/contract.ts';
import { address as addressOf, call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Form } from '../components/form.tsx';
import { Note } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { bytes, memory } from '../quantities.ts';
import { href } from '../router.ts';
import type { PageProps } from '../routes.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { cameraIds, cameraSignal, setCamera } from '../state.ts';
import { cameraWords } from './camera-words.ts';
import { CameraProblems } from './edit.tsx';
import { daysField, modeField, nameField, postField, preField } from './fields.ts';
import { FindCameras, useSearch } from './find-cameras.tsx';
import { type Draft, nested, pastBytes } from './paths.ts';
import { LockNote, TriedOnvif } from './tried-onvif.tsx';
import { type Tried, TriedStreams } from './tried-streams.tsx';
import { type Trial, useTrial } from './use-trial.ts';
import { WeekEditor } from './week-editor.tsx';
import { NOWHERE, type Where } from './where.ts';
import { WhereCard } from './where-card.tsx';

export default function AddCameraPage({ query }: PageProps) {
  const [where, setWhere] = useState(NOWHERE);
  const [added, setAdded] = useState<number>();
  const search = useSearch(query.has('find'));
  const trial = useTrial(where);
  const { tried, onvif } = trial;
  const moved = (changed: Where) => {
    setWhere(changed);
    trial.forget();
  };
  const next = () => {
    setAdded(undefined);
    moved({ ...where, address: '', sub: '' });
  };
  return (
    <div class="page stack cam-add">
      <PageHead key={added} title={cameraWords('add')} section={cameraWords('title')} />
      {added === undefined ? (
        <>
          <FindCameras search={search} onTake={({ address }) => moved({ ...where, address, make: '', sub: '' })} />
          <WhereCard where={where} trial={trial} onChange={moved} />
          {onvif && <TriedOnvif onvif={onvif} hasStreams={tried !== undefined} onChannel={trial.test} />}
          {tried && <TriedStreams tried={tried} onChange={trial.swap} />}
          {tried?.main.result.problem?.kind === 'unauthorized' && <LockNote wrongLogins={trial.wrongLogins} />}
          {tried?.main.result.ok && <Keep where={where} tried={tried} onvif={onvif} onAdded={setAdded} />}
        </>
      ) : (
        <Done id={added} onNext={next} />
      )}
    </div>
  );
}

const DEFAULTS = { 'record.mode': 'continuous', 'events.preRollMs': 5000, 'events.postRollMs': 10_000 };
const KEEP = [nameField, modeField, preField, postField, daysField];

interface KeepProps {
  where: Where;
  tried: Tried;
  onvif: Trial['onvif'];
  onAdded(id: number): void;
}

function Keep({ where: { username, password, transport }, tried: { main, sub }, onvif, onAdded }: KeepProps) {
  const [draft, setDraft] = useState<Draft>({});
  const [week, setWeek] = useState<string>();
  const add = async (typed: Draft) => {
    const written = nested({ ...typed, 'record.schedule': week ?? null });
    // The board fills in what is left out.
    const body = {
      ...written,
      main: { url: main.url, transport },
      sub: sub?.result.ok ? { url: sub.url, transport } : null,
      ...(onvif && { onvif: { address: onvif.address, ...(onvif.videoSource && { videoSource: onvif.videoSource }) } }),
      ...{ username: username || null, password: password || null },
    } as unknown as NewCamera;
    const answer = await call('POST /api/cameras', { body });
    if (answer.is !== 'ok') return answer;
    setCamera(answer.value);
    onAdded(answer.value.id);
    return { is: 'aborted' as const };
  };
  return (
    <section class="card stack">
      <h2>{cameraWords('how')}</h2>
      <details>
        <summary>{cameraWords('week')}</summary>
        <WeekEditor week={week} onChange={setWeek} />
      </details>
      <Costs draft={{ ...DEFAULTS, ...draft }} bitsPerSecond={main.result.streams[0]?.bitrateBps || 4e6} />
      <Form schema={KEEP} value={DEFAULTS} onSave={add} onDraft={setDraft} action={cameraWords('add')} effect="" />
    </section>
  );
}

function Costs({ draft, bitsPerSecond }: { draft: Draft; bitsPerSecond: number }) {
  const storage = useAnswer(signal => call('GET /api/storage', {}, { signal })).value;
  const perDay = (bitsPerSecond / 8) * 86_400;
  const free = Math.max(0, (storage?.freeBytes ?? 0) - (storage?.floorBytes ?? 0));
  const days = Number(draft['retention.days']) || 0;
  const n = Math.round(free / perDay);
  const size = memory(pastBytes(Number(draft['events.preRollMs']) || 0, bitsPerSecond));
  return (
    <p class="quiet dense">
      {cameraWords('writes', { size: bytes(perDay) })}{' '}
      {storage &&
        (days > 0
          ? cameraWords('needs', { n: days, size: bytes(perDay * days), free: bytes(free) })
          : cameraWords('holds', { n, free: bytes(free) }))}{' '}
      {cameraWords('memory', { size })}
    </p>
  );
}

function Done({ id, onNext }: { id: number; onNext(): void }) {
  const camera = cameraIds.value.includes(id) ? cameraSignal(id)?.value : undefined;
  if (!camera) return null;
  const { name, state } = camera;
  return (
    <section class="card stack">
      <Note tone="ok" alert>
        {cameraWords('added', { name })}
      </Note>
      {state.name === 'live' && state.lastPacketMs > 0 ? (
        <img
          alt={cameraWords('picture', { name })}
          src={addressOf('GET /api/cameras/{id}/snapshot.jpg', { params: { id }, query: { width: 640 } })}
        />
      ) : (
        <p class="quiet">{cameraWords('waiting')}</p>
      )}
      <CameraProblems id={id} />
      <div class="row">
        <a class="button" data-kind="primary" href={href(`cam/${id}`)}>
          {cameraWords('live')}
        </a>
        <Button text={cameraWords('next')} onClick={onNext} />
        <a class="button" href={href(`set/cameras/${id}`)}>
          {cameraWords('edit')}
        </a>
      </div>
    </section>
  );
}
