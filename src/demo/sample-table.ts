// Turns the sample tables of one MP4 track (stts, ctts, stsc, stsz, stco/co64, stss) into frames.
import { damaged, find, need, table } from './boxes.ts';
import type { Frame } from './clip.ts';

/** Half an hour of 25 pictures a second; far more than a clip needs, little enough for memory. */
const MAX_SAMPLES = 50_000;

export interface SampleTable {
  frames: Frame[];
  durationTicks: number;
}

/** `file` is the whole file (chunk offsets count from its start), `shiftTicks` is added to all times. */
export function readSampleTable(stbl: Buffer, file: Buffer, shiftTicks: number): SampleTable {
  const sizes = readSizes(need(stbl, 'stsz'));
  const times = readTimes(need(stbl, 'stts'), sizes.length);
  const shifts = readCompositionShifts(find(stbl, 'ctts'), sizes.length);
  const offsets = readOffsets(stbl, sizes);
  const keys = readKeys(find(stbl, 'stss'), sizes.length);
  const frames = sizes.map((size, i): Frame => {
    const offset = offsets[i] ?? 0;
    if (offset > file.length || size > file.length - offset) throw damaged('a sample lies outside the file');
    const dts = (times.dts[i] ?? 0) + shiftTicks;
    return {
      dts,
      pts: dts + (shifts[i] ?? 0),
      key: keys ? keys.has(i + 1) : true,
      data: file.subarray(offset, offset + size),
    };
  });
  return { frames, durationTicks: times.endTicks };
}

function readSizes(stsz: Buffer): number[] {
  if (stsz.length < 12) throw damaged('stsz is cut off');
  const fixed = stsz.readUInt32BE(4);
  const count = stsz.readUInt32BE(8);
  if (count > MAX_SAMPLES) throw damaged('too many samples');
  if (fixed !== 0) return new Array<number>(count).fill(fixed);
  const { rows, data } = table(stsz, 4, MAX_SAMPLES, 8);
  return Array.from({ length: rows }, (_, i) => data.readUInt32BE(i * 4));
}

function readTimes(stts: Buffer, count: number): { dts: number[]; endTicks: number } {
  const { rows, data } = table(stts, 8, MAX_SAMPLES);
  const dts: number[] = [];
  let now = 0;
  for (let row = 0; row < rows; row++) {
    const run = data.readUInt32BE(row * 8);
    const delta = data.readUInt32BE(row * 8 + 4);
    if (run > count - dts.length) throw damaged('stts and stsz do not agree');
    for (let i = 0; i < run; i++) {
      dts.push(now);
      now += delta;
    }
  }
  if (dts.length !== count) throw damaged('stts and stsz do not agree');
  return { dts, endTicks: now };
}

/** Version 0 is unsigned by the letter, but writers put negative values there too: both are read as signed. */
function readCompositionShifts(ctts: Buffer | undefined, count: number): number[] {
  if (!ctts) return [];
  const { rows, data } = table(ctts, 8, MAX_SAMPLES);
  const shifts: number[] = [];
  for (let row = 0; row < rows; row++) {
    const run = data.readUInt32BE(row * 8);
    const shift = data.readInt32BE(row * 8 + 4);
    if (run > count - shifts.length) throw damaged('ctts and stsz do not agree');
    for (let i = 0; i < run; i++) shifts.push(shift);
  }
  return shifts;
}

function readOffsets(stbl: Buffer, sizes: number[]): number[] {
  const chunks = readChunks(stbl);
  const { rows, data } = table(need(stbl, 'stsc'), 12, MAX_SAMPLES);
  const offsets: number[] = [];
  for (let row = 0; row < rows; row++) {
    const first = data.readUInt32BE(row * 12);
    const perChunk = data.readUInt32BE(row * 12 + 4);
    const end = row + 1 < rows ? data.readUInt32BE((row + 1) * 12) : chunks.length + 1;
    if (first < 1 || end < first || end > chunks.length + 1) throw damaged('stsc names chunks that do not exist');
    for (let chunk = first; chunk < end; chunk++) {
      let at = chunks[chunk - 1] ?? 0;
      for (let i = 0; i < perChunk && offsets.length < sizes.length; i++) {
        const size = sizes[offsets.length] ?? 0;
        offsets.push(at);
        at += size;
      }
    }
  }
  if (offsets.length !== sizes.length) throw damaged('stsc and stsz do not agree');
  return offsets;
}

function readChunks(stbl: Buffer): number[] {
  const stco = find(stbl, 'stco');
  if (stco) {
    const { rows, data } = table(stco, 4, MAX_SAMPLES);
    return Array.from({ length: rows }, (_, i) => data.readUInt32BE(i * 4));
  }
  const { rows, data } = table(need(stbl, 'co64'), 8, MAX_SAMPLES);
  return Array.from({ length: rows }, (_, i) => Number(data.readBigUInt64BE(i * 8)));
}

/** Numbers of the sync samples, counted from 1; undefined = all of them are. */
function readKeys(stss: Buffer | undefined, count: number): Set<number> | undefined {
  if (!stss) return undefined;
  const { rows, data } = table(stss, 4, count);
  return new Set(Array.from({ length: rows }, (_, i) => data.readUInt32BE(i * 4)));
}
