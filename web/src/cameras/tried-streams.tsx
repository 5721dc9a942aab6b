// What trying a camera showed: its picture and its streams in figures, what is wrong with them, and which one is the main one.
import { useEffect, useRef } from 'preact/hooks';
import type { ProbeResult } from '../../../src/api/contract.ts';
import { Button } from '../components/button.tsx';
import { Note, sentence } from '../components/notes.tsx';
import { bitRate } from '../quantities.ts';
import { cameraWords } from './camera-words.ts';

/** What was tried, and what came of it. */
export interface Stream {
  url: string;
  result: ProbeResult;
}
export interface Tried {
  main: Stream;
  sub?: Stream;
}

export function TriedStreams({ tried, onChange }: { tried: Tried; onChange(tried: Tried): void }) {
  const { main, sub } = tried;
  const { problem } = main.result;
  if (problem)
    return (
      <Note tone="danger" alert>
        <p>{sentence(problem.message)}</p>
        <p class="quiet">{problem.cure}</p>
      </Note>
    );
  const large = widthOf(sub) > widthOf(main);
  const works = sub?.result.ok === true;
  return (
    <section class="card stack" aria-live="polite">
      <h2>{cameraWords('works')}</h2>
      {main.result.picture && <TestPicture base64={main.result.picture} />}
      <p>
        <strong>{cameraWords('main')}</strong>: {factsOf(main)}
      </p>
      {works && (
        <p>
          <strong>{cameraWords('sub')}</strong>: {factsOf(sub)}
        </p>
      )}
      {sub?.result.problem && (
        <Note tone="warn">
          <p>{cameraWords('subFailed')}</p>
          <p class="quiet">
            {sentence(sub.result.problem.message)} {sub.result.problem.cure}
          </p>
        </Note>
      )}
      {!sub && <Note tone="warn">{cameraWords('noSub')}</Note>}
      {main.result.streams[0]?.codec === 'h265' && <Note tone="warn">{cameraWords('h265')}</Note>}
      {large && <Note tone="warn">{cameraWords('subLarger')}</Note>}
      {works && (
        <div class="row">
          <Button text={cameraWords('swap')} onClick={() => onChange({ main: sub, sub: main })} />
        </div>
      )}
    </section>
  );
}

/** Drawn: the page may show no pictures but the board's own. */
function TestPicture({ base64 }: { base64: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const jpeg = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
    const draw = (image: ImageBitmap) => {
      if (!canvas.current) return;
      Object.assign(canvas.current, { width: image.width, height: image.height });
      canvas.current.getContext('2d')?.drawImage(image, 0, 0);
    };
    createImageBitmap(new Blob([jpeg])).then(draw, () => undefined);
  }, [base64]);
  return <canvas ref={canvas} role="img" aria-label={cameraWords('sees')} />;
}

function widthOf(stream: Stream | undefined): number {
  return stream?.result.streams[0]?.width ?? 0;
}

function factsOf({ result }: Stream): string {
  const [facts] = result.streams;
  if (!facts) return '';
  const { codec, width, height, fps, bitrateBps, audio, audioSource, audioLeftOut } = facts;
  const shown = {
    width,
    height,
    codec: codec === 'h264' ? 'H.264' : 'H.265',
    fps: Math.round(fps),
    rate: bitRate(bitrateBps),
  };
  const sound = audio
    ? cameraWords('sound', { codec: audioSource ?? audio.toUpperCase() })
    : audioLeftOut
      ? cameraWords('soundLeftOut', { codec: audioLeftOut })
      : cameraWords('noSound');
  return `${cameraWords('streamFacts', shown)}, ${sound}`;
}
