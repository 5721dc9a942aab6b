// Adding a camera by its address: tried first, with its streams in figures; then how it is kept; then its picture.
import { useRef, useState } from 'preact/hooks';
import type { NewCamera } from '../../../src/api/contract.ts';
import { type ApiError, address as addressOf, call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { PasswordField, SelectField, TextField } from '../components/field.tsx';
import { Form, words } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { bytes, memory } from '../quantities.ts';
import { href } from '../router.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { cameraIds, cameraSignal, setCamera } from '../state.ts';
import { cameraWords } from './camera-words.ts';
import { CameraProblems } from './edit.tsx';
import { daysField, modeField, nameField, postField, preField } from './fields.ts';
import { type Draft, MAKES, nested, pastBytes, streamUrls } from './paths.ts';
import { type Stream, type Tried, TriedStreams } from './tried-streams.tsx';
import { WeekEditor } from './week-editor.tsx';

interface Where {
  address: string;
  make: string;
  sub: string;
  username: string;
  password: string;
}

const NOWHERE: Where = { address: '', make: '', sub: '', username: '', password: '' };

export default function AddCameraPage() {
  const [where, setWhere] = useState(NOWHERE);
  const [tried, setTried] = useState<Tried>();
  const [added, setAdded] = useState<number>();
  const next = () => {
    setAdded(undefined);
    setTried(undefined);
    setWhere({ ...where, address: '', sub: '' });
  };
  const moved = (changed: Where) => {
    setWhere(changed);
    setTried(undefined);
  };
  return (
    <div class="page stack cam-add">
      <PageHead key={added} title={cameraWords('add')} section={cameraWords('title')} />
      {added === undefined ? (
        <>
          <WhereCard where={where} onChange={moved} onTried={setTried} />
          {tried && <TriedStreams tried={tried} onChange={setTried} />}
          {tried?.main.result.ok && <Keep where={where} tried={tried} onAdded={setAdded} />}
        </>
      ) : (
        <Done id={added} onNext={next} />
      )}
    </div>
  );
}

interface WhereProps {
  where: Where;
  onChange(where: Where): void;
  onTried(tried: Tried | undefined): void;
}

function WhereCard({ where, onChange, onTried }: WhereProps) {
  const [error, setError] = useState<{ at: string; error: ApiError }>();
  const [busy, setBusy] = useState(false);
  const { username, password } = where;
  const latest = useRef(where);
  latest.current = where;
  const urls = streamUrls(where);
  const shown = [urls.main, urls.sub].filter(Boolean).join(', ');
  const probe = async (url: string, at: string): Promise<Stream | undefined> => {
    const body = { url, username: username || null, password: password || null };
    const answer = await call('POST /api/cameras/probe', { body }, { timeLimitMs: 15_000 });
    if (answer.is === 'error')
      setError({ at: answer.error.field === 'url' ? at : (answer.error.field ?? ''), error: answer.error });
    return answer.is === 'ok' ? { url, result: answer.value } : undefined;
  };
  const test = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    onTried(undefined);
    const main = await probe(urls.main, 'address');
    // One wrong password is enough: cameras lock accounts.
    const sub = main?.result.ok && urls.sub ? await probe(urls.sub, 'sub') : undefined;
    setBusy(false);
    // Of what was typed meanwhile it says nothing.
    if (main && latest.current === where) onTried({ main, ...(sub ? { sub } : {}) });
  };
  const field = (key: keyof Where) => ({
    value: where[key],
    error: error?.at === key ? words(error.error) : undefined,
    onInput: (text: string) => onChange({ ...where, [key]: text }),
  });
  const placed = error && Object.hasOwn(where, error.at);
  return (
    <section class="card">
      <form class="stack" noValidate onSubmit={event => void test(event)}>
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
        {(where.make === '' || where.address.includes('://')) && (
          <TextField {...field('sub')} label={cameraWords('sub')} hint={cameraWords('subHint')} inputMode="url" />
        )}
        <TextField {...field('username')} label={cameraWords('user')} />
        <PasswordField
          {...field('password')}
          label={cameraWords('password')}
          hint={cameraWords('passwordHint')}
          autoComplete="off"
        />
        {error && !placed && <ErrorNote error={error.error} />}
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

const DEFAULTS = { 'record.mode': 'continuous', 'events.preRollMs': 5000, 'events.postRollMs': 10_000 };
const KEEP = [nameField, modeField, preField, postField, daysField];

interface KeepProps {
  where: Where;
  tried: Tried;
  onAdded(id: number): void;
}

function Keep({ where: { username, password }, tried: { main, sub }, onAdded }: KeepProps) {
  const [draft, setDraft] = useState<Draft>({});
  const [week, setWeek] = useState<string>();
  const add = async (typed: Draft) => {
    const written = nested({ ...typed, 'record.schedule': week ?? null });
    // The board fills in what is left out.
    const body = {
      ...written,
      main: { url: main.url },
      sub: sub?.result.ok ? { url: sub.url } : null,
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
