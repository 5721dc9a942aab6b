// Second step of the first run: whether clock, time zone and storage of the board are as they should be.
import { useEffect, useState } from 'preact/hooks';
import type { Status } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import { ErrorNote, Note, sentence, type Tone } from '../components/notes.tsx';
import { bytes } from '../quantities.ts';
import { me } from '../state.ts';
import { clock, lengthWords, moment, viewerZone } from '../time.ts';
import { boardAheadMs, now } from '../zone.ts';
import { setupWords } from './setup-words.ts';

/** Less is the way of the question to the board and back. */
const SAME_CLOCK_MS = 5000;

export function PlaceStep({ onDone }: { onDone(): void }) {
  const [status, setStatus] = useState<Status>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    void call('GET /api/status', {}).then(answer => {
      if (answer.is === 'ok') setStatus(answer.value);
      if (answer.is === 'error') setError(answer.error);
    });
  }, []);
  return (
    <div class="stack">
      <ClockNote />
      <ZoneNote />
      {status && <StorageNote {...status.storage} />}
      {status?.problems
        .filter(({ camera }) => camera === undefined)
        .map(({ kind, message, cure }) => (
          <Note key={kind} tone="danger">
            <p>{sentence(message)}</p>
            {cure && <p class="quiet">{cure}</p>}
          </Note>
        ))}
      {error && <ErrorNote error={error} />}
      <button type="button" class="button" data-kind="primary" onClick={onDone}>
        {setupWords('continue')}
      </button>
    </div>
  );
}

function Fact({ title, tone, children }: { title: string; tone: Tone; children: string }) {
  return (
    <Note tone={tone}>
      <h2 class="dense">{title}</h2>
      <p>{children}</p>
    </Note>
  );
}

function ClockNote() {
  const zone = viewerZone();
  const aheadMs = boardAheadMs.value;
  if (Math.abs(aheadMs) < SAME_CLOCK_MS)
    return (
      <Fact title={setupWords('clock')} tone="ok">
        {setupWords('clockSame', { time: clock(now(), zone, false) })}
      </Fact>
    );
  const here = Date.now();
  const shown = { board: moment(now(), zone, here), here: moment(here, zone, here), n: lengthWords(Math.abs(aheadMs)) };
  return (
    <Fact title={setupWords('clock')} tone="warn">
      {setupWords('clockDiffers', shown)}
    </Fact>
  );
}

function ZoneNote() {
  const board = me.value?.timeZone ?? '';
  const here = viewerZone();
  return (
    <Fact title={setupWords('zone')} tone={board === here ? 'ok' : 'warn'}>
      {setupWords(board === here ? 'zoneSame' : 'zoneDiffers', { board, here })}
    </Fact>
  );
}

function StorageNote({ dataDir, freeBytes, totalBytes }: Status['storage']) {
  const isKnown = freeBytes !== undefined && totalBytes !== undefined;
  const text = isKnown
    ? setupWords('storageFree', { free: bytes(freeBytes), total: bytes(totalBytes), place: dataDir })
    : `${setupWords('storageNone', { place: dataDir })} ${setupWords('problems')}`;
  return (
    <Fact title={setupWords('storage')} tone={isKnown ? 'ok' : 'danger'}>{`${text} ${setupWords('storageHint')}`}</Fact>
  );
}
