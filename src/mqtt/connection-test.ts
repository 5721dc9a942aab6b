// Tries settings out before they are in force: reaches the broker, logs in, and sees whether our topics may be written and read.
import { type Clock, isAbort, NvrError } from '../core/index.ts';
import { BrokerLink, type BrokerTarget, VersionRefused } from './broker-link.ts';
import { BrokerFault, type BrokerProblem, faultOf } from './faults.ts';
import type { MqttProtocol } from './mqtt-settings.ts';
import { discoveryTopic, topicsBelow } from './topics.ts';
import type { ProtocolLevel } from './wire.ts';

export interface MqttTestResult {
  ok: boolean;
  /** What was spoken, where the broker let us in. */
  protocol?: '3.1.1' | '5';
  problem?: BrokerProblem;
  tookMs: number;
}

export interface TestOptions {
  /** Without a will, and with a client id that nobody else has. */
  target: BrokerTarget;
  protocol: MqttProtocol;
  prefix: string;
  discoveryPrefix: string | null;
  /** A device that there is none of. */
  device: string;
  clock: Clock;
  signal: AbortSignal;
}

const ECHO_MS = 3000;

/** A broker that cannot be used is an answer. Rejects with `unavailable` when the service stops. */
export async function testConnection(options: TestOptions): Promise<MqttTestResult> {
  const { clock, protocol } = options;
  const fromMs = clock.monotonicMs();
  const tookMs = () => Math.round(clock.monotonicMs() - fromMs);
  const levels: ProtocolLevel[] = protocol === 'auto' ? [5, 4] : [protocol === '5' ? 5 : 4];
  let problem: BrokerProblem = new BrokerFault('closed').problem;
  for (const level of levels) {
    try {
      await attempt(options, level);
      return { ok: true, protocol: level === 5 ? '5' : '3.1.1', tookMs: tookMs() };
    } catch (error) {
      if (isAbort(error)) throw new NvrError('unavailable', 'the service is stopping');
      const isOld = error instanceof VersionRefused;
      problem = (isOld ? new BrokerFault('forbidden', 'it does not know MQTT 5') : faultOf(error)).problem;
      if (!isOld && problem.kind !== 'closed') break;
    }
  }
  return { ok: false, problem, tookMs: tookMs() };
}

async function attempt(options: TestOptions, level: ProtocolLevel): Promise<void> {
  const { target, prefix, discoveryPrefix, device, clock, signal } = options;
  // As a command would come in, for a camera that never is.
  const probe = `${prefix}/0/test/set`;
  const ended = new AbortController();
  let hasEcho = false;
  const link = await BrokerLink.open(
    target,
    level,
    {
      clock,
      onMessage: topic => {
        hasEcho ||= topic === probe;
      },
      onOversized: () => undefined,
      onClosed: () => ended.abort(),
      onRoom: () => undefined,
    },
    signal,
  );
  try {
    await link.subscribe(topicsBelow(prefix).commands.map(filter => ({ filter, retained: false })));
    await link.publishSurely({ topic: probe, payload: Buffer.from('test'), qos: 1, retain: false });
    if (discoveryPrefix !== null) {
      const topic = discoveryTopic(discoveryPrefix, device);
      await link.publishSurely({ topic, payload: Buffer.alloc(0), qos: 1, retain: true });
    }
    await link.settled();
    // Brokers of MQTT 3.1.1 take what may not be written without a word, and leave it out.
    for (let waitedMs = 0; !hasEcho && waitedMs < ECHO_MS; waitedMs += 100) await clock.sleep(100, ended.signal);
    if (!hasEcho) throw new BrokerFault('topic-forbidden', `${prefix}/#`);
  } finally {
    link.leave();
  }
}
