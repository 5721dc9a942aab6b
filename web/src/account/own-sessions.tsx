// Where somebody is logged in, and how to end that.
import { useEffect, useState } from 'preact/hooks';
import type { Session } from '../../../src/api/contract.ts';
import { type ApiError, call, type Result } from '../api.ts';
import { ErrorNote } from '../components/notes.tsx';
import { toast } from '../components/toast.tsx';
import { moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { browserName } from './browser-name.ts';
import { meWords } from './me-words.ts';

/** `user`: of somebody else, or of oneself beside others; only an admin may. */
export function OwnSessions({ user }: { user?: number }) {
  const query = user === undefined ? {} : { user };
  const [sessions, setSessions] = useState<readonly Session[]>([]);
  const [error, setError] = useState<ApiError>();
  const load = async () => {
    const answer = await call('GET /api/sessions', { query });
    if (answer.is === 'ok') setSessions(answer.value.sessions);
    setError(answer.is === 'error' ? answer.error : undefined);
  };
  useEffect(() => void load(), []);
  const done = async (answer: Result<unknown>, text: string) => {
    if (answer.is === 'error') return setError(answer.error);
    toast(text);
    await load();
  };
  const end = async (id: string) => done(await call('DELETE /api/sessions/{id}', { params: { id } }), meWords('ended'));
  const endOthers = async () => done(await call('DELETE /api/sessions', { query }), meWords('othersEnded'));
  const at = (ms: number) => moment(ms, zone(), now());
  return (
    <section class={user === undefined ? 'card stack' : 'stack'}>
      <h2>{meWords(user === undefined ? 'sessions' : 'sessionsOf')}</h2>
      <ul class="stack">
        {sessions.map(({ id, userAgent, current, createdMs, lastSeenMs, address }) => (
          <li key={id} class="row spread">
            <div class="grow">
              <div>
                {userAgent ? browserName(userAgent) : meWords('unknownBrowser')}{' '}
                {current && <span class="tag">{meWords('thisOne')}</span>}
              </div>
              <div class="quiet dense">{meWords('since', { since: at(createdMs), seen: at(lastSeenMs), address })}</div>
            </div>
            {!current && (
              <button type="button" class="button" onClick={() => void end(id)}>
                {meWords('end')}
              </button>
            )}
          </li>
        ))}
      </ul>
      {error && <ErrorNote error={error} />}
      {sessions.length > 1 && (
        <div class="row">
          <button type="button" class="button" onClick={() => void endOthers()}>
            {meWords(sessions.some(({ current }) => current) ? 'endOthers' : 'endAll')}
          </button>
        </div>
      )}
    </section>
  );
}
