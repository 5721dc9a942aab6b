// Tokens of a user: what each may, until when, and making one, which is shown this once.
import { useState } from 'preact/hooks';
import type { NewToken, Role } from '../../../src/api/contract.ts';
import { meWords, roleWords } from '../account/me-words.ts';
import { type ApiError, call } from '../api.ts';
import { Form } from '../components/form.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { toast } from '../components/toast.tsx';
import { me } from '../state.ts';
import { moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { Copyable } from './copyable.tsx';
import { camerasOf, type Draft, powerFields, powersDraft, rightsOf } from './powers.ts';
import { useAnswer } from './use-answer.ts';
import { usersWords } from './users-words.ts';

const DAY_MS = 86_400_000;

/** One makes tokens for oneself only. */
export function Tokens({ user, onChanged }: { user: number; onChanged(): Promise<void> }) {
  const list = useAnswer(signal => call('GET /api/tokens', { query: { user } }, { signal }), String(user));
  const [error, setError] = useState<ApiError>();
  const again = async () => void (await Promise.all([list.again(), onChanged()]));
  const at = (ms: number) => moment(ms, zone(), now());
  const revoke = async (id: string) => {
    const answer = await call('DELETE /api/tokens/{id}', { params: { id } });
    setError(answer.is === 'error' ? answer.error : undefined);
    if (answer.is === 'ok') toast(usersWords('revoked'));
    await again();
  };
  const isOwn = user === me.value?.id && me.value.by === 'session';
  return (
    <section class="stack">
      <h2>{usersWords('tokens')}</h2>
      {list.value?.tokens.length === 0 && <p class="quiet">{usersWords('noTokens')}</p>}
      <ul class="stack">
        {list.value?.tokens.map(({ id, name, role, cameras, createdMs, lastUsedMs, expiresMs }) => (
          <li key={id} class="row spread">
            <div class="grow">
              <strong>{name}</strong> {roleWords(role)}
              {cameras && `, ${meWords('someCameras', { n: cameras.length })}`}
              <div class="quiet dense">
                {usersWords('tokenLine', {
                  made: at(createdMs),
                  used: lastUsedMs ? usersWords('used', { time: at(lastUsedMs) }) : usersWords('unused'),
                  end: expiresMs ? usersWords('ends', { time: at(expiresMs) }) : usersWords('endless'),
                })}
              </div>
            </div>
            <button type="button" class="button" onClick={() => void revoke(id)}>
              {usersWords('revoke', { name })}
            </button>
          </li>
        ))}
      </ul>
      {(error ?? list.error) && <ErrorNote error={(error ?? list.error) as ApiError} />}
      {isOwn && <Make onMade={again} />}
    </section>
  );
}

function Make({ onMade }: { onMade(): Promise<void> }) {
  const [draft, setDraft] = useState<Draft>({});
  const [made, setMade] = useState<NewToken>();
  const value = powersDraft({ role: 'viewer' });
  const held = { ...value, ...draft };
  const save = async (typed: Draft) => {
    const all = { ...value, ...typed };
    const cameras = camerasOf(all);
    const body = {
      ...{ name: String(all.name ?? ''), role: all.role as Role, rights: rightsOf(all) },
      ...(cameras && all.role !== 'admin' ? { cameras } : {}),
      ...(typeof all.expiresMs === 'number' ? { expiresMs: Math.round(now() + all.expiresMs) } : {}),
    };
    const answer = await call('POST /api/tokens', { body });
    if (answer.is !== 'ok') return answer;
    setMade(answer.value);
    setDraft({});
    await onMade();
    return answer;
  };
  return (
    <>
      {made && (
        <Note tone="ok" alert>
          <p>{usersWords('once', { name: made.name })}</p>
          <Copyable text={made.token} />
        </Note>
      )}
      <details>
        <summary>{usersWords('make')}</summary>
        <div class="stack">
          <p class="quiet dense">{usersWords('tokensHint')}</p>
          <Form
            schema={[
              { key: 'name', kind: 'text', label: usersWords('name'), maxLength: 64 },
              {
                ...{ key: 'expiresMs', kind: 'number', label: usersWords('days'), unit: usersWords('daysUnit') },
                ...{ hint: usersWords('daysHint'), scale: DAY_MS, min: 1, max: 3650, mayBeEmpty: true },
              },
              ...powerFields(held, me.value?.role),
            ]}
            value={value}
            action={usersWords('make')}
            onSave={save}
            onDraft={setDraft}
          />
        </div>
      </details>
    </>
  );
}
