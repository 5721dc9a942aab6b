// One event in full: its clip in place, what is known of it, and everything that can be done with it.

import { useState } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { address } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Icon } from '../components/icon.tsx';
import { Menu, type MenuItem } from '../components/menu.tsx';
import { toast } from '../components/toast.tsx';
import { go, href } from '../router.ts';
import { cameraName, me } from '../state.ts';
import { clock, dateWords } from '../time.ts';
import { timelineAddress } from '../timeline/address.ts';
import { labelWords } from '../timeline/labels.ts';
import { now } from '../zone.ts';
import { Clip } from './clip.tsx';
import { lengthOf, preRollWords, t, titleOf } from './words.ts';

export interface EventDetailProps {
  event: Event;
  zone: string;
  mayLock: boolean;
  mayDelete: boolean;
  onSeen(reviewed: boolean): void;
  onLock(locked: boolean): void;
  onDelete(): void;
  /** To the next event of the list (1) or the one before; absent where there is no list. */
  onStep?(direction: 1 | -1): void;
  /** Ready to play at once: somebody asked for it. */
  autoPlay: boolean;
}

export function EventDetail(props: EventDetailProps) {
  const { event, zone, mayLock, onSeen, onLock } = props;
  return (
    <article class="ev-detail stack" aria-label={titleOf(event)}>
      <Clip
        key={event.id}
        event={event}
        zone={zone}
        autoPlay={props.autoPlay}
        onPlayed={() => {
          if (!event.reviewed) onSeen(true);
        }}
      />
      <div class="row">
        <div class="grow">
          <strong>{titleOf(event)}</strong>
          <div class="figure">
            {cameraName(event.camera)} · {dateWords(event.startMs, zone, now())} {clock(event.startMs, zone)} ·{' '}
            {lengthOf(event)}
          </div>
          <div class="quiet dense">{preRollWords(event.preRoll)}</div>
        </div>
        <Button
          icon="check"
          text={t(event.reviewed ? 'seen' : 'mark-seen')}
          pressed={event.reviewed}
          onClick={() => onSeen(!event.reviewed)}
        />
        {mayLock && (
          <Button
            icon={event.locked ? 'lock' : 'unlock'}
            text={t(event.locked ? 'unlock' : 'lock')}
            pressed={event.locked}
            onClick={() => onLock(!event.locked)}
          />
        )}
        {me.value?.rights.includes('export') && (
          <a
            class="button"
            href={address('GET /api/events/{id}/clip.mp4', { params: { id: event.id } })}
            download
            aria-label={t('download')}
            title={t('download')}
          >
            <Icon name="download" />
          </a>
        )}
        {props.onStep && (
          <>
            <Button icon="up" label={t('previous')} kind="plain" onClick={() => props.onStep?.(-1)} />
            <Button icon="down" label={t('next')} kind="plain" onClick={() => props.onStep?.(1)} />
          </>
        )}
        <MoreMenu {...props} />
      </div>
      {event.note !== undefined && event.note !== '' && <p>{event.note}</p>}
    </article>
  );
}

function MoreMenu({ event, mayDelete, onDelete }: EventDetailProps) {
  const [shown, setShown] = useState<'why' | 'link'>();
  const link = new URL(href(`event/${event.id}`), location.href).href;
  const share = async () => {
    if (await copied(link)) toast(t('shared'), { tone: 'ok' });
    else setShown('link');
  };
  const items: MenuItem[] = [
    {
      label: t('to-timeline'),
      icon: 'timeline',
      href: timelineAddress({ cameras: [event.camera], timeMs: event.startMs, spanMs: 600_000 }),
    },
    { label: t('share'), icon: 'share', onPick: () => void share() },
    { label: t('why'), icon: 'help', onPick: () => setShown('why') },
    ...(mayDelete ? [{ label: t('delete'), icon: 'trash' as const, onPick: onDelete }] : []),
  ];
  return (
    <>
      <Menu label={t('more')} items={items}>
        <Icon name="more" />
      </Menu>
      {shown === 'link' && (
        <Dialog title={t('share-by-hand')} onClose={() => setShown(undefined)}>
          <input
            class="input"
            readOnly
            value={link}
            aria-label={t('share-by-hand')}
            onFocus={focused => focused.currentTarget.select()}
          />
        </Dialog>
      )}
      {shown === 'why' && <Why event={event} onClose={() => setShown(undefined)} />}
    </>
  );
}

/** The clipboard is there only where the connection is encrypted or stays on the machine; the old way works elsewhere. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}

function Why({ event, onClose }: { event: Event; onClose(): void }) {
  const { sources, labels, zones, continues, payload } = event;
  return (
    <Dialog title={t('why-title')} onClose={onClose}>
      <div class="stack">
        <p>{t('why-source', { sources: sources.map(labelWords).join(', ') })}</p>
        {labels.length > 0 && <p>{t('why-labels', { labels: labels.map(labelWords).join(', ') })}</p>}
        {zones.length > 0 && <p>{t('why-zones', { zones: zones.join(', ') })}</p>}
        {continues !== undefined && (
          <>
            <p>{t('why-continues')}</p>
            <Button text={t('why-earlier')} onClick={() => go(href(`event/${continues}`))} />
          </>
        )}
        {payload !== undefined && (
          <>
            <h3>{t('why-payload')}</h3>
            <pre class="scroll-x dense">{JSON.stringify(payload, null, 2)}</pre>
          </>
        )}
      </div>
    </Dialog>
  );
}
