// One camera's lane: its name, its canvas, and what it says in words.
import { type ReadonlySignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Icon } from '../components/icon.tsx';
import { cameraName, cameraSignal } from '../state.ts';
import { clock, lengthWords } from '../time.ts';
import type { Colours } from './draw.ts';
import { drawLane } from './draw.ts';
import { figuresOf } from './found.ts';
import type { TimelineModel } from './model.ts';
import { endOf, type View } from './view.ts';
import { t } from './words.ts';

const HOUR_MS = 3_600_000;

export interface LaneRowProps {
  model: TimelineModel;
  camera: number;
  width: ReadonlySignal<number>;
  colours: ReadonlySignal<Colours>;
  /** Beats while the lane grows. */
  beat: ReadonlySignal<number>;
  /** The view when it has rested for a moment, for words. */
  settled: ReadonlySignal<View>;
  zone: string;
}

export function LaneRow({ model, camera, width, colours, beat, settled, zone }: LaneRowProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = model.chosen.value.indexOf(camera);
  const name = cameraName(camera);

  useSignalEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext('2d');
    // Each of these is a reason to draw anew.
    const [view, across] = [model.view.value, Math.floor(width.value)];
    const [palette, classes] = [colours.value, model.classes.value];
    void model.news.value;
    void beat.value;
    if (!element || !pen || across <= 0) return;
    const height = element.clientHeight;
    const scale = Math.min(2, devicePixelRatio);
    if (element.width !== Math.round(across * scale) || element.height !== Math.round(height * scale)) {
      element.width = Math.round(across * scale);
      element.height = Math.round(height * scale);
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    drawLane(pen, model.store.pieces(camera, view), {
      ...{ width: across, height, view, colours: palette, nowMs: model.now() },
      growing: cameraSignal(camera)?.value.state.name === 'live',
      ...(classes ? { classes } : {}),
    });
  });

  return (
    <li class="tl-lane" data-chosen={at >= 0} data-leading={at === 0}>
      <button
        type="button"
        class="tl-name"
        aria-pressed={at >= 0}
        title={t(at >= 0 ? 'is-picture' : 'show-picture', { camera: name })}
        onClick={() => (at >= 0 ? model.drop(camera) : model.choose(camera))}
      >
        {at >= 0 && <Icon name="eye" />}
        <span>{name}</span>
      </button>
      <canvas ref={canvas} />
      <LaneWords model={model} camera={camera} settled={settled} zone={zone} />
    </li>
  );
}

/** Rendered by itself: it changes when the lanes rest, not while they move. */
function LaneWords({ model, camera, settled, zone }: Pick<LaneRowProps, 'model' | 'camera' | 'settled' | 'zone'>) {
  void model.news.value;
  const view = settled.value;
  const from = view.startMs - (((view.startMs % HOUR_MS) + HOUR_MS) % HOUR_MS);
  const { footageMs, gaps, events, busiestMs } = figuresOf(model.store.pieces(camera, view), from, endOf(view));
  const figures = { camera: cameraName(camera), footage: lengthWords(footageMs), gaps, events };
  const busiest =
    busiestMs === undefined
      ? ''
      : t('lane-busiest', { from: clock(busiestMs, zone, false), to: clock(busiestMs + HOUR_MS, zone, false) });
  return <span class="unseen">{t('lane-text', figures) + busiest}</span>;
}
