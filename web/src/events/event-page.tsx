// One event by its address: where links in messages lead.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import { Confirm } from '../components/dialog.tsx';
import { Empty, ErrorNote } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { go, href } from '../router.ts';
import type { PageProps } from '../routes.ts';
import { refreshUnseen } from '../session.ts';
import { cameraName, onUpdate } from '../state.ts';
import { moment } from '../time.ts';
import { zone as currentZone, now } from '../zone.ts';
import { EventDetail } from './detail.tsx';
import { useRights } from './page.tsx';
import { t, titleOf } from './words.ts';

export default function EventPage({ params }: PageProps) {
  const id = params.id ?? '';
  const event = useSignal<Event | undefined>(undefined);
  const error = useSignal<ApiError | undefined>(undefined);
  const deleting = useSignal(false);
  const rights = useRights();
  const zone = currentZone();
  useEffect(() => {
    const stop = new AbortController();
    void call('GET /api/events/{id}', { params: { id } }, { signal: stop.signal }).then(result => {
      if (result.is === 'ok') event.value = result.value;
      else if (result.is === 'error') error.value = result.error;
    });
    const stopUpdates = onUpdate(update => {
      if ('type' in update && update.type === 'event' && 'event' in update && update.event.id === id)
        event.value = update.event;
    });
    return () => {
      stop.abort();
      stopUpdates();
    };
  }, [id]);
  const change = async (body: { reviewed?: boolean; locked?: boolean }) => {
    const result = await call('PATCH /api/events/{id}', { params: { id }, body });
    if (result.is === 'ok') event.value = result.value;
    else if (result.is === 'error') toast(t('mark-failed', { why: result.error.message }), { tone: 'danger' });
    void refreshUnseen();
  };
  const remove = async () => {
    const result = await call('DELETE /api/events/{id}', { params: { id } });
    if (result.is === 'ok') go(href('events'));
    else if (result.is === 'error') toast(t('delete-failed', { why: result.error.message }), { tone: 'danger' });
  };
  const shown = event.value;
  return (
    <div class="page ev-page ev-one">
      <PageHead
        title={
          shown ? `${titleOf(shown)}, ${cameraName(shown.camera)}, ${moment(shown.startMs, zone, now())}` : t('title')
        }
        section={t('title')}
      >
        <a class="button" href={href('events')}>
          {t('to-events')}
        </a>
      </PageHead>
      {shown && (
        <EventDetail
          event={shown}
          zone={zone}
          autoPlay
          {...rights}
          onSeen={reviewed => void change({ reviewed })}
          onLock={locked => void change({ locked })}
          onDelete={() => (deleting.value = true)}
        />
      )}
      {deleting.value && (
        <Confirm
          title={t('delete-title')}
          action={t('delete')}
          onConfirm={() => {
            deleting.value = false;
            void remove();
          }}
          onClose={() => (deleting.value = false)}
        >
          {t('delete-what')}
        </Confirm>
      )}
      {error.value &&
        (error.value.kind === 'not-found' ? (
          <Empty icon="events" title={t('not-found')}>
            <p>{t('not-found-text')}</p>
          </Empty>
        ) : (
          <ErrorNote error={error.value} />
        ))}
    </div>
  );
}
