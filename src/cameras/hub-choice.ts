// Which of the two ways each stream goes: as its camera says, else as the service does.
import type { LinkProblem } from '../native/index.ts';
import type { HubChoice } from './camera.ts';
import { Go2rtcHub, type Go2rtcHubOptions, go2rtcRefusal } from './go2rtc-hub.ts';
import {
  DirectHub,
  directRefusal,
  type Explanation,
  type Hub,
  type NoRoute,
  type Route,
  type StreamKey,
  type StreamSource,
} from './hub.ts';

/** `auto`: directly wherever that is possible. What the service plays itself needs no help. */
function wayOf(source: StreamSource, ofService: HubChoice): 'direct' | 'go2rtc' {
  const choice = source.ours ? 'direct' : (source.hub ?? ofService);
  if (choice !== 'auto') return choice;
  return directRefusal(source) ? 'go2rtc' : 'direct';
}

/** As `ChosenHub.refusal`, before there is a hub. */
export function refusals(choice: HubChoice): Pick<Hub, 'refusal'> {
  return {
    refusal: source => (wayOf(source, choice) === 'direct' ? directRefusal(source) : go2rtcRefusal(source)),
  };
}

export class ChosenHub implements Hub {
  readonly #choice: HubChoice;
  readonly #direct: Hub;
  readonly #go2rtc: Hub;

  constructor(options: { choice: HubChoice; direct: Hub; go2rtc: Hub }) {
    this.#choice = options.choice;
    this.#direct = options.direct;
    this.#go2rtc = options.go2rtc;
  }

  refusal(source: StreamSource): NoRoute | undefined {
    return refusals(this.#choice).refusal(source);
  }

  route(key: StreamKey, source: StreamSource): Route | NoRoute {
    if (wayOf(source, this.#choice) === 'go2rtc') return this.#go2rtc.route(key, source);
    this.#go2rtc.leave(key);
    return this.#direct.route(key, source);
  }

  leave(key: StreamKey): void {
    this.#direct.leave(key);
    this.#go2rtc.leave(key);
  }

  failed(key: StreamKey, problem: LinkProblem): Explanation | undefined {
    return this.#go2rtc.failed(key, problem);
  }

  onChange(listener: () => void): () => void {
    const ends = [this.#direct.onChange(listener), this.#go2rtc.onChange(listener)];
    return () => {
      for (const end of ends) end();
    };
  }
}

/** The hub of a service. */
export function openHub({ choice, ...options }: Go2rtcHubOptions & { choice: HubChoice }): Hub {
  return new ChosenHub({ choice, direct: new DirectHub(options), go2rtc: new Go2rtcHub(options) });
}
