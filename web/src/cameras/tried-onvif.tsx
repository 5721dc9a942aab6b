// What trying a camera over ONVIF showed: who it is, how its clock is, whether it tells what it notices, and which of its channels is meant.
import type { OnvifProbe, OnvifProfile } from '../../../src/api/contract.ts';
import { SelectField } from '../components/field.tsx';
import { Note } from '../components/notes.tsx';
import { clockOffsetWords, OnvifFacts, profileWords } from './onvif-facts.tsx';
import { onvifWords } from './onvif-words.ts';

export interface TriedOnvifProps {
  onvif: OnvifProbe & { videoSource?: string };
  /** Its streams were tried too. */
  hasStreams: boolean;
  onChannel(videoSource: string): Promise<void>;
}

export function TriedOnvif({ onvif, hasStreams, onChannel }: TriedOnvifProps) {
  const { capabilities, streams, videoSource } = onvif;
  const { information, clockOffsetMs, events, profiles } = capabilities;
  const channels = channelsOf(profiles);
  const name = [information.manufacturer, information.model].filter(Boolean).join(' ');
  const facts = [
    ...(name === '' ? [] : [`${name}.`]),
    `${onvifWords('clock')}: ${clockOffsetWords(clockOffsetMs)}.`,
    events ? onvifWords('eventsYes') : onvifWords('eventsNo'),
  ];
  return (
    <section class="card stack">
      <Note tone="ok" alert>
        {onvifWords('signedIn', { facts: facts.join(' ') })}
      </Note>
      {!hasStreams && <Note tone="warn">{onvifWords('noStreams')}</Note>}
      {channels.length > 1 && (
        <SelectField<string>
          label={onvifWords('channel')}
          value={videoSource ?? streams.main?.profile.videoSource ?? ''}
          options={channels.map(({ source, profile }) => ({
            value: source,
            label: `${source}: ${profileWords(profile)}`,
          }))}
          onPick={source => void onChannel(source)}
        />
      )}
      <details>
        <summary>{onvifWords('can')}</summary>
        <OnvifFacts capabilities={capabilities} />
      </details>
    </section>
  );
}

/** Each sensor once, with the first profile that shows it. */
export function channelsOf(profiles: readonly OnvifProfile[]): { source: string; profile: OnvifProfile }[] {
  const sources = [...new Set(profiles.flatMap(({ videoSource }) => videoSource ?? []))];
  return sources.flatMap(source => {
    const profile = profiles.find(({ videoSource }) => videoSource === source);
    return profile ? [{ source, profile }] : [];
  });
}

/** What a wrong password may lead to. */
export function LockNote({ wrongLogins }: { wrongLogins: number }) {
  return <Note tone="warn">{wrongLogins > 2 ? onvifWords('lockMany', { n: wrongLogins }) : onvifWords('lock')}</Note>;
}
