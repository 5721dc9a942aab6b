// A whole run of a browser over WebRTC (webrtc-child.ts), and what it takes to have one.
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realGo2rtc } from './go2rtc/peer.ts';
import { runInNetwork } from './own-network.ts';
import { tempDir } from './temp.ts';

/** See webrtc-child.ts for what each is. */
export interface WebRtcFound {
  can: boolean;
  status: number;
  refused: unknown;
  addresses: string[];
  openToCamera: number;
  views: number;
  /** From the call to the first frame that was shown. */
  firstMs: number[];
  answeredMs: number[];
  deleted: number;
  saidBefore: number;
  talkStatus: number;
  talkRefused: unknown;
  saidRequests: string[];
  interrupted: unknown[];
  openToCameraWhileTalking: number;
  kept: number;
  ended: number;
  intruded: number;
  forged: number;
  survived: boolean;
  endedBy: number;
  framesAfterLogout: number;
  gaps: unknown[];
}

const CLIP = fileURLToPath(new URL('../../src/demo/clips/hall-main.mp4', import.meta.url));

/** Why no go2rtc can be run here; undefined when one can. */
export function go2rtcProblem(): string | undefined {
  return realGo2rtc() === undefined ? 'there is no go2rtc (GO2RTC_BIN, or on PATH)' : undefined;
}

/** What a run is told: a folder for its PATH with a go2rtc in it, and what its camera plays. */
export function go2rtcRun(): { GO2RTC_DIR: string; CLIP: string } {
  const folder = tempDir('go2rtc');
  mkdirSync(folder, { recursive: true });
  symlinkSync(realGo2rtc() ?? '', join(folder, 'go2rtc'));
  return { GO2RTC_DIR: folder, CLIP };
}

/** Throws what went wrong. */
export function runWebRtc(): WebRtcFound {
  const { status, stdout, stderr } = runInNetwork('./webrtc-child.ts', go2rtcRun());
  if (status !== 0) throw new Error(`the run ended with ${status}: ${stderr.slice(-2000)}`);
  const found = JSON.parse(stdout) as WebRtcFound & { failed?: string; log?: unknown[] };
  if (found.failed === undefined) return found;
  throw new Error(`${found.failed}\n${JSON.stringify(found, null, 1)}`);
}
