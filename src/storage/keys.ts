// Keys of the index: big-endian numbers, so that their byte order is the order of camera, stream and time.
import type { CameraId, StreamName } from '../core/index.ts';
import type { Database } from './database.ts';
import type { EventKey } from './event.ts';
import { MAX_TIME_MS, parseSegmentPath } from './layout.ts';

const STREAM_CODES: Record<StreamName, number> = { main: 0, sub: 1 };

function prefix(size: number, camera: CameraId, stream: StreamName): Buffer {
  const key = Buffer.alloc(size);
  key.writeUInt32BE(camera, 0);
  key[4] = STREAM_CODES[stream];
  return key;
}

export const CAMERA_KEY_BYTES = 4;
const EVENT_KEY_BYTES = 12;

/** Cameras; in the garbage table: all footage of the camera is to go. */
export function cameraKey(camera: CameraId): Buffer {
  const key = Buffer.alloc(CAMERA_KEY_BYTES);
  key.writeUInt32BE(camera, 0);
  return key;
}

export function streamKey(camera: CameraId, stream: StreamName): Buffer {
  return prefix(5, camera, stream);
}

/** Segments: one row per hour, counted from 1970. */
export function hourKey(camera: CameraId, stream: StreamName, hour: number): Buffer {
  const key = prefix(9, camera, stream);
  key.writeUInt32BE(hour, 5);
  return key;
}

export function hourOfKey(key: Buffer): number {
  return key.readUInt32BE(5);
}

/** Gaps and garbage: a stream and a moment. */
export function timeKey(camera: CameraId, stream: StreamName, timeMs: number): Buffer {
  const key = prefix(11, camera, stream);
  key.writeUIntBE(timeMs, 5, 6);
  return key;
}

/** Events, and the parts of their directory: a camera, a moment, and a number among events of the same moment. */
export function eventKey({ camera, startMs, n }: EventKey): Buffer {
  const key = Buffer.alloc(EVENT_KEY_BYTES);
  key.writeUInt32BE(camera, 0);
  key.writeUIntBE(startMs, 4, 6);
  key.writeUInt16BE(n, 10);
  return key;
}

/** Undefined for a key that is none of an event. */
export function eventOfKey(key: Buffer): EventKey | undefined {
  if (key.length !== EVENT_KEY_BYTES) return undefined;
  const startMs = key.readUIntBE(4, 6);
  return startMs > MAX_TIME_MS ? undefined : { camera: cameraOfKey(key), startMs, n: key.readUInt16BE(10) };
}

/** Garbage: a moment can stand for two files after a backward clock step. */
export function garbageKey(camera: CameraId, stream: StreamName, startMs: number, clockGen: number): Buffer {
  const key = Buffer.alloc(15);
  timeKey(camera, stream, startMs).copy(key);
  key.writeUInt32BE(clockGen, 11);
  return key;
}

export function timeOfKey(key: Buffer): number {
  return key.readUIntBE(5, 6);
}

export function clockGenOfKey(key: Buffer): number {
  return key.readUInt32BE(11);
}

export function cameraOfKey(key: Buffer): CameraId {
  return key.readUInt32BE(0);
}

/** Undefined for a key that no version of ours has written. */
export function streamOfKey(key: Buffer): StreamName | undefined {
  if (key.length < 5) return undefined;
  return key[4] === 0 ? 'main' : key[4] === 1 ? 'sub' : undefined;
}

/** True for a file (by its path below the segments folder) that is marked as deleted. */
export function isGarbage(database: Pick<Database, 'range'>, path: string): boolean {
  const named = parseSegmentPath(path);
  if (!named) return false;
  const from = garbageKey(named.camera, named.stream, named.startMs, named.clockGen ?? 0);
  const to = garbageKey(named.camera, named.stream, named.startMs, named.clockGen ?? 0xffffffff);
  return database.range('garbage', { from, to: Buffer.concat([to, Buffer.alloc(1)]), limit: 1 }).length > 0;
}
