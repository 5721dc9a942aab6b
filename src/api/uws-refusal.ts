// Which requests uWebSockets.js must not be allowed to go on with.

export interface Refusal {
  status: number;
  message: string;
}

/** Others are not answered, as by other servers: behind a length that was read wrongly anything may stand. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * What others may read otherwise than the library does: it takes the first of several lengths, any transfer coding for chunks, and a
 * blank before the size of a chunk for the end of the body. So bodies have exactly one length here.
 */
export function refusalOf(
  method: string,
  lengths: readonly string[],
  encoding: string | undefined,
): Refusal | undefined {
  if (!METHODS.has(method)) return { status: 400, message: 'the request cannot be read' };
  if (encoding !== undefined) return { status: 411, message: 'a body needs its length here' };
  if (lengths.length > 1 || lengths.some(length => !/^\d{1,15}$/.test(length))) {
    return { status: 400, message: 'the length of the body cannot be read' };
  }
  const hasBody = lengths.length > 0 && lengths[0] !== '0';
  if (hasBody && (method === 'GET' || method === 'HEAD')) {
    return { status: 400, message: 'a request that only reads has no body' };
  }
  return undefined;
}
