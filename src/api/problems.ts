// Everything that does not work as it should, in words, and which of it endangers recording.
import type { GapReason } from '../core/index.ts';
import type { StreamProblem } from '../native/index.ts';
import type { OnvifProblem } from '../onvif/index.ts';
import type { Camera, Problem, ProblemKind } from './contract.ts';
import type { ApiServices } from './services.ts';

type Services = Pick<ApiServices, 'cameras' | 'problems' | 'ongoingGap' | 'shortPastsMs' | 'clock'>;

/** What `health` calls degraded. Of cameras that are not to be recorded nothing is. */
const ENDANGERS_RECORDING: Record<Exclude<ProblemKind, `onvif-${string}`>, boolean> = {
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
  'bad-clock': false,
  'long-gop': false,
  'short-pre-roll': false,
  'no-audio': false,
  'flapping-parameters': false,
  // Cameras that need it are told of by themselves.
  go2rtc: false,
  mqtt: false,
  restream: false,
  // Cameras of the file may be missing.
  configuration: true,
};

/** Cameras are subscribed to anew now and then. */
const SILENT_MS = 60_000;

/** Why a camera is not recorded though its pictures arrive: reasons that somebody can do something about. */
const STORAGE_GAPS: Partial<Record<GapReason, { message: string; cure: string }>> = {
  'disk-full': { message: 'the storage volume is full', cure: 'Delete footage, or use a larger volume.' },
  'no-volume': { message: 'the storage volume does not take it', cure: 'Check that the volume is mounted and sound.' },
  'slow-disk': { message: 'the storage volume is too slow', cure: 'Use a faster volume, or a lower bitrate.' },
};

const STREAM_PROBLEM_WORDS: Record<StreamProblem, { message: string; cure: string }> = {
  'bad-clock': {
    message: 'its time stamps do not keep to real time, so its pictures or its sound are timed by their arrival',
    cure: 'Set the frame rate of the camera to one that it reaches, and look for newer firmware.',
  },
  'long-gop': {
    message: 'its keyframes lie far apart, so playback starts slowly and recordings of events begin late',
    cure: 'Set a key frame interval of 1 to 4 seconds in the camera, and switch its smart codec (H.264+, H.265+) off.',
  },
  'no-audio': {
    message: 'its sound is not recorded',
    cure: 'Set the camera to AAC, or its "audio" to false.',
  },
  'flapping-parameters': {
    message: 'it keeps changing how its pictures are coded, and some of them may be missing',
    cure: 'Set a fixed resolution and profile in the camera, and let nobody else change them.',
  },
};

/** Of the store, of cameras that should deliver or be recorded and are not, of cameras that cannot be read. */
export function problems(services: Services, cameras: readonly Camera[] = services.cameras.list()): Problem[] {
  const unreadable = services.cameras.unreadable.map(
    (id): Problem => ({
      kind: 'camera-settings',
      camera: id,
      message: `The settings of camera ${id} cannot be read.`,
      cure: 'Remove the camera and add it again; its footage is kept.',
    }),
  );
  const shortPastsMs = services.shortPastsMs(cameras);
  const ofCameras = cameras.flatMap(camera => cameraProblems(camera, services, shortPastsMs.get(camera.id)));
  return [...services.problems(), ...ofCameras, ...unreadable];
}

/** True while footage is, or is about to be, missing. */
export function isRecordingEndangered(services: Services): boolean {
  const cameras = services.cameras.list();
  const unrecorded = new Set(cameras.filter(({ record }) => record.mode === 'off').map(({ id }) => id));
  return problems(services, cameras).some(
    ({ kind, camera }) =>
      !isOnvif(kind) && ENDANGERS_RECORDING[kind] && (camera === undefined || !unrecorded.has(camera)),
  );
}

function cameraProblems(camera: Camera, services: Services, shortPastMs: number | undefined): Problem[] {
  const { enabled, state } = camera;
  if (!enabled || state.name === 'starting') return [];
  if (state.name !== 'live') return [absent(camera)];
  const own = [
    unrecorded(camera, services),
    shortPreRoll(camera, shortPastMs),
    subAbsent(camera),
    overOnvif(camera, services.clock),
  ];
  return [...own.filter(problem => problem !== undefined), ...streamProblems(camera)];
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

/** Recording does not depend on it. */
function isOnvif(kind: ProblemKind): kind is `onvif-${OnvifProblem}` | 'onvif-events' {
  return kind.startsWith('onvif-');
}

/** A camera that has no messages is as it is; one whose messages stay away is told of when that lasts. */
function overOnvif({ id, name, state: { onvif } }: Camera, clock: ApiServices['clock']): Problem | undefined {
  if (!onvif) return undefined;
  const { problem, silentSinceMs } = onvif;
  // What waits although main is live has a password that cannot be read.
  if (problem !== undefined && onvif.name !== 'ready') {
    const { kind, message, cure } = problem;
    return { kind: `onvif-${kind}`, camera: id, message: `${name}, ONVIF: ${message}`, cure, sinceMs: onvif.sinceMs };
  }
  if (silentSinceMs === undefined || clock.nowMs() - silentSinceMs <= SILENT_MS) return undefined;
  return {
    kind: 'onvif-events',
    camera: id,
    message: `${name}: ONVIF events do not arrive.${problem ? ` ${problem.message}` : ''}`,
    cure: problem?.cure ?? 'If it lasts, restart the camera.',
    sinceMs: silentSinceMs,
  };
}

function shortPreRoll({ id, name, events }: Camera, reachMs: number | undefined): Problem | undefined {
  if (reachMs === undefined) return undefined;
  const [reach, wanted] = [reachMs, events.preRollMs].map(ms => (ms / 1000).toFixed(1));
  return {
    kind: 'short-pre-roll',
    camera: id,
    message: `${name}: there is memory for ${reach} of the ${wanted} seconds that are to be recorded before an event.`,
    cure: 'Use a shorter preRollMs here or at another camera, or a lower bit rate or key frame interval in the camera.',
  };
}

function streamProblems({ id, name, state }: Camera): Problem[] {
  const streams = [
    { title: name, link: state, facts: state.main },
    ...(state.sub ? [{ title: `${name}, sub stream`, link: state.sub, facts: state.sub }] : []),
  ];
  return streams.flatMap(({ title, link, facts }) =>
    link.problems.map((kind): Problem => {
      const { message, cure } = STREAM_PROBLEM_WORDS[kind];
      const codec = kind === 'no-audio' ? facts?.audioLeftOut : undefined;
      return {
        kind,
        camera: id,
        message: `${title}: ${message}${codec ? `, as it is coded as ${codec}` : ''}.`,
        cure,
      };
    }),
  );
}
