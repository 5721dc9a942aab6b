// Day and night: the infrared filter of a camera's sensor.
import type { Target } from './address.ts';
import type { SoapCaller } from './soap-client.ts';
import { escapeXml } from './xml.ts';
import { textAt } from './xml-find.ts';

/** `day`: colours, the filter in the way of infrared; `night`: the filter away. */
export type DayNight = 'day' | 'night' | 'auto';

const FILTER: Readonly<Record<DayNight, string>> = { day: 'ON', night: 'OFF', auto: 'AUTO' };

/** Undefined where the camera does not say. */
export async function askDayNight(
  caller: SoapCaller,
  target: Target,
  videoSource: string,
  signal: AbortSignal,
): Promise<DayNight | undefined> {
  const inside = `<timg:VideoSourceToken>${escapeXml(videoSource)}</timg:VideoSourceToken>`;
  const answer = await caller.call({ target, prefix: 'timg', operation: 'GetImagingSettings', inside }, signal);
  const filter = textAt(answer, 'ImagingSettings/IrCutFilter')?.toUpperCase();
  return (Object.keys(FILTER) as DayNight[]).find(one => FILTER[one] === filter);
}

export async function setDayNight(
  caller: SoapCaller,
  target: Target,
  videoSource: string,
  wanted: DayNight,
  signal: AbortSignal,
): Promise<void> {
  const settings = `<timg:ImagingSettings><tt:IrCutFilter>${FILTER[wanted]}</tt:IrCutFilter></timg:ImagingSettings>`;
  const inside = `<timg:VideoSourceToken>${escapeXml(videoSource)}</timg:VideoSourceToken>${settings}<timg:ForcePersistence>true</timg:ForcePersistence>`;
  await caller.call({ target, prefix: 'timg', operation: 'SetImagingSettings', inside }, signal);
}
