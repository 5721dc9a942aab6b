// Splits what an RTSP client sends (RFC 2326) into requests and interleaved packets, with bounds on everything.

export interface RtspRequest {
  method: string;
  url: string;
  /** Names in lower case; the last value wins. */
  headers: Map<string, string>;
}

export interface RtspReply {
  status: number;
  reason: string;
  headers: [string, string][];
  body?: string;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 64 * 1024;

/** Takes bytes in any pieces. Holds at most one incomplete message. */
export class RtspReader {
  #pending: Buffer = Buffer.alloc(0);

  /** The requests that became complete; undefined when this is not RTSP or too long: close the connection then. */
  read(bytes: Buffer): RtspRequest[] | undefined {
    let data = this.#pending.length > 0 ? Buffer.concat([this.#pending, bytes]) : bytes;
    const requests: RtspRequest[] = [];
    for (;;) {
      const step = data[0] === 0x24 ? skipPacket(data) : readRequest(data);
      if (step === undefined) return undefined;
      if (step.usedBytes === 0) break;
      if (step.request) requests.push(step.request);
      data = data.subarray(step.usedBytes);
    }
    this.#pending = Buffer.from(data);
    return requests;
  }
}

interface Step {
  /** 0 = more bytes are needed. */
  usedBytes: number;
  request?: RtspRequest;
}

/** RTCP from the client: nothing that we do depends on it. */
function skipPacket(data: Buffer): Step {
  if (data.length < 4) return { usedBytes: 0 };
  const size = 4 + data.readUInt16BE(2);
  return { usedBytes: data.length < size ? 0 : size };
}

function readRequest(data: Buffer): Step | undefined {
  if (data[0] === 0x0d || data[0] === 0x0a) return { usedBytes: 1 };
  const end = data.indexOf('\r\n\r\n');
  if (end < 0) return data.length > MAX_HEADER_BYTES ? undefined : { usedBytes: 0 };
  if (end > MAX_HEADER_BYTES) return undefined;
  const lines = data.toString('latin1', 0, end).split('\r\n');
  const start = /^([A-Z_]{1,32}) (\S{1,2048}) RTSP\/\d\.\d$/.exec(lines[0] ?? '');
  if (!start) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const bodyBytes = Number(headers.get('content-length') ?? 0);
  if (!Number.isInteger(bodyBytes) || bodyBytes < 0 || bodyBytes > MAX_BODY_BYTES) return undefined;
  const usedBytes = end + 4 + bodyBytes;
  if (data.length < usedBytes) return { usedBytes: 0 };
  return { usedBytes, request: { method: start[1] ?? '', url: start[2] ?? '', headers } };
}

/** The reply as bytes. `CSeq` is that of the request, or 0 when it had none. */
export function encodeReply(reply: RtspReply, request: RtspRequest): Buffer {
  const cseq = /^\d{1,10}$/.exec(request.headers.get('cseq') ?? '')?.[0] ?? '0';
  const lines = [`RTSP/1.0 ${reply.status} ${reply.reason}`, `CSeq: ${cseq}`, 'Server: Thimble'];
  for (const [name, value] of reply.headers) lines.push(`${name}: ${value}`);
  if (reply.body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(reply.body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${reply.body ?? ''}`, 'latin1');
}
