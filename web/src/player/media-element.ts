// A video element with a MediaSource behind it and the picture that stays while another takes over. Hides ManagedMediaSource,
// object addresses, and how decoders are let go.

/** Into a picture, so that what decoders round does not show the one before. */
export const INTO_S = 0.001;

const HAVE_CURRENT_DATA = 2;
const LONGEST_PICTURE_S = 2;
/** Two pictures of a screen: by then a new one would have been drawn. */
const SAME_PICTURE_MS = 40;

interface Managed extends MediaSource {
  readonly streaming?: boolean;
}

interface MediaSourceKind {
  new (): MediaSource;
  isTypeSupported(type: string): boolean;
}

/** Codecs that a decoder gave up on although the browser said it could; until the page is loaded anew. */
const refused = new Set<string>();

/** `codecs` as in RFC 6381, several with commas. */
export function mimeOf(codecs: string): string {
  return `video/mp4; codecs="${codecs}"`;
}

function mediaSourceKind(): MediaSourceKind | undefined {
  const { ManagedMediaSource, MediaSource } = globalThis as unknown as Record<string, MediaSourceKind | undefined>;
  return ManagedMediaSource ?? MediaSource;
}

export function hasMediaSource(): boolean {
  return mediaSourceKind() !== undefined;
}

export function canPlay(codecs: string): boolean {
  return !refused.has(codecs) && mediaSourceKind()?.isTypeSupported(mimeOf(codecs)) === true;
}

/** Only the picture's codec can be to blame where the same sound plays elsewhere; the whole set is remembered. */
export function refuse(codecs: string): void {
  refused.add(codecs);
}

/** Somebody asks for another try. */
export function forgiveRefused(): void {
  refused.clear();
}

/** True where a change of speed makes the element buffer anew. */
export function dislikesRates(): boolean {
  return /^((?!chrome|android|crios|fxios).)*safari/i.test(navigator.userAgent);
}

export class MediaElement {
  readonly video: HTMLVideoElement;
  readonly #canvas: HTMLCanvasElement;
  #url: string | undefined;
  /** Tells who waits for a source that it was replaced. */
  #abandon = () => {};
  #waitFrame = 0;

  constructor(video: HTMLVideoElement, canvas: HTMLCanvasElement) {
    this.video = video;
    this.#canvas = canvas;
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
  }

  get canvas(): HTMLCanvasElement {
    return this.#canvas;
  }

  /** A new decoder; what was shown stays until the first new picture. Resolves when it can be fed; undefined when it was replaced before. */
  async open(): Promise<MediaSource | undefined> {
    this.keepPicture();
    this.#release();
    const Kind = mediaSourceKind();
    if (!Kind) return undefined;
    const source = new Kind();
    const url = URL.createObjectURL(source);
    this.#url = url;
    const opened = new Promise<void>(resolve => {
      this.#abandon = resolve;
      source.addEventListener('sourceopen', () => resolve(), { once: true });
    });
    this.video.src = url;
    await opened;
    return this.#url === url ? source : undefined;
  }

  /** What a peer sends, without a decoder of ours; what was shown stays until the first new picture. */
  attach(stream: MediaStream): void {
    this.close();
    this.video.srcObject = stream;
  }

  /** Draws the picture that is shown onto the canvas behind, and hides the element until its next one. */
  keepPicture(): void {
    const { video } = this;
    if (video.dataset.shown !== undefined && video.videoWidth > 0) {
      const width = Math.min(
        video.videoWidth,
        Math.ceil(video.clientWidth * (globalThis.devicePixelRatio || 1)) || 640,
      );
      this.draw(video, width, Math.round((width * video.videoHeight) / video.videoWidth));
    }
    delete video.dataset.shown;
    this.#waitFrame++;
  }

  /** A picture behind the element, for as long as that shows none. */
  draw(picture: CanvasImageSource, width: number, height: number): void {
    this.#canvas.width = width;
    this.#canvas.height = height;
    try {
      this.#canvas.getContext('2d')?.drawImage(picture, 0, 0, width, height);
      this.#canvas.dataset.drawn = '';
    } catch {
      // The element lost its picture in between: nothing to keep.
    }
  }

  /** Calls `shown` once, at the next picture that the element shows; from then on it covers the canvas. */
  onFrame(shown: (frame: { mediaTime: number }) => void): void {
    const turn = ++this.#waitFrame;
    const arrived = (frame: { mediaTime: number }) => {
      if (turn !== this.#waitFrame) return;
      this.video.dataset.shown = '';
      shown(frame);
    };
    nextFrame(this.video, arrived);
  }

  /** Shows the picture at a time. Resolves with whether it came within `patienceMs`. */
  moveTo(timeS: number, patienceMs: number): Promise<boolean> {
    const { video } = this;
    return new Promise(resolve => {
      let timer = setTimeout(() => end(false), patienceMs);
      const end = (isShown: boolean) => {
        clearTimeout(timer);
        video.removeEventListener('seeked', seeked);
        resolve(isShown);
      };
      // The picture that is shown already is not drawn again: then nothing but the end of the seek is told.
      const seeked = () => {
        if (video.dataset.shown === undefined) return;
        clearTimeout(timer);
        timer = setTimeout(() => end(true), SAME_PICTURE_MS);
      };
      // One that was on its way to the screen when the seek began is not it.
      const arm = () =>
        this.onFrame(({ mediaTime }) => (Math.abs(mediaTime - timeS) < LONGEST_PICTURE_S ? end(true) : arm()));
      arm();
      video.addEventListener('seeked', seeked);
      if (Math.abs(video.currentTime - timeS) > 0.0002) video.currentTime = timeS;
      else if (!video.seeking && video.readyState >= HAVE_CURRENT_DATA) seeked();
    });
  }

  /** Frees the decoder; the last picture stays. */
  close(): void {
    this.keepPicture();
    this.#release();
  }

  /** Frees everything, the picture too. */
  clear(): void {
    delete this.video.dataset.shown;
    this.#waitFrame++;
    this.#release();
    this.#canvas.width = 0;
    this.#canvas.height = 0;
    delete this.#canvas.dataset.drawn;
  }

  #release(): void {
    if (this.video.srcObject) this.video.srcObject = null;
    if (this.#url === undefined) return;
    URL.revokeObjectURL(this.#url);
    this.#url = undefined;
    this.#abandon();
    this.video.removeAttribute('src');
    this.video.load();
  }
}

/** Once, when the element shows another picture. */
export function nextFrame(video: HTMLVideoElement, shown: (frame: { mediaTime: number }) => void): void {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback((_, frame) => shown(frame));
  else video.addEventListener('timeupdate', () => shown({ mediaTime: video.currentTime }), { once: true });
}

/** Whether a ManagedMediaSource wants data now; others always do. */
export function wantsData(source: MediaSource): boolean {
  return (source as Managed).streaming !== false;
}
