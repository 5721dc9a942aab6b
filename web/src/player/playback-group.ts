// Recorded pictures of one to four cameras by one clock: the first that moves leads, the others keep up with it, and where none has
// footage the clock jumps. The needle of a timeline and the buttons under it act on this.
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Board } from './board.ts';
import type { Hole } from './footage-index.ts';
import type { PlayState } from './play-state.ts';

export const RATES = [0.25, 0.5, 1, 2, 4, 8, 16] as const;
/** Above this only key pictures are shown. */
export const MOST_FULL_RATE = 4;

/** One camera of a group, however its pictures come. */
export interface GroupMember {
  readonly camera: number;
  readonly state: ReadonlySignal<PlayState>;
  /** Where it stands in a gap. */
  readonly hole: Hole | undefined;
  /** Pictures follow each other. */
  readonly moves: boolean;
  /** When what is shown was recorded. */
  wallMs(): number | undefined;
  /** Resolves when the picture is shown, or that there is none is known. */
  seek(ms: number): Promise<void>;
  scrub(ms: number): void;
  play(): void;
  pause(): void;
  setRate(rate: number): void;
  setSound(sound: boolean): void;
  step(direction: 1 | -1): Promise<boolean>;
  deleted(untilMs: number): void;
  close(): void;
}

export interface GroupOptions {
  /** What to do in a gap: jump after its card was shown for a second, or wait for the reader. Default `skip`. */
  gaps?: () => 'skip' | 'ask';
  /** Playing ends here. */
  endMs?: number;
}

const CARD_MS = 1000;
const DRIFT_MS = 250;
/** Nearer than this nobody sees a difference. */
const TOGETHER_MS = 25;
/** Further apart is not caught up with but jumped to. */
const JUMP_MS = 1000;
const MOST_CORRECTION = 0.05;
/** How long playing waits for the slowest picture of a seek. */
const START_TOGETHER_MS = 1000;
const KEY_PICTURE_MS = 110;

export class PlaybackGroup {
  /** The needle, UTC. */
  readonly nowMs: Signal<number>;
  /** What the reader wants: seeks and gaps do not change it. */
  readonly isPlaying: Signal<boolean> = signal(false);
  /** One of `RATES`. */
  readonly rate: Signal<number> = signal(1);
  readonly scrubbing: Signal<boolean> = signal(false);
  /** Where no camera of the group has footage. */
  readonly gap: Signal<Hole | undefined> = signal(undefined);
  readonly #board: Board;
  readonly #options: GroupOptions;
  readonly #members: GroupMember[] = [];
  #turn = 0;
  #frame = 0;
  #frameMs = 0;
  #driftMs = 0;
  #keyMs = 0;
  #gapSinceMs: number | undefined;
  #seeking = 0;

  constructor(board: Board, startMs: number, options: GroupOptions = {}) {
    this.#board = board;
    this.#options = options;
    this.nowMs = signal(startMs);
  }

  get members(): readonly GroupMember[] {
    return this.#members;
  }

  /** It shows the group's moment at once. Call what is returned before it is closed. */
  add(player: GroupMember): () => void {
    this.#members.push(player);
    player.setRate(this.#fullRate());
    void player.seek(this.nowMs.peek());
    if (this.isPlaying.peek() && !this.#isFast()) player.play();
    return () => {
      this.#members.splice(this.#members.indexOf(player), 1);
    };
  }

  /** `scrub` while the needle is dragged: key pictures; `commit` when it is let go. Neither changes whether it plays. */
  seek(ms: number, how: 'scrub' | 'commit' = 'commit'): void {
    this.#turn++;
    this.nowMs.value = ms;
    this.#gapSinceMs = undefined;
    this.scrubbing.value = how === 'scrub';
    if (how === 'scrub') for (const player of this.#members) player.scrub(ms);
    else void this.#commit(ms, this.#turn);
  }

  play(): void {
    if (this.#options.endMs !== undefined && this.nowMs.peek() >= this.#options.endMs) return;
    this.isPlaying.value = true;
    this.#gapSinceMs = undefined;
    if (this.#isFast()) this.#keyMs = 0;
    else if (!this.scrubbing.peek()) for (const player of this.#members) player.play();
    this.#run();
  }

  pause(): void {
    this.isPlaying.value = false;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#isFast()) this.seek(this.nowMs.peek());
    for (const player of this.#members) player.pause();
  }

  toggle(): void {
    if (this.isPlaying.peek()) this.pause();
    else this.play();
  }

  setRate(rate: number): void {
    const wasFast = this.#isFast();
    this.rate.value = rate;
    for (const player of this.#members) player.setRate(this.#fullRate());
    if (!this.isPlaying.peek() || wasFast === this.#isFast()) return;
    if (wasFast) this.seek(this.nowMs.peek());
    else for (const player of this.#members) player.pause();
  }

  /** One picture of the leading camera on or back; the others follow it. */
  async step(direction: 1 | -1): Promise<boolean> {
    this.pause();
    const turn = ++this.#turn;
    const leader = this.#members.find(player => !player.hole);
    if (!leader || !(await leader.step(direction)) || turn !== this.#turn) return false;
    const ms = leader.wallMs() ?? this.nowMs.peek();
    this.nowMs.value = ms;
    for (const player of this.#members) if (player !== leader) void player.seek(ms);
    return true;
  }

  /** Its players are closed by whoever made them. */
  close(): void {
    this.#turn++;
    this.isPlaying.value = false;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  async #commit(ms: number, turn: number): Promise<void> {
    const players = [...this.#members];
    // Those that are ready wait for the others, but not for long.
    const together = players.length > 1;
    if (together || this.#isFast()) for (const player of players) player.pause();
    this.#seeking++;
    const sought = Promise.all(players.map(player => player.seek(ms)));
    const limit = new Promise(resolve => setTimeout(resolve, START_TOGETHER_MS));
    await (together ? Promise.race([sought, limit]) : sought);
    this.#seeking--;
    if (turn !== this.#turn) return;
    this.#lookForGap();
    if (!this.isPlaying.peek() || this.#isFast()) return;
    for (const player of players) player.play();
    this.#run();
  }

  #isFast(): boolean {
    return this.rate.peek() > MOST_FULL_RATE;
  }

  #fullRate(): number {
    return Math.min(this.rate.peek(), MOST_FULL_RATE);
  }

  #run(): void {
    if (this.#frame !== 0) return;
    this.#frameMs = this.#board.nowMs();
    const turn = () => {
      this.#frame = this.isPlaying.peek() ? requestAnimationFrame(turn) : 0;
      if (this.#frame !== 0) this.#look();
    };
    this.#frame = requestAnimationFrame(turn);
  }

  #look(): void {
    const nowMs = this.#board.nowMs();
    const passedMs = nowMs - this.#frameMs;
    this.#frameMs = nowMs;
    if (this.scrubbing.peek() || this.#seeking > 0) return;
    this.#lookForGap();
    if (this.gap.peek()) this.#inGap(nowMs);
    else if (this.#isFast()) this.#fast(passedMs, nowMs);
    else this.#follow(nowMs);
    const { endMs } = this.#options;
    if (endMs !== undefined && this.nowMs.peek() >= endMs) {
      this.pause();
      this.nowMs.value = endMs;
    }
  }

  #follow(nowMs: number): void {
    const leader = this.#members.find(player => player.moves);
    const leaderMs = leader?.wallMs();
    if (!leader || leaderMs === undefined) return;
    this.nowMs.value = leaderMs;
    if (nowMs - this.#driftMs < DRIFT_MS) return;
    this.#driftMs = nowMs;
    leader.setRate(this.rate.peek());
    for (const player of this.#members) if (player !== leader) this.#keepUp(player, leaderMs);
  }

  #keepUp(player: GroupMember, leaderMs: number): void {
    const { hole } = player;
    if (hole) {
      if (hole.endMs !== undefined && leaderMs >= hole.endMs) void player.seek(leaderMs);
      return;
    }
    const ms = player.wallMs();
    if (!player.moves || ms === undefined) return;
    const aheadMs = ms - leaderMs;
    const rate = this.rate.peek();
    if (Math.abs(aheadMs) > JUMP_MS) void player.seek(leaderMs);
    else if (Math.abs(aheadMs) < TOGETHER_MS) player.setRate(rate);
    else player.setRate(rate * (1 - Math.sign(aheadMs) * Math.min(MOST_CORRECTION, Math.abs(aheadMs) / 2000)));
  }

  /** A clock of our own; cameras show the key pictures that it passes. */
  #fast(passedMs: number, nowMs: number): void {
    // A page that slept does not leap.
    const ms = this.nowMs.peek() + Math.min(passedMs, 250) * this.rate.peek();
    this.nowMs.value = Math.min(ms, this.#board.utcMs());
    if (nowMs - this.#keyMs < KEY_PICTURE_MS) return;
    this.#keyMs = nowMs;
    for (const player of this.#members) player.scrub(this.nowMs.peek());
  }

  #lookForGap(): void {
    const able = this.#members.filter(({ state }) => !['unsupported', 'failed'].includes(state.peek().is));
    const holes = able.flatMap(player => player.hole ?? []);
    const all = able.length > 0 && holes.length === able.length;
    const ends = (hole: Hole) => hole.endMs ?? Number.POSITIVE_INFINITY;
    const next = all ? holes.reduce((a, b) => (ends(b) < ends(a) ? b : a)) : undefined;
    if (next !== this.gap.peek()) this.gap.value = next;
    if (!next) this.#gapSinceMs = undefined;
  }

  #inGap(nowMs: number): void {
    this.#gapSinceMs ??= nowMs;
    const untilMs = this.gap.peek()?.endMs;
    if (untilMs === undefined || nowMs - this.#gapSinceMs < CARD_MS) return;
    if ((this.#options.gaps?.() ?? 'skip') === 'skip') this.seek(untilMs);
  }
}
