// Keeping what is shown: the moving picture as it is on the screen, else the board's newest.
import { address } from '../api.ts';
import { clock, dayOf } from '../time.ts';
import { zone } from '../zone.ts';

const QUALITY = 0.92;

/** The browser keeps it under the camera's name and the local time. */
export async function saveSnapshot(
  camera: { id: number; name: string },
  video: HTMLVideoElement | undefined,
  wallMs: number | undefined,
): Promise<void> {
  const name = fileName(camera.name, wallMs ?? Date.now());
  const picture = video?.dataset.shown === undefined ? undefined : await pictureOf(video);
  if (!picture) {
    keep(address('GET /api/cameras/{id}/snapshot.jpg', { params: { id: camera.id }, query: { width: 8192 } }), name);
    return;
  }
  const url = URL.createObjectURL(picture);
  keep(url, name);
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function pictureOf(video: HTMLVideoElement): Promise<Blob | null> {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return new Promise(resolve => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
}

function keep(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** `Front door 2026-10-14 14-05-20.jpg` */
function fileName(name: string, ms: number): string {
  const place = zone();
  return `${name.replace(/[\\/:*?"<>|]/g, ' ').trim()} ${dayOf(ms, place)} ${clock(ms, place).replaceAll(':', '-')}.jpg`;
}
