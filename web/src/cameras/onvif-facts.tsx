// What a camera is and can do, as it says over ONVIF.
import type { OnvifCapabilities, OnvifProfile } from '../../../src/api/contract.ts';
import { lengthWords } from '../time.ts';
import { labelWords } from '../timeline/labels.ts';
import { onvifWords } from './onvif-words.ts';

/** Off by less it counts as right: the way to the camera takes some of it. */
const RIGHT_MS = 2000;

export function clockOffsetWords(offsetMs: number): string {
  if (Math.abs(offsetMs) < RIGHT_MS) return onvifWords('clockRight');
  const time = lengthWords(Math.abs(offsetMs));
  return offsetMs > 0 ? onvifWords('clockAhead', { time }) : onvifWords('clockBehind', { time });
}

/** `main, 2560×1440 H.264, 15 pictures/s` */
export function profileWords({ name, width, height, codec, fps }: OnvifProfile): string {
  const size = width && height ? `${width}×${height}` : '';
  const kind = codec === 'h264' ? 'H.264' : codec === 'h265' ? 'H.265' : (codec ?? '').toUpperCase();
  return [name, [size, kind].filter(Boolean).join(' '), fps ? `${fps}/s` : ''].filter(Boolean).join(', ');
}

export function OnvifFacts({ capabilities }: { capabilities: OnvifCapabilities }) {
  const { information, clockOffsetMs, events, eventKinds, ptz, relays, dayNight, profiles } = capabilities;
  const ways = ptz && [
    ...(ptz.continuous ? [onvifWords('byHolding')] : []),
    ...(ptz.absolute ? [onvifWords('toPlaces')] : []),
    ...(ptz.relative ? [onvifWords('bySteps')] : []),
    ...(ptz.zoom ? [onvifWords('zoom')] : []),
  ];
  const isThere = (is: boolean) => onvifWords(is ? 'yes' : 'no');
  const told = eventKinds.length > 0 ? eventKinds.map(labelWords).join(', ') : onvifWords('tellsAny');
  const rows: [string, string | undefined][] = [
    [onvifWords('model'), [information.manufacturer, information.model].filter(Boolean).join(' ')],
    [onvifWords('firmware'), information.firmware],
    [onvifWords('serial'), information.serial],
    [onvifWords('clock'), clockOffsetWords(clockOffsetMs)],
    [onvifWords('tells'), events ? told : onvifWords('no')],
    [onvifWords('moves'), ways ? onvifWords('movesHow', { ways: ways.join(', '), n: ptz.presets }) : onvifWords('no')],
    [onvifWords('outputs'), String(relays.length)],
    [onvifWords('dayNight'), isThere(dayNight)],
    [onvifWords('profiles'), profiles.map(profileWords).join('; ')],
  ];
  return (
    <table>
      <tbody>
        {rows.map(
          ([name, text]) =>
            text && (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{text}</td>
              </tr>
            ),
        )}
      </tbody>
    </table>
  );
}
