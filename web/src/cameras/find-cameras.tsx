// Looking for cameras in the network: each is listed as soon as it is heard of.
import { useEffect, useState } from 'preact/hooks';
import type { DiscoverReply, FoundDevice } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { ErrorNote, Note } from '../components/notes.tsx';
import { cameraIds, cameraName } from '../state.ts';
import { onvifWords } from './onvif-words.ts';

/** Most answer at once; some wait on purpose, so that not all speak at the same time. */
const WAITS_MS = [1000, 5000];

export interface Search {
  busy: boolean;
  devices: readonly FoundDevice[];
  failed: DiscoverReply['failed'];
  error: ApiError | undefined;
  /** It was looked at least once. */
  ended: boolean;
  look(): Promise<void>;
}

/** `atOnce`: without being asked. */
export function useSearch(atOnce: boolean): Search {
  const [busy, setBusy] = useState(false);
  const [ended, setEnded] = useState(false);
  const [reply, setReply] = useState<DiscoverReply>({ devices: [], failed: [] });
  const [error, setError] = useState<ApiError>();
  const look = async () => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    for (const waitMs of WAITS_MS) {
      const answer = await call('POST /api/cameras/discover', { body: { waitMs } }, { timeLimitMs: waitMs + 10_000 });
      if (answer.is === 'error') setError(answer.error);
      if (answer.is !== 'ok') break;
      const { devices, failed } = answer.value;
      setReply(before => ({ devices: merged(before.devices, devices), failed }));
    }
    setBusy(false);
    setEnded(true);
  };
  useEffect(() => void (atOnce && look()), []);
  return { busy, ended, error, look, ...reply };
}

/** In the order in which they were heard of: what stands there stays where it is. */
export function merged(before: readonly FoundDevice[], now: readonly FoundDevice[]): FoundDevice[] {
  const known = new Set(before.map(({ address }) => address));
  const newer = before.map(device => now.find(({ address }) => address === device.address) ?? device);
  return [...newer, ...now.filter(({ address }) => !known.has(address))];
}

export interface FindCamerasProps {
  search: Search;
  onTake(device: FoundDevice): void;
}

export function FindCameras({ search, onTake }: FindCamerasProps) {
  const { busy, devices, failed, error, ended, look } = search;
  return (
    <section class="card stack">
      <div class="row">
        <Button icon="zoom" text={onvifWords('find')} disabled={busy} onClick={() => void look()} />
        <span class="quiet dense" aria-live="polite">
          {busy && onvifWords('finding')}
        </span>
      </div>
      {error && <ErrorNote error={error} />}
      <ul class="cam-found">
        {devices.map(device => (
          <li key={device.address}>
            <Button
              text={nameOf(device)}
              label={onvifWords('take', { name: nameOf(device) })}
              onClick={() => onTake(device)}
            />
            <Known device={device} />
          </li>
        ))}
      </ul>
      {ended && !busy && !error && devices.length === 0 && <Note tone="warn">{onvifWords('none')}</Note>}
      {failed.map(one => (
        <p key={one.address} class="quiet dense">
          {onvifWords('networkFailed', one)}
        </p>
      ))}
    </section>
  );
}

/** `192.168.1.40 Front door, M1` */
function nameOf({ host, name, hardware }: FoundDevice): string {
  const more = [...new Set([name, hardware].filter(Boolean))].join(', ');
  return `${host} ${more}`.trim();
}

function Known({ device: { cameras } }: { device: FoundDevice }) {
  const here = cameras.filter(id => cameraIds.value.includes(id));
  if (here.length === 0) return null;
  return <span class="tag">{onvifWords('known', { names: here.map(cameraName).join(', ') })}</span>;
}
