// Zoom by buttons, slider and names, and which classes of events the lanes show.
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { CLASSES, type EventClass } from './classes.ts';
import { CLASS_ICONS } from './labels.ts';
import type { TimelineModel } from './model.ts';
import { LEVELS, levelOf } from './view.ts';
import { classWords, t } from './words.ts';

export function ZoomBar({ model }: { model: TimelineModel }) {
  const level = levelOf(model.view.value.spanMs);
  const zoomTo = (index: number) => {
    const wanted = LEVELS[index];
    if (wanted) model.zoom(wanted.spanMs);
  };
  return (
    <div class="tl-zoom">
      <div class="tl-zoom-level">
        <Button icon="minus" label={t('zoom-out')} disabled={level === 0} onClick={() => model.stepZoom(-1)} />
        <input
          type="range"
          aria-label={t('zoom')}
          aria-valuetext={LEVELS[level]?.name}
          min={0}
          max={LEVELS.length - 1}
          value={level}
          onInput={event => zoomTo(Number(event.currentTarget.value))}
          // Its arrows are its own.
          onKeyDown={event => event.stopPropagation()}
        />
        <Button
          icon="plus"
          label={t('zoom-in')}
          disabled={level === LEVELS.length - 1}
          onClick={() => model.stepZoom(1)}
        />
      </div>
      <div class="tl-levels">
        {LEVELS.map(({ name }, index) => (
          <button
            key={name}
            type="button"
            aria-pressed={index === level}
            aria-label={t('zoom-to', { span: name })}
            onClick={() => zoomTo(index)}
          >
            {name}
          </button>
        ))}
      </div>
      <ClassFilter model={model} />
    </div>
  );
}

function ClassFilter({ model }: { model: TimelineModel }) {
  const chosen = model.classes.value;
  const toggle = (kind: EventClass) => {
    const next = new Set(chosen ?? []);
    if (!next.delete(kind)) next.add(kind);
    model.classes.value = next.size > 0 && next.size < CLASSES.length ? next : undefined;
  };
  return (
    <fieldset class="choices tl-classes" aria-label={t('show-classes')}>
      <Button text={t('all')} pressed={!chosen} onClick={() => (model.classes.value = undefined)} />
      {CLASSES.map(kind => (
        <button
          key={kind}
          type="button"
          class="button"
          data-class={kind}
          aria-pressed={chosen?.has(kind) ?? false}
          aria-label={classWords(kind)}
          title={classWords(kind)}
          onClick={() => toggle(kind)}
        >
          <Icon name={CLASS_ICONS[kind]} />
        </button>
      ))}
    </fieldset>
  );
}
