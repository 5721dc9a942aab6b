// Keeping what is shown: the moving picture as it is on the screen, else the board's newest.
import { callBlob } from '../api.ts';
import { toast } from '../components/toast.tsx';
import { clock, dayOf } from '../time.ts';
import { now, zone } from '../zone.ts';

const QUALITY = 0.92;

/** The browser keeps it under the camera's name and the local time; why there is none is said. */
export async function saveSnapshot(
  camera: { id: number; name: string },
  video?: HTMLVideoElement,
  wallMs = now(),
): Promise<void> {
  const picture = (video?.dataset.shown !== undefined && (await pictureOf(video))) || (await newest(camera.id));
  if (!picture) return;
  const url = URL.createObjectURL(picture);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName(camera.name, wallMs);
  link.click();
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

async function newest(id: number): Promise<Blob | undefined> {
  const answer = await callBlob('GET /api/cameras/{id}/snapshot.jpg', { params: { id }, query: { width: 8192 } });
  if (answer.is === 'error') toast(answer.error.message, { tone: 'danger' });
  return answer.is === 'ok' ? answer.value : undefined;
}

/** `Front door 2026-10-14 14-05-20.jpg` */
function fileName(name: string, ms: number): string {
  const place = zone();
  return `${name.replace(/[\\/:*?"<>|]/g, ' ').trim()} ${dayOf(ms, place)} ${clock(ms, place).replaceAll(':', '-')}.jpg`;
}
