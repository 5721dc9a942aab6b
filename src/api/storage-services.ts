// What the API needs of the parts below it, as those parts have it.
import type { Cameras } from '../cameras/index.ts';
import type { Engine, Pictures } from '../native/index.ts';
import type { Recording, StorageCare } from '../recording/index.ts';
import { isAfterCursor, type Store, segmentCursor } from '../storage/index.ts';
import type { ApiServices } from './services.ts';

/** What is asked of storage and recording. */
export function storageServices(
  store: Store,
  recording: Recording,
  care: StorageCare,
): Pick<
  ApiServices,
  'storage' | 'segments' | 'recordingSettled' | 'timeline' | 'ongoingGap' | 'shortPastsMs' | 'indexBytes'
> {
  return {
    segments: {
      folder: store.segmentsFolder,
      list: query => store.segments.list(query),
      cursorAfter: segmentCursor,
      isAfter: isAfterCursor,
      get: id => store.segments.get(id),
      remove: async id => {
        await recording.deleteSegment(id);
      },
      removeAll: camera => recording.deleteFootage(camera),
      eventFootage: (camera, startMs, endMs) => store.events.footage(camera, startMs, endMs),
      totals: camera => store.segments.totals(camera),
    },
    recordingSettled: camera => recording.settled(camera),
    storage: care,
    timeline: (ids, stream, startMs, endMs) => recording.timeline(ids, stream, startMs, endMs),
    ongoingGap: camera => store.gaps.ongoing(camera, 'main'),
    shortPastsMs: list => recording.shortPastsMs(list),
    indexBytes: () => store.indexBytes(),
  };
}

/** What is asked of those who have the newest pictures. */
export function liveServices(store: Store, engine: Engine, cameras: Cameras, pictures: Pictures): ApiServices['live'] {
  return {
    feeds: engine.live,
    need: (camera, stream) => cameras.need(camera, stream),
    keyPicture: request => pictures.makeFromMemory(request, engine),
    newestSegment: (camera, stream) =>
      store.segments.list({ camera, stream, startMs: 0, endMs: Date.now(), limit: 1, newestFirst: true }).segments[0],
  };
}
