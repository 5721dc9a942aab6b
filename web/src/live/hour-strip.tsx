// The last hour of a camera as a strip: where there is footage, and how much happened. A tap leads to the timeline there.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CameraTimeline } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { go, href } from '../router.ts';
import { onUpdate } from '../state.ts';
import { clock, lengthWords } from '../time.ts';
import { now, zone } from '../zone.ts';
import { pictureWords } from './picture-words.ts';

const HOUR_MS = 3_600_000;
const BUCKETS = 120;
/** What happens is shown that much later at most; nothing is asked while nothing happens. */
const REFRESH_MS = 30_000;

interface Hour {
  startMs: number;
  lane: CameraTimeline;
}

export function HourStrip({ camera, name }: { camera: number; name: string }) {
  const hour = useHour(camera);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current && hour) draw(canvas.current, hour);
  }, [hour]);
  const open = (event: MouseEvent) => {
    event.preventDefault();
    const box = canvas.current?.getBoundingClientRect();
    // A key press has no place.
    const share = box && event.detail > 0 ? (event.clientX - box.left) / box.width : 0.5;
    go(href('time', { c: camera, t: Math.round((hour?.startMs ?? now() - HOUR_MS) + share * HOUR_MS) }));
  };
  const label = `${pictureWords('hour', { name })}. ${hour ? summary(hour) : ''}`;
  return (
    <a class="hour" href={href('time', { c: camera })} onClick={open}>
      <canvas ref={canvas} class="hour-canvas" width={BUCKETS} height={28} />
      <span class="unseen">{label}</span>
      <span class="hour-ends" aria-hidden="true">
        <span>{hour && clock(hour.startMs, zone(), false)}</span>
        <span>{hour && clock(hour.startMs + HOUR_MS, zone(), false)}</span>
      </span>
    </a>
  );
}

/** Asked for at first, and again after something of the camera changed. */
function useHour(camera: number): Hour | undefined {
  const [hour, setHour] = useState<Hour>();
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const ask = async () => {
      const endMs = Math.ceil(now());
      const query = { camera: [camera], startMs: endMs - HOUR_MS, endMs, buckets: BUCKETS, levels: 16 as const };
      const answer = await call('GET /api/timeline', { query }, { signal: stop.signal });
      const lane = answer.is === 'ok' ? answer.value.cameras[0] : undefined;
      if (lane) setHour({ startMs: query.startMs, lane });
    };
    const later = () => {
      timer ||= window.setTimeout(() => {
        timer = 0;
        if (!document.hidden) void ask();
      }, REFRESH_MS);
    };
    const stopListening = onUpdate(update => {
      if (!('type' in update)) return;
      const { type } = update;
      if ((type === 'segment' || type === 'gap' || type === 'activity') && update.camera === camera) later();
      if (type === 'event' && ('event' in update ? update.event.camera : update.camera) === camera) later();
    });
    void ask();
    return () => {
      stop.abort();
      stopListening();
      clearTimeout(timer);
    };
  }, [camera]);
  return hour;
}

function draw(canvas: HTMLCanvasElement, { startMs, lane }: Hour): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  const at = (ms: number) => ((ms - startMs) / HOUR_MS) * width;
  context.clearRect(0, 0, width, height);
  context.fillStyle = style.getPropertyValue('--footage');
  for (const [fromMs, toMs] of lane.footage) context.fillRect(at(fromMs), height - 4, at(toMs) - at(fromMs), 4);
  const levels = typeof lane.activity === 'string' ? lane.activity : '';
  for (let bucket = 0; bucket < levels.length; bucket++) {
    const level = Number.parseInt(levels[bucket] ?? '0', 16);
    const isEvent = level > 7;
    context.fillStyle = style.getPropertyValue(isEvent ? '--motion' : '--footage');
    const tall = (level / 15) * (height - 4);
    context.fillRect((bucket * width) / levels.length, height - 4 - tall, width / levels.length, tall);
  }
}

function summary({ lane }: Hour): string {
  const recordedMs = lane.footage.reduce((sum, [fromMs, toMs]) => sum + toMs - fromMs, 0);
  const events = lane.events.length + lane.more;
  return `${lengthWords(recordedMs)} ${pictureWords('footage')}, ${pictureWords('events', { n: events })}`;
}
