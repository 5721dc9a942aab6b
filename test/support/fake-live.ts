// The live surface of the engine: writes down what it is asked for.
import type { NativeEngine } from '../../src/native/addon.ts';

export class FakeLive implements Pick<NativeEngine, 'watchLive' | 'endLive' | 'showKey' | 'setLiveBuffer'> {
  /** As `watch 1 main true 7`. */
  readonly calls: string[] = [];
  /** Where fragments go. */
  buffer: Buffer = Buffer.alloc(0);

  watchLive(camera: number, stream: string, sound: boolean, viewer: number): void {
    this.calls.push(`watch ${camera} ${stream} ${sound} ${viewer}`);
  }

  endLive(camera: number, stream: string, sound: boolean): void {
    this.calls.push(`end ${camera} ${stream} ${sound}`);
  }

  showKey(camera: number, stream: string, viewer: number): void {
    this.calls.push(`key ${camera} ${stream} ${viewer}`);
  }

  setLiveBuffer(buffer: Buffer): void {
    this.buffer = buffer;
  }
}
