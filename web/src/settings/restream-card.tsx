// The streams that other programs may take from this board: whether and where, who watches, and by which logins.
import { useState } from 'preact/hooks';
import type { NewRestreamLogin, RestreamInfo, RestreamUser } from '../../../src/api/contract.ts';
import { meWords } from '../account/me-words.ts';
import { type ApiError, call, type Result } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Form, type FormField } from '../components/form.tsx';
import { ErrorNote, Note, sentence } from '../components/notes.tsx';
import { toast } from '../components/toast.tsx';
import { Copyable } from './copyable.tsx';
import { hubWords } from './hub-words.ts';
import { cameraFields, camerasOf, type Draft, powersDraft } from './powers.ts';
import { saveSection } from './save-section.ts';
import { useAnswer } from './use-answer.ts';

const SERVER: readonly FormField[] = [
  { key: 'enabled', kind: 'flag', label: hubWords('enabled') },
  { key: 'listen', kind: 'text', label: hubWords('listen'), hint: hubWords('listenHint'), maxLength: 64 },
];

export function RestreamCard({ isProvisioned }: { isProvisioned: boolean }) {
  const info = useAnswer(signal => call('GET /api/settings/restream', {}, { signal }));
  const [made, setMade] = useState<NewRestreamLogin>();
  const [error, setError] = useState<ApiError>();
  if (!info.value) return info.error ? <ErrorNote error={info.error} /> : null;
  const { enabled, listen, users } = info.value.settings;
  const told = async <T,>(work: Promise<Result<T>>) => {
    const answer = await work;
    setMade(undefined);
    setError(answer.is === 'error' ? answer.error : undefined);
    await info.again();
    return answer;
  };
  const renew = async (name: string) => {
    const answer = await told(call('POST /api/settings/restream/users/{name}/secret', { params: { name } }));
    if (answer.is === 'ok') setMade(answer.value);
  };
  const remove = async (name: string) => {
    const answer = await told(call('DELETE /api/settings/restream/users/{name}', { params: { name } }));
    if (answer.is === 'ok') toast(hubWords('removed', { name }));
  };
  return (
    <section class="card stack">
      <h2>{hubWords('restream')}</h2>
      <p class="quiet dense">{hubWords('restreamHint')}</p>
      <State state={info.value.state} />
      {isProvisioned ? (
        <Note>{hubWords('provisioned')}</Note>
      ) : (
        <Form
          schema={SERVER}
          value={{ enabled, listen }}
          onSave={draft => saveSection('restream', draft, hubWords('saved'), info.again)}
        />
      )}
      <h3>{hubWords('users')}</h3>
      {users.length === 0 && <p class="quiet">{hubWords('noUsers')}</p>}
      <ul class="stack">
        {users.map(user => (
          <User key={user.name} user={user} onRenew={renew} onRemove={remove} isFixed={isProvisioned} />
        ))}
      </ul>
      {error && <ErrorNote error={error} />}
      {made && (
        <Note tone="ok" alert>
          <p>{hubWords('secret', { name: made.user.name })}</p>
          <Copyable text={made.secret} />
          <p class="quiet dense">{hubWords('address', { host: `${location.hostname}:${listen.split(':').pop()}` })}</p>
        </Note>
      )}
      {!isProvisioned && (
        <AddUser
          key={users.length}
          onAdded={async login => {
            await info.again();
            setMade(login);
          }}
        />
      )}
    </section>
  );
}

function State({ state: { name, problem, clients } }: Pick<RestreamInfo, 'state'>) {
  if (problem)
    return (
      <Note tone="danger">
        <p>{sentence(problem.message)}</p>
        <p class="quiet">{problem.cure}</p>
      </Note>
    );
  return name === 'listening' ? <Note tone="ok">{hubWords('watching', { n: clients.length })}</Note> : null;
}

interface UserProps {
  user: RestreamUser;
  isFixed: boolean;
  onRenew(name: string): Promise<void>;
  onRemove(name: string): Promise<void>;
}

function User({ user: { name, cameras, hasSecret }, isFixed, onRenew, onRemove }: UserProps) {
  return (
    <li class="row spread">
      <div class="grow">
        <strong>{name}</strong>{' '}
        <span class="quiet dense">
          {cameras === 'all' ? meWords('allCameras') : meWords('someCameras', { n: cameras.length })}
          {!hasSecret && `, ${hubWords('noSecret')}`}
        </span>
      </div>
      {!isFixed && (
        <>
          <Button text={hubWords('renew')} label={hubWords('renewOf', { name })} onClick={() => void onRenew(name)} />
          <Button
            text={hubWords('remove')}
            label={hubWords('removeOf', { name })}
            onClick={() => void onRemove(name)}
          />
        </>
      )}
    </li>
  );
}

function AddUser({ onAdded }: { onAdded(login: NewRestreamLogin): Promise<void> }) {
  const [draft, setDraft] = useState<Draft>({});
  const value: Draft = { name: '', ...powersDraft({}) };
  const held = { ...value, ...draft };
  const save = async () => {
    const body = { name: String(held.name).trim(), cameras: camerasOf(held) ?? ('all' as const) };
    const answer = await call('POST /api/settings/restream/users', { body });
    if (answer.is === 'ok') await onAdded(answer.value);
    return answer;
  };
  return (
    <details>
      <summary>{hubWords('add')}</summary>
      <Form
        schema={[{ key: 'name', kind: 'text', label: hubWords('name'), maxLength: 32 }, ...cameraFields(held)]}
        value={value}
        action={hubWords('add')}
        effect=""
        onSave={save}
        onDraft={setDraft}
      />
    </details>
  );
}
