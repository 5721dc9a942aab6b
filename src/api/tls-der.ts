// Writes DER (ITU-T X.690), as much of it as a certificate needs.

/** One element: tag, length, content. */
export function element(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const bytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError('an element of DER is too long');
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

export const sequence = (...items: Buffer[]): Buffer => element(0x30, ...items);
export const set = (...items: Buffer[]): Buffer => element(0x31, ...items);
export const octets = (content: Buffer): Buffer => element(0x04, content);
export const text = (value: string): Buffer => element(0x0c, Buffer.from(value));
export const TRUE = element(0x01, Buffer.from([0xff]));

/** `unusedBits`: of the last byte. */
export function bits(content: Buffer, unusedBits = 0): Buffer {
  return element(0x03, Buffer.from([unusedBits]), content);
}

/** Big endian and positive. */
export function integer(content: Buffer): Buffer {
  const isNegative = ((content[0] as number) & 0x80) !== 0;
  return element(0x02, ...(isNegative ? [Buffer.from([0])] : []), content);
}

/** `[n]`, around other elements when `isConstructed`. */
export function context(number: number, content: Buffer, isConstructed = false): Buffer {
  return element(0x80 | (isConstructed ? 0x20 : 0) | number, content);
}

/** `1.2.840.10045`. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return element(0x06, Buffer.from(bytes));
}

/** UTCTime up to 2049, GeneralizedTime beyond (RFC 5280 section 4.1.2.5). */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return digits < '2050' ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits));
}
