// Cameras for a wall of tiles.
import type { Camera } from '../../src/api/contract.ts';
import type { Service } from './service.ts';

const LIVE_MS = 60_000;

/** Adds copies of the first camera of a service with --demo, which record nothing, until there are `tiles`; resolves when all are live. */
export async function addTiles(service: Service, tiles: number): Promise<void> {
  const { cameras } = await service.get<{ cameras: Camera[] }>('/api/cameras');
  const { main, sub } = cameras[0] as Camera;
  for (let number = cameras.length + 1; number <= tiles; number++) {
    const streams = { main: { url: main.url }, sub: { url: sub?.url } };
    await service.post('/api/cameras', { name: `Camera ${number}`, ...streams, record: { mode: 'off' } });
  }
  await service.until<{ cameras: Camera[] }>(
    '/api/cameras',
    ({ cameras: all }) => all.every(({ state }) => state.name === 'live'),
    LIVE_MS,
  );
}
