// Why one cannot speak to a camera, in the place of the button, with what helps.
import type { Camera } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { sentence } from '../components/notes.tsx';
import { href } from '../router.ts';
import { hasPage } from '../routes.ts';
import { useAnswer } from '../settings/use-answer.ts';
import { talkWords } from './talk-words.ts';

export function TalkHurdle({ camera: { id, cannot } }: { camera: Camera }) {
  const { talk } = cannot;
  const isHopeless = talk?.reason === 'no-speaker' || talk?.reason === 'speaker-codec';
  return (
    <span class="hurdle quiet dense">
      {talk && (
        <>
          {talkWords('cannot', { why: sentence(talk.message) })} {talk.cure}{' '}
          {talk.reason === 'go2rtc' && hasPage('set/hub') && <a href={href('set/hub')}>{talkWords('settings')}</a>}
        </>
      )}
      {!isSecureContext && !isHopeless && <Encrypted hash={href(`cam/${id}`)} />}
    </span>
  );
}

/** Browsers give the microphone to encrypted pages only. */
function Encrypted({ hash }: { hash: string }) {
  const { value } = useAnswer(signal => call('GET /api/status', {}, { signal }));
  if (!value) return null;
  const { https } = value.service;
  if (!https) return <span>{talkWords('httpsOff')}</span>;
  // By the name that this page was opened under: of its own the board knows only where it listens.
  const { port } = new URL(https.url);
  const url = `https://${location.hostname}${port && `:${port}`}/`;
  return (
    <span>
      {talkWords('https')} <a href={url + hash}>{url}</a>
    </span>
  );
}
