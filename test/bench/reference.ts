// The reference: one `ffmpeg -c copy` per camera, recording the same streams at the same time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../support/child.ts';
import { tempDir } from '../support/temp.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';

/** One recorder per URL, as a person would run it: segments of five minutes that survive a crash. */
export class Reference {
  readonly #children: Child[];

  constructor(urls: readonly string[]) {
    const folder = tempDir('reference');
    this.#children = urls.map((url, index) => {
      const own = join(folder, String(index));
      mkdirSync(own);
      const input = ['-v', 'error', '-nostdin', '-rtsp_transport', 'tcp', '-i', url];
      const output = ['-c', 'copy', '-f', 'segment', '-segment_time', '300', '-segment_format', 'mp4'];
      const options = ['-segment_format_options', 'movflags=+frag_keyframe+empty_moov'];
      return new Child('ffmpeg', [...input, ...output, ...options, join(own, '%d.mp4')]);
    });
  }

  /** Figures of each. */
  figures(): ProcessFigures[] {
    return this.#children.map(child => processFigures(child.pid));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(child => child.stop()));
  }
}
