// Everything that does not work as it should, in words, and which of it endangers recording.
import type { GapReason } from '../core/index.ts';
import type { Camera, Problem, ProblemKind } from './contract.ts';
import type { ApiServices } from './services.ts';

type Services = Pick<ApiServices, 'cameras' | 'problems' | 'ongoingGap'>;

/** What `health` calls degraded. Of cameras that are not to be recorded nothing is. */
const ENDANGERS_RECORDING: Record<ProblemKind, boolean> = {
  'index-unwritable': true,
  // Footage is recorded all the same, and found by its files.
  'index-full': false,
  // What was lost or restored lies behind us.
  'index-damaged': false,
  'index-restored': false,
  // Room that does not become free is missing soon.
  'deletion-failed': true,
  'volume-missing': true,
  'no-space': true,
  recording: true,
  camera: true,
  'camera-settings': true,
  // Main is recorded.
  'sub-stream': false,
  'no-audio': false,
  // Cameras of the file may be missing.
  configuration: true,
};

/** Why a camera is not recorded though its pictures arrive: reasons that somebody can do something about. */
const STORAGE_GAPS: Partial<Record<GapReason, { message: string; cure: string }>> = {
  'disk-full': { message: 'the storage volume is full', cure: 'Delete footage, or use a larger volume.' },
  'no-volume': { message: 'the storage volume does not take it', cure: 'Check that the volume is mounted and sound.' },
  'slow-disk': { message: 'the storage volume is too slow', cure: 'Use a faster volume, or a lower bitrate.' },
};

/** Of the store, of cameras that should deliver or be recorded and are not, of cameras that cannot be read. */
export function problems(services: Services): Problem[] {
  const unreadable = services.cameras.unreadable.map(
    (id): Problem => ({
      kind: 'camera-settings',
      camera: id,
      message: `The settings of camera ${id} cannot be read.`,
      cure: 'Remove the camera and add it again; its footage is kept.',
    }),
  );
  const ofCameras = services.cameras.list().flatMap(camera => cameraProblems(camera, services));
  return [...services.problems(), ...ofCameras, ...unreadable];
}

/** True while footage is, or is about to be, missing. */
export function isRecordingEndangered(services: Services): boolean {
  const unrecorded = new Set(
    services.cameras
      .list()
      .filter(({ record }) => record.mode === 'off')
      .map(({ id }) => id),
  );
  return problems(services).some(
    ({ kind, camera }) => ENDANGERS_RECORDING[kind] && (camera === undefined || !unrecorded.has(camera)),
  );
}

function cameraProblems(camera: Camera, services: Services): Problem[] {
  const { enabled, state } = camera;
  if (!enabled || state.name === 'starting') return [];
  if (state.name !== 'live') return [absent(camera)];
  return [unrecorded(camera, services), silent(camera), subAbsent(camera)].filter(problem => problem !== undefined);
}

function absent({ id, name, state }: Camera): Problem {
  return {
    kind: 'camera',
    camera: id,
    message: `${name}: ${state.message ?? state.name}`,
    sinceMs: state.sinceMs,
    ...(state.cure ? { cure: state.cure } : {}),
  };
}

function subAbsent({ id, name, state: { sub } }: Camera): Problem | undefined {
  if (!sub?.message) return undefined;
  return {
    kind: 'sub-stream',
    camera: id,
    message: `${name}, sub stream: ${sub.message}`,
    sinceMs: sub.sinceMs,
    ...(sub.cure ? { cure: sub.cure } : {}),
  };
}

function unrecorded({ id, name, record }: Camera, services: Services): Problem | undefined {
  const gap = record.mode === 'off' ? undefined : services.ongoingGap(id);
  const words = gap && STORAGE_GAPS[gap.reason];
  if (!words) return undefined;
  const message = `${name} is not being recorded: ${words.message}.`;
  return { kind: 'recording', camera: id, message, cure: words.cure, sinceMs: gap.startMs };
}

function silent({ id, name, audio, state }: Camera): Problem | undefined {
  const codec = state.main?.audioLeftOut;
  if (!audio || codec === undefined) return undefined;
  return {
    kind: 'no-audio',
    camera: id,
    message: `${name}: its sound is not recorded, as it is coded as ${codec}.`,
    cure: 'Set the camera to AAC, or its "audio" to false.',
    sinceMs: state.sinceMs,
  };
}
