// What the live routes take: types only, a part of the contract.
import type { StreamName } from '../core/index.ts';

/** As `ApiRoutes`. */
export interface LiveRoutes {
  'GET /api/cameras/{id}/live': { query: { stream?: StreamName; audio?: '0' | '1' } };
  'GET /api/cameras/{id}/snapshot.jpg': { query: { stream?: StreamName; width?: number } };
  'GET /api/cameras/{id}/mjpeg': { query: { stream?: StreamName; width?: number; fps?: number } };
}
