// A camera that speaks ONVIF, with the oddities of real ones to be switched on: its answers, without the network around them.
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../src/core/index.ts';

export interface OnvifQuirks {
  auth: 'none' | 'token' | 'digest' | 'basic';
  algorithm: 'MD5' | 'SHA-256';
  username: string;
  password: string;
  /** What its clock is ahead of the test's. */
  clockOffsetMs: number;
  /** A nonce of HTTP digest is good so often; then it is refused, with or without the word "stale". */
  nonceUses: number;
  saysStale: boolean;
  /** `authority` that it puts into its addresses in place of its own. */
  named: string | undefined;
  hasGetServices: boolean;
  hasMedia2: boolean;
  hasPtz: boolean;
  hasEvents: boolean;
  /** The service that knows the relays. */
  relaysAt: 'device_service' | 'io';
  times: 'both' | 'absolute' | 'relative-is-over';
  renew: 'works' | 'refused';
  grantMs: number;
  extendsAtPull: boolean;
  /** `long`: at once when there is something; `late`: only when the time is over; `instant`: always at once. */
  pulls: 'long' | 'late' | 'instant';
  maxSubscriptions: number;
  parameters: string;
  /** In place of the answer to an operation. */
  instead: (operation: string, path: string) => SimulatedAnswer | undefined;
  /** Damages what it would answer. */
  mangle: (body: string, operation: string) => string;
}

export interface SimulatedRequest {
  path: string;
  body: string;
  authorization?: string | undefined;
}

export interface SimulatedAnswer {
  status: number;
  headers?: Record<string, string | string[]>;
  body: string;
}

export interface SeenRequest extends SimulatedRequest {
  /** Monotonic. */
  atMs: number;
  operation: string;
  isSigned: boolean;
}

interface Subscription {
  id: string;
  endMs: number;
  waiting: string[];
  wake: (() => void) | undefined;
}

const ORDINARY: OnvifQuirks = {
  ...{ auth: 'token', algorithm: 'MD5', username: 'admin', password: 'secret & more', clockOffsetMs: 0 },
  ...{ nonceUses: Number.POSITIVE_INFINITY, saysStale: false, named: undefined },
  ...{ hasGetServices: true, hasMedia2: true, hasPtz: true, hasEvents: true, relaysAt: 'device_service' },
  ...{ times: 'both', renew: 'works', grantMs: 60_000, extendsAtPull: false, pulls: 'long', maxSubscriptions: 4 },
  ...{ parameters: '', instead: () => undefined, mangle: body => body },
};

const NAMESPACES =
  'xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:timg="http://www.onvif.org/ver20/imaging/wsdl" xmlns:ter="http://www.onvif.org/ver10/error" xmlns:tns1="http://www.onvif.org/ver10/topics"';

export function soapEnvelope(body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope ${NAMESPACES}><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}

export function soapFault(code: string, status = 500): SimulatedAnswer {
  const body = `<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>ter:${code}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">no</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`;
  return { status, body: soapEnvelope(body) };
}

/** A notification as cameras send it. */
export function notification(
  topic: string,
  item: string,
  value: string,
  operation = 'Changed',
  source = 'VS1',
): string {
  return `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-01-01T00:00:00Z" PropertyOperation="${operation}"><tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="${source}"/></tt:Source><tt:Data><tt:SimpleItem Name="${item}" Value="${value}"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
}

const OPEN = new Set(['GetSystemDateAndTime', 'GetServices', 'GetCapabilities']);

export class OnvifSimulator {
  quirks: OnvifQuirks;
  /** Its own authority, as it names itself when it does not lie. */
  authority = '127.0.0.1:80';
  readonly seen: SeenRequest[] = [];
  /** Logins that were wrong. */
  refusals = 0;
  states = new Map([['VideoSource/MotionAlarm', 'false']]);
  relay = 'inactive';
  filter = 'AUTO';
  readonly #clock: Clock;
  readonly #subscriptions = new Map<string, Subscription>();
  #nonce = randomUUID();
  #nonceUses = 0;

  constructor(clock: Clock, quirks: Partial<OnvifQuirks> = {}) {
    this.#clock = clock;
    this.quirks = { ...ORDINARY, ...quirks };
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  operations(): string[] {
    return this.seen.map(one => one.operation);
  }

  /** To all who listen. */
  notify(...messages: string[]): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.waiting.push(...messages);
      if (this.quirks.pulls !== 'late') subscription.wake?.();
    }
  }

  /** A state of the whole camera changes. */
  setState(topic: string, value: string): void {
    this.states.set(topic, value);
    this.notify(notification(topic, 'State', value));
  }

  /** It forgets who listens; its clock may begin elsewhere. */
  restart(clockOffsetMs = this.quirks.clockOffsetMs): void {
    for (const one of this.#subscriptions.values()) one.wake?.();
    this.#subscriptions.clear();
    this.quirks.clockOffsetMs = clockOffsetMs;
    this.#nonce = randomUUID();
  }

  async answer(request: SimulatedRequest): Promise<SimulatedAnswer> {
    const operation = /Body[^>]*>\s*<(?:[\w-]+:)?(\w+)/.exec(request.body)?.[1] ?? '';
    const isSigned = request.authorization !== undefined || request.body.includes('UsernameToken');
    this.seen.push({ ...request, atMs: this.#clock.monotonicMs(), operation, isSigned });
    const instead = this.quirks.instead(operation, request.path);
    if (instead) return instead;
    const refusal = OPEN.has(operation) ? undefined : this.#refusal(request);
    if (refusal) return refusal;
    const answer = await this.#perform(operation, request);
    const { status, body, headers } = typeof answer === 'string' ? { status: 200, body: soapEnvelope(answer) } : answer;
    return { status, ...(headers ? { headers } : {}), body: this.quirks.mangle(body, operation) };
  }

  get #nowMs(): number {
    return this.#clock.nowMs() + this.quirks.clockOffsetMs;
  }

  #refusal(request: SimulatedRequest): SimulatedAnswer | undefined {
    const { auth } = this.quirks;
    if (auth === 'none') return undefined;
    if (auth === 'token') return this.#tokenRefusal(request.body);
    const basic = `Basic ${Buffer.from(`${this.quirks.username}:${this.quirks.password}`).toString('base64')}`;
    if (auth === 'basic' && request.authorization === basic) return undefined;
    if (auth === 'basic') return { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="camera"' }, body: '' };
    return this.#digestRefusal(request);
  }

  #tokenRefusal(body: string): SimulatedAnswer | undefined {
    const value = (name: string) => new RegExp(`<wss?[eu]:${name}(?: [^>]*)?>([^<]*)<`).exec(body)?.[1] ?? '';
    const refused = soapFault('NotAuthorized', 400);
    if (!body.includes('UsernameToken')) return refused;
    const created = value('Created');
    const text = Buffer.concat([
      Buffer.from(value('Nonce'), 'base64'),
      Buffer.from(`${created}${this.quirks.password}`),
    ]);
    const isRight = createHash('sha1').update(text).digest('base64') === value('Password');
    const isInTime = Math.abs(Date.parse(created) - this.#nowMs) <= 5000;
    if (isRight && isInTime && value('Username') === this.quirks.username) return undefined;
    this.refusals += 1;
    return refused;
  }

  #digestRefusal({ path, authorization = '' }: SimulatedRequest): SimulatedAnswer | undefined {
    const { algorithm, username, password, nonceUses, saysStale } = this.quirks;
    const hash = (text: string) =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const part = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(authorization)?.[1] ?? '';
    const secret = hash(`${username}:camera:${password}`);
    const request = hash(`POST:${path}`);
    const wanted = hash(`${secret}:${part('nonce')}:${part('nc')}:${part('cnonce')}:auth:${request}`);
    const isRight = authorization !== '' && part('response') === wanted && part('uri') === path;
    const isFresh = part('nonce') === this.#nonce && this.#nonceUses < nonceUses;
    if (isRight && isFresh) {
      this.#nonceUses += 1;
      return undefined;
    }
    if (authorization !== '' && !isRight) this.refusals += 1;
    this.#nonce = randomUUID();
    this.#nonceUses = 0;
    const stale = isRight && saysStale ? ', stale=true' : '';
    const digest = `Digest realm="camera", qop="auth", nonce="${this.#nonce}", algorithm=${algorithm}${stale}`;
    return { status: 401, headers: { 'WWW-Authenticate': ['Basic realm="camera"', digest] }, body: '' };
  }

  #perform(operation: string, request: SimulatedRequest): string | SimulatedAnswer | Promise<string | SimulatedAnswer> {
    if (operation === 'CreatePullPointSubscription') return this.#subscribe(request.body);
    if (request.path.startsWith('/sub/')) return this.#onSubscription(operation, request);
    const isElsewhere = operation.includes('RelayOutput') && !request.path.endsWith(this.quirks.relaysAt);
    const answer = isElsewhere ? undefined : this.#describe(operation, request.body);
    return answer ?? soapFault('ActionNotSupported');
  }

  #describe(operation: string, body: string): string | undefined {
    const { hasGetServices, hasMedia2, hasPtz, hasEvents, named = this.authority } = this.quirks;
    const at = (path: string) => `http://${named}${path}`;
    const service = (namespace: string, path: string) =>
      `<tds:Service><tds:Namespace>http://www.onvif.org/${namespace}/wsdl</tds:Namespace><tds:XAddr>${at(path)}</tds:XAddr></tds:Service>`;
    switch (operation) {
      case 'GetSystemDateAndTime':
        return this.#time();
      case 'GetServices':
        if (!hasGetServices) return undefined;
        return `<tds:GetServicesResponse>${service('ver10/device', '/onvif/device_service')}${service('ver10/media', '/onvif/media')}${hasMedia2 ? service('ver20/media', '/onvif/media2') : ''}${hasEvents ? service('ver10/events', '/onvif/events') : ''}${hasPtz ? service('ver20/ptz', '/onvif/ptz') : ''}${service('ver20/imaging', '/onvif/imaging')}${service('ver10/deviceIO', '/onvif/io')}</tds:GetServicesResponse>`;
      case 'GetCapabilities':
        return `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>${at('/onvif/device_service')}</tt:XAddr></tt:Device>${hasEvents ? `<tt:Events><tt:XAddr>${at('/onvif/events')}</tt:XAddr></tt:Events>` : ''}<tt:Media><tt:XAddr>${at('/onvif/media')}</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`;
      case 'GetDeviceInformation':
        return '<tds:GetDeviceInformationResponse><tds:Manufacturer>Maker</tds:Manufacturer><tds:Model>Model &lt;b&gt;</tds:Model><tds:FirmwareVersion>1.2</tds:FirmwareVersion><tds:SerialNumber>S1</tds:SerialNumber></tds:GetDeviceInformationResponse>';
      case 'GetProfiles':
        return body.includes('tr2:GetProfiles') ? this.#profiles2() : this.#profiles1();
      case 'GetStreamUri':
      case 'GetSnapshotUri':
        return this.#uri(operation, body);
      case 'GetEventProperties':
        return '<tev:GetEventPropertiesResponse><wstop:TopicSet><tns1:VideoSource><MotionAlarm wstop:topic="true"/></tns1:VideoSource><tns1:RuleEngine><MyRuleDetector><PeopleDetect wstop:topic="true"/></MyRuleDetector></tns1:RuleEngine></wstop:TopicSet></tev:GetEventPropertiesResponse>';
      case 'GetRelayOutputs':
        return '<tds:GetRelayOutputsResponse><tds:RelayOutputs token="R1"><tt:Properties><tt:Mode>Bistable</tt:Mode></tt:Properties></tds:RelayOutputs></tds:GetRelayOutputsResponse>';
      case 'SetRelayOutputState':
        this.relay = /LogicalState>(\w+)</.exec(body)?.[1] ?? '';
        return '<tds:SetRelayOutputStateResponse/>';
      case 'GetImagingSettings':
        return `<timg:GetImagingSettingsResponse><timg:ImagingSettings><tt:IrCutFilter>${this.filter}</tt:IrCutFilter></timg:ImagingSettings></timg:GetImagingSettingsResponse>`;
      case 'SetImagingSettings':
        this.filter = /IrCutFilter>(\w+)</.exec(body)?.[1] ?? '';
        return '<timg:SetImagingSettingsResponse/>';
      default:
        return hasPtz ? ptzAnswer(operation) : undefined;
    }
  }

  #time(): string {
    const at = new Date(this.#nowMs);
    return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:UTCDateTime><tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute><tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year><tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
  }

  #profiles1(): string {
    const profile = (token: string, width: number, height: number) =>
      `<trt:Profiles token="${token}"><tt:Name>${token}</tt:Name><tt:VideoSourceConfiguration token="VSC"><tt:SourceToken>VS1</tt:SourceToken></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="V"><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl></tt:VideoEncoderConfiguration><tt:PTZConfiguration token="P"/></trt:Profiles>`;
    return `<trt:GetProfilesResponse>${profile('main', 1920, 1080)}${profile('sub', 640, 360)}</trt:GetProfilesResponse>`;
  }

  #profiles2(): string {
    const profile = (token: string, codec: string, width: number, height: number) =>
      `<tr2:Profiles token="${token}"><tr2:Name>${token}</tr2:Name><tr2:Configurations><tr2:VideoSource token="VSC"><tt:SourceToken>VS1</tt:SourceToken></tr2:VideoSource><tr2:VideoEncoder token="V"><tt:Encoding>${codec}</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution></tr2:VideoEncoder><tr2:PTZ token="P"/></tr2:Configurations></tr2:Profiles>`;
    return `<tr2:GetProfilesResponse>${profile('sub2', 'H264', 640, 360)}${profile('main2', 'H265', 2560, 1440)}</tr2:GetProfilesResponse>`;
  }

  #uri(operation: string, body: string): string {
    const token = /ProfileToken>([^<]*)</.exec(body)?.[1];
    const host = (this.quirks.named ?? this.authority).replace(/:\d+$/, '');
    const uri =
      operation === 'GetStreamUri' ? `rtsp://u:p@${host}:8554/${token}?a=1&b=2` : `http://${host}:8081/${token}.jpg`;
    return body.includes('tr2:')
      ? `<tr2:${operation}Response><tr2:Uri>${uri}</tr2:Uri></tr2:${operation}Response>`
      : `<trt:${operation}Response><trt:MediaUri><tt:Uri>${uri}</tt:Uri></trt:MediaUri></trt:${operation}Response>`;
  }

  #subscribe(body: string): string | SimulatedAnswer {
    const { times, grantMs, maxSubscriptions, parameters, named = this.authority } = this.quirks;
    const isRelative = />P/.test(/TerminationTime>[^<]*/.exec(body)?.[0] ?? '>');
    if (times === 'absolute' && isRelative) return soapFault('InvalidArgVal');
    if (this.#subscriptions.size >= maxSubscriptions) return soapFault('Exceeded');
    const id = randomUUID();
    const isOver = times === 'relative-is-over' && isRelative;
    const waiting = [...this.states].map(([topic, value]) => notification(topic, 'State', value, 'Initialized'));
    this.#subscriptions.set(id, { id, endMs: this.#nowMs + grantMs, waiting, wake: undefined });
    const endMs = isOver ? this.#nowMs : this.#nowMs + grantMs;
    return `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa5:Address>http://${named}/sub/${id}</wsa5:Address>${parameters}</tev:SubscriptionReference>${this.#ends(endMs)}</tev:CreatePullPointSubscriptionResponse>`;
  }

  #ends(endMs: number): string {
    const text = (ms: number) => new Date(ms).toISOString();
    return `<wsnt:CurrentTime>${text(this.#nowMs)}</wsnt:CurrentTime><wsnt:TerminationTime>${text(endMs)}</wsnt:TerminationTime>`;
  }

  async #onSubscription(operation: string, { path, body }: SimulatedRequest): Promise<string | SimulatedAnswer> {
    const { renew, grantMs, extendsAtPull } = this.quirks;
    const subscription = this.#subscriptions.get(path.slice('/sub/'.length));
    if (!subscription || subscription.endMs < this.#nowMs) return soapFault('ResourceUnknownFault');
    switch (operation) {
      case 'PullMessages': {
        if (extendsAtPull) subscription.endMs = this.#nowMs + grantMs;
        const messages = await this.#wait(subscription, Number(/PT([\d.]+)S/.exec(body)?.[1] ?? 0) * 1000);
        return `<tev:PullMessagesResponse>${this.#ends(subscription.endMs).replaceAll('wsnt:', 'tev:')}${messages}</tev:PullMessagesResponse>`;
      }
      case 'Renew':
        if (renew === 'refused') return soapFault('UnacceptableTerminationTimeFault');
        subscription.endMs = this.#nowMs + grantMs;
        return `<wsnt:RenewResponse>${this.#ends(subscription.endMs)}</wsnt:RenewResponse>`;
      case 'SetSynchronizationPoint':
        for (const [topic, value] of this.states)
          subscription.waiting.push(notification(topic, 'State', value, 'Initialized'));
        return '<tev:SetSynchronizationPointResponse/>';
      case 'Unsubscribe':
        this.#subscriptions.delete(subscription.id);
        subscription.wake?.();
        return '<wsnt:UnsubscribeResponse/>';
      default:
        return soapFault('ActionNotSupported');
    }
  }

  async #wait(subscription: Subscription, waitMs: number): Promise<string> {
    const { pulls } = this.quirks;
    const hasToWait = pulls === 'late' || (pulls === 'long' && subscription.waiting.length === 0);
    if (hasToWait)
      await new Promise<void>(resolve => {
        const cancel = this.#clock.after(waitMs, resolve);
        subscription.wake = () => {
          cancel();
          resolve();
        };
      });
    subscription.wake = undefined;
    return subscription.waiting.splice(0).join('');
  }
}

function ptzAnswer(operation: string): string | undefined {
  const simple = [
    'ContinuousMove',
    'AbsoluteMove',
    'RelativeMove',
    'Stop',
    'GotoPreset',
    'RemovePreset',
    'GotoHomePosition',
    'SetHomePosition',
  ];
  if (simple.includes(operation)) return `<tptz:${operation}Response/>`;
  switch (operation) {
    case 'GetNodes':
      return '<tptz:GetNodesResponse><tptz:PTZNode token="N"><tt:SupportedPTZSpaces><tt:AbsolutePanTiltPositionSpace/><tt:ContinuousPanTiltVelocitySpace/><tt:ContinuousZoomVelocitySpace/></tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>100</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode></tptz:GetNodesResponse>';
    case 'GetPresets':
      return '<tptz:GetPresetsResponse><tptz:Preset token="1"><tt:Name>door</tt:Name></tptz:Preset><tptz:Preset token="2"/></tptz:GetPresetsResponse>';
    case 'SetPreset':
      return '<tptz:SetPresetResponse><tptz:PresetToken>3</tptz:PresetToken></tptz:SetPresetResponse>';
    case 'GetStatus':
      return '<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position><tt:PanTilt x="0.5" y="-0.25"/></tt:Position></tptz:PTZStatus></tptz:GetStatusResponse>';
    default:
      return undefined;
  }
}
