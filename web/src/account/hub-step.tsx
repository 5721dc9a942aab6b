// Third step of the first run: whether there is go2rtc, getting it, or going on without it, with what is lost then.
import { ErrorNote } from '../components/notes.tsx';
import { Go2rtcCard, Install, isMissing, useGo2rtc } from '../settings/go2rtc-card.tsx';
import { hubWords } from '../settings/hub-words.ts';
import { setupWords } from './setup-words.ts';

export function HubStep({ onDone }: { onDone(): void }) {
  const info = useGo2rtc();
  const missing = info.value !== undefined && isMissing(info.value);
  return (
    <div class="stack">
      {info.error && <ErrorNote error={info.error} />}
      {info.value && (
        <Go2rtcCard info={info.value}>
          {missing && (
            <div>
              <p>{hubWords('lost')}</p>
              <ul>
                <li>{hubWords('lostDelay')}</li>
                <li>{hubWords('lostTalk')}</li>
                <li>{hubWords('lostSources')}</li>
              </ul>
            </div>
          )}
          <Install info={info.value} onBegun={info.again} />
        </Go2rtcCard>
      )}
      <button type="button" class="button" data-kind={missing ? undefined : 'primary'} onClick={onDone}>
        {missing ? hubWords('without') : setupWords('continue')}
      </button>
    </div>
  );
}
