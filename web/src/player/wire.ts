// The words of the service that a player needs, taken from its public shapes.
import type { Camera, Gap, Segment } from '../../../src/api/contract.ts';

export type StreamName = Segment['stream'];
export type GapReason = Gap['reason'];
export type CameraState = Camera['state'];
export type { Camera, Gap };
