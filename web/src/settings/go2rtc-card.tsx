// How go2rtc is, and how it gets onto the board: on the page about it, and in the first run.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Go2rtcInfo } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { ErrorNote, Note, sentence, type Tone } from '../components/notes.tsx';
import { bytes, memory } from '../quantities.ts';
import { moment } from '../time.ts';
import { now, zone } from '../zone.ts';
import { hubWords } from './hub-words.ts';
import { type Answered, useAnswer } from './use-answer.ts';

const EACH_MS = 2000;

type State = Go2rtcInfo['state'];

/** Asked again and again while the page is looked at. */
export function useGo2rtc(): Answered<Go2rtcInfo> {
  const info = useAnswer(signal => call('GET /api/go2rtc', {}, { signal }));
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && void info.again(true), EACH_MS);
    return () => clearInterval(timer);
  }, []);
  return info;
}

export function Go2rtcCard({ info, children }: { info: Go2rtcInfo; children?: ComponentChildren }) {
  const { state } = info;
  const { path, rssBytes, restarts, streams, message, cure } = state;
  return (
    <section class="card stack">
      <h2>{hubWords('go2rtc')}</h2>
      <p class="quiet dense">{hubWords('what')}</p>
      <Note {...toneOf(state)}>
        <p>{stateWords(state)}</p>
        {message && <p>{sentence(message)}</p>}
        {cure && <p class="quiet">{cure}</p>}
      </Note>
      {path && (
        <p class="quiet dense">
          {hubWords('place', { path })}{' '}
          {rssBytes !== undefined && hubWords('facts', { memory: memory(rssBytes), n: restarts })}
        </p>
      )}
      {streams.length > 0 && (
        <details>
          <summary>{hubWords('streams', { n: streams.length })}</summary>
          <ul>
            {streams.map(({ name, problem }) => (
              <li key={name}>
                {name} {problem && <span class="quiet dense">{sentence(problem.message)}</span>}
              </li>
            ))}
          </ul>
        </details>
      )}
      {children}
    </section>
  );
}

function toneOf({ name }: State): { tone?: Tone } {
  if (name === 'ready' || name === 'idle') return { tone: 'ok' };
  if (name === 'starting') return {};
  return { tone: name === 'unusable' || name === 'resting' ? 'danger' : 'warn' };
}

function stateWords({ name, version = '', sinceMs }: State): string {
  if (name === 'ready') return hubWords('ready', { version, since: moment(sinceMs, zone(), now()) });
  if (name === 'idle') return hubWords('idle', { version });
  if (name === 'starting' || name === 'restarting') return hubWords(name === 'starting' ? 'starting' : 'restarting');
  return hubWords(name === 'absent' ? 'absent' : name === 'unusable' ? 'unusable' : 'resting');
}

/** Whether there is none that works: another one may. */
export function isMissing({ state: { name } }: Go2rtcInfo): boolean {
  return name === 'absent' || name === 'unusable' || name === 'resting';
}

/** By consent: nothing is downloaded before the button is pressed. */
export function Install({ info, onBegun }: { info: Go2rtcInfo; onBegun(): Promise<void> }) {
  const { install, offered } = info;
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const begin = async () => {
    setBusy(true);
    const answer = await call('POST /api/go2rtc/install', {});
    setError(answer.is === 'error' ? answer.error : undefined);
    await onBegun();
    setBusy(false);
  };
  const { receivedBytes = 0, sizeBytes, message = '', cure } = install;
  const got = bytes(receivedBytes);
  if (install.name === 'running')
    return (
      <p role="status">
        {receivedBytes === 0
          ? hubWords('checking')
          : sizeBytes === undefined
            ? hubWords('downloading', { got })
            : hubWords('percent', { got, size: bytes(sizeBytes) })}
      </p>
    );
  const failed =
    error ??
    (install.name === 'failed' ? { kind: 'unavailable' as const, message, ...(cure ? { cure } : {}) } : undefined);
  return (
    <>
      {failed && <ErrorNote error={failed} />}
      {install.name === 'installed' && <Note tone="ok">{hubWords('installed')}</Note>}
      {!isMissing(info) ? null : offered ? (
        <div class="row">
          <Button
            icon="download"
            kind="primary"
            text={hubWords('download', { version: offered.version })}
            disabled={busy}
            onClick={() => void begin()}
          />
          <span class="quiet dense">{hubWords('consent')}</span>
        </div>
      ) : (
        <p>{hubWords('nothingOffered')}</p>
      )}
    </>
  );
}
