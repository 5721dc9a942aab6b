// All cameras with how they are and what they take; the record mode or the login of several at once.
import { useState } from 'preact/hooks';
import type { Camera } from '../../../src/api/contract.ts';
import { address, call, type Result } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Check } from '../components/field.tsx';
import { Form, type FormField } from '../components/form.tsx';
import { Icon } from '../components/icon.tsx';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { reasonWords } from '../components/reasons.ts';
import { toast } from '../components/toast.tsx';
import { bytes } from '../quantities.ts';
import { href } from '../router.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { allCameras, cameraName, isKnown } from '../state.ts';
import { cameraNames, cameraWords } from './camera-words.ts';
import { change } from './change.ts';
import { MODES, userField } from './fields.ts';
import { type Draft, patchOf } from './paths.ts';

const BULK: readonly FormField[] = [
  {
    ...{ key: 'record.mode', kind: 'choice', label: cameraWords('mode') },
    options: [{ value: '', label: cameraWords('unchanged') }, ...MODES],
  },
  userField,
  { key: 'password', kind: 'password', label: cameraWords('password'), isSet: true },
];

export default function CamerasPage() {
  const [picked, setPicked] = useState<readonly number[]>([]);
  const [open, setOpen] = useState(false);
  const cameras = allCameras();
  const outlook = useAnswer(
    signal => call('GET /api/storage/forecast', {}, { signal }),
    cameras.map(({ id }) => id).join(),
  );
  const ours = cameras.filter(({ provisioned }) => provisioned === undefined).map(({ id }) => id);
  const chosen = picked.filter(id => ours.includes(id));
  const pick = (id: number, on: boolean) => setPicked(on ? [...chosen, id] : chosen.filter(other => other !== id));
  return (
    <div class="page stack">
      <PageHead title={cameraWords('title')} section={cameraWords('settings')}>
        <a class="button" data-kind="primary" href={href('set/cameras/add')}>
          <Icon name="plus" />
          {cameraWords('add')}
        </a>
      </PageHead>
      {isKnown.value && cameras.length === 0 && <Empty icon="camera" title={cameraWords('none')} />}
      {ours.length > 1 && (
        <div class="row">
          <Check
            label={cameraWords('all')}
            checked={chosen.length === ours.length}
            onChange={on => setPicked(on ? ours : [])}
          />
          <Button
            text={cameraWords('bulk', { n: chosen.length })}
            disabled={chosen.length === 0}
            onClick={() => setOpen(true)}
          />
        </div>
      )}
      <ul class="cam-list">
        {cameras.map(camera => (
          <Row
            key={camera.id}
            camera={camera}
            perDay={outlook.value?.cameras.find(one => one.camera === camera.id)?.bytesPerDay}
            picked={chosen.includes(camera.id)}
            onPick={on => pick(camera.id, on)}
          />
        ))}
      </ul>
      {open && <Bulk cameras={chosen} onClose={() => setOpen(false)} />}
    </div>
  );
}

interface RowProps {
  camera: Camera;
  perDay: number | undefined;
  picked: boolean;
  onPick(on: boolean): void;
}

function Row({ camera, perDay, picked, onPick }: RowProps) {
  const { id, name, state, record, enabled, provisioned } = camera;
  const mode = record.mode !== 'off' && record.schedule ? 'weekly' : record.mode;
  const isLive = state.name === 'live';
  const facts = [
    reasonWords(enabled ? (state.reason ?? state.name) : 'disabled'),
    `${cameraWords('mode')}: ${cameraNames(mode)}`,
    state.main && `${state.main.width}×${state.main.height}, ${Math.round(state.main.fps)}/s`,
    perDay && cameraWords('perDay', { size: bytes(perDay) }),
  ];
  return (
    <li class="card row">
      <input
        type="checkbox"
        aria-label={cameraWords('pick', { name })}
        checked={picked}
        disabled={provisioned !== undefined}
        onChange={event => onPick(event.currentTarget.checked)}
      />
      <a class="row grow" href={href(`set/cameras/${id}`)}>
        {isLive ? (
          <img
            loading="lazy"
            alt=""
            src={address('GET /api/cameras/{id}/snapshot.jpg', { params: { id }, query: { width: 192 } })}
          />
        ) : (
          <Icon name="offline" />
        )}
        <span class="grow">
          <strong>{name}</strong>
          <span class="quiet dense">{facts.filter(Boolean).join(' · ')}</span>
        </span>
      </a>
    </li>
  );
}

function Bulk({ cameras, onClose }: { cameras: readonly number[]; onClose(): void }) {
  const save = async (draft: Draft): Promise<Result<unknown>> => {
    for (const id of cameras) {
      const answer = await change(id, patchOf(draft));
      if (answer.is === 'error') {
        const message = `${cameraName(id)}: ${answer.error.message}`;
        return { ...answer, error: { ...answer.error, message } };
      }
      if (answer.is !== 'ok') return answer;
    }
    toast(cameraWords('bulkDone', { n: cameras.length }), { tone: 'ok' });
    onClose();
    return { is: 'aborted' };
  };
  return (
    <Dialog title={cameraWords('bulk', { n: cameras.length })} onClose={onClose}>
      <Form schema={BULK} value={{ 'record.mode': '' }} onSave={save} />
    </Dialog>
  );
}
