// SOAP 1.2 envelopes: made around what is asked, taken off what is answered, faults told apart.
import { OnvifError } from './problem.ts';
import { parseXml, type XmlElement, XmlError } from './xml.ts';
import { isOfProtocol } from './xml-find.ts';

const SOAP_12 = 'http://www.w3.org/2003/05/soap-envelope';
const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';

/** Prefixes that every request declares, so that bodies can be written with them. */
const PREFIXES: Readonly<Record<string, string>> = {
  s: SOAP_12,
  wsa: 'http://www.w3.org/2005/08/addressing',
  wsnt: 'http://docs.oasis-open.org/wsn/b-2',
  tt: 'http://www.onvif.org/ver10/schema',
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tr2: 'http://www.onvif.org/ver20/media/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
  tptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  timg: 'http://www.onvif.org/ver20/imaging/wsdl',
  tmd: 'http://www.onvif.org/ver10/deviceIO/wsdl',
};
export type Prefix = 'tds' | 'trt' | 'tr2' | 'tev' | 'tptz' | 'timg' | 'tmd' | 'wsnt';

export function namespaceOf(prefix: Prefix): string {
  return PREFIXES[prefix] ?? '';
}

/** `body` and `header` are elements written with the prefixes above. */
export function makeEnvelope(body: string, header: string): string {
  const used = `${header}${body}`;
  const declarations = Object.entries(PREFIXES)
    .filter(([prefix]) => prefix === 's' || used.includes(`${prefix}:`))
    .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`);
  const head = header === '' ? '' : `<s:Header>${header}</s:Header>`;
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope${declarations.join('')}>${head}<s:Body>${body}</s:Body></s:Envelope>`;
}

/** A fault as it came. */
export interface SoapFault {
  /** Without prefix, outermost first: `Sender`, `NotAuthorized`. */
  codes: string[];
}

/** What is inside the body, or the fault. Undefined when the bytes are no envelope. */
export function readEnvelope(bytes: Buffer): { answer: XmlElement } | { fault: SoapFault } | undefined {
  let root: XmlElement;
  try {
    root = parseXml(bytes);
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
  const { uri } = root;
  if (root.name !== 'Envelope' || (uri !== SOAP_12 && uri !== SOAP_11)) return undefined;
  const answer = root.children.find(one => one.name === 'Body' && one.uri === uri)?.children[0];
  if (!answer) return undefined;
  if (answer.name === 'Fault' && answer.uri === uri) return { fault: { codes: faultCodes(answer) } };
  return { answer };
}

const MAX_CODES = 8;
const MAX_CODE_CHARS = 64;

function faultCodes(fault: XmlElement): string[] {
  const codes: string[] = [];
  const add = (text: string | undefined) => {
    const code = text?.trim().split(':').at(-1)?.slice(0, MAX_CODE_CHARS);
    if (code) codes.push(code);
  };
  // SOAP 1.1 writes them without namespace.
  add(fault.children.find(one => one.name === 'faultcode')?.text);
  let at = fault.children.find(one => one.name === 'Code');
  for (let depth = 0; at && depth < MAX_CODES; depth++) {
    add(at.children.find(one => one.name === 'Value')?.text);
    at = at.children.find(one => one.name === 'Subcode');
  }
  return codes;
}

/** The answer to `operation`. Throws `bad-answer` for anything else. */
export function expectAnswer(answer: XmlElement, operation: string): XmlElement {
  if (answer.name !== `${operation}Response` || !isOfProtocol(answer)) throw new OnvifError('bad-answer');
  return answer;
}
