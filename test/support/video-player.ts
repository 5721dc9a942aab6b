// A video element in Chromium: where it can be moved to, which picture it shows there, and what it says when it cannot play.
import type { Page } from 'playwright-core';
import type { Browser } from './browser.ts';
import type { Service } from './service.ts';

export interface ShownPicture {
  /** Its place on the file's time line. */
  timeS: number;
  width: number;
  height: number;
}

/** Time in which the element has to do what it was asked. */
const PATIENCE_MS = 30_000;

/**
 * Runs in the page, as text: tests are compiled without the browser's types. Each promise rejects with the element's own words
 * when it cannot play.
 */
const PLAYER = `
window.player = {
  video: document.createElement('video'),
  failed() {
    const { error } = this.video;
    return new Error('the video cannot be played: ' + (error ? error.code + ' ' + error.message : 'unknown'));
  },
  once(name) {
    return new Promise((resolve, reject) => {
      this.video.addEventListener(name, () => resolve(), { once: true });
      this.video.addEventListener('error', () => reject(this.failed()), { once: true });
    });
  },
  async load(path) {
    document.body.replaceChildren(this.video);
    this.video.muted = true;
    this.video.src = path;
    await this.once('loadeddata');
    return this.video.duration;
  },
  async seek(timeS) {
    // No picture is shown anew where it is already.
    if (this.shown && this.video.currentTime === timeS) return this.shown;
    const shown = new Promise(resolve => this.video.requestVideoFrameCallback((_, picture) => resolve(picture)));
    const seeked = this.once('seeked');
    this.video.currentTime = timeS;
    await seeked;
    const { mediaTime, width, height } = await shown;
    return (this.shown = { timeS: mediaTime, width, height });
  },
  async playFrom(fromS, toS) {
    await this.seek(fromS);
    await this.video.play();
    this.shown = undefined;
    while (this.video.currentTime < toS && !this.video.ended) {
      if (this.video.error) throw this.failed();
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    this.video.pause();
  },
};
`;

export class VideoPlayer {
  readonly page: Page;
  readonly durationS: number;

  private constructor(page: Page, durationS: number) {
    this.page = page;
    this.durationS = durationS;
  }

  /** Loads `path` of the service until its first picture is there. The page goes with the browser. */
  static async open(browser: Browser, service: Service, path: string): Promise<VideoPlayer> {
    const { page } = await browser.open(new URL('/api/health', service.ready.url).href);
    await page.setExtraHTTPHeaders(service.headers);
    await page.evaluate(PLAYER);
    return new VideoPlayer(page, await ask<number>(page, `player.load(${JSON.stringify(path)})`));
  }

  /** Resolves with the picture that is shown then. */
  seek(timeS: number): Promise<ShownPicture> {
    return ask(this.page, `player.seek(${timeS})`);
  }

  /** Plays, muted, until the time or the end is reached. */
  playFrom(fromS: number, toS: number): Promise<void> {
    return ask(this.page, `player.playFrom(${fromS}, ${toS})`);
  }

  decodedBytes(): Promise<{ video: number; audio: number }> {
    return ask(
      this.page,
      '({ video: player.video.webkitVideoDecodedByteCount, audio: player.video.webkitAudioDecodedByteCount })',
    );
  }
}

/** Playwright waits for an evaluation for ever. */
async function ask<T>(page: Page, expression: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${expression}: nothing for ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([page.evaluate<T>(expression), limit]);
  } finally {
    clearTimeout(timer);
  }
}
