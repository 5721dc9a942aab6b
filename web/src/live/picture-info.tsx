// What stands under the "i" of a camera: which stream, which way, how late, and why this way.
import type { Camera } from '../../../src/api/contract.ts';
import type { Way, WayInfo, WayReason } from '../player/play-state.ts';
import { bitRate } from '../quantities.ts';
import { pictureNames, pictureWords } from './picture-words.ts';

const WAYS = { mse: 'wayMse', rtc: 'wayRtc', still: 'wayStill', hls: 'wayHls' } as const satisfies Record<Way, string>;
const REASONS = {
  codec: 'whyCodec',
  decoder: 'whyDecoder',
  'slow-start': 'whySlow',
  'no-mse': 'whyNoMse',
  saver: 'whySaver',
  asked: 'whyAsked',
  'no-rtc': 'whyNoRtc',
} as const satisfies Record<WayReason, string>;

/** `2560×1440 H.264 15 fps 2.1 Mb/s`; empty until the camera has described its pictures. */
export function streamWords({ state }: Camera): string {
  const { main } = state;
  if (!main) return '';
  const codec = main.codec === 'h265' ? 'H.265' : 'H.264';
  return `${main.width}×${main.height} ${codec} ${Math.round(main.fps)} fps ${bitRate(main.bitrateBps)}`;
}

/** `noRtc`: why low delay cannot be had at all. */
export function PictureInfo({ info, noRtc }: { info: WayInfo | undefined; noRtc?: string | undefined }) {
  if (!info) return null;
  const { way, stream, codecs, width, height, delayMs, why } = info;
  const rows: [string, string | undefined][] = [
    [pictureWords('infoStream'), pictureNames(stream)],
    [pictureWords('infoSize'), width && height ? `${width}×${height} ${codecs ?? ''}` : undefined],
    [pictureWords('infoWay'), pictureNames(WAYS[way])],
    [
      pictureWords('infoDelay'),
      delayMs === undefined ? undefined : pictureWords('delay', { s: (delayMs / 1000).toFixed(1) }),
    ],
    [pictureWords('infoWhy'), pictureNames(why ? REASONS[why] : 'whyFirst')],
    [pictureWords('lowDelay'), noRtc],
  ];
  return (
    <dl class="info-list">
      {rows.map(
        ([name, value]) =>
          value && (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="figure">{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
