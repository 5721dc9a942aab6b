// What stays behind of cameras that were removed: the memory with one camera, before and after there were more.
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import type { Measured } from './budgets.ts';
import { processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const MORE = 7;
/** Until the rings are full and start-up's garbage is collected. */
const SETTLE_MS = 15_000;

export async function measureRemoval(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: MORE + 1 }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  try {
    const service = await Service.start(options);
    const [first = '', ...more] = names.map(name => server.url(name));
    await addCameras(service, [first]);
    await pause(SETTLE_MS);
    const before = processFigures(service.pid);
    await addCameras(service, more);
    await pause(SETTLE_MS);
    for (let id = 2; id <= MORE + 1; id++) await service.delete(`/api/cameras/${id}`);
    await pause(SETTLE_MS);
    const after = processFigures(service.pid);
    await service.stop();
    return [{ id: 'removed', cameras: MORE + 1, value: after.rssMiB - before.rssMiB }];
  } finally {
    await server.stop();
  }
}
