// Which parts a build of the FFmpeg libraries has, asked from a program that is linked with them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.ts';
import { tempDir } from './temp.ts';

const PROGRAM = `
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <stdio.h>
int main(void) {
  void *at = NULL;
  const AVCodec *codec;
  while ((codec = av_codec_iterate(&at))) printf("%s %s\\n", av_codec_is_encoder(codec) ? "encoder" : "decoder", codec->name);
  const AVInputFormat *input;
  for (at = NULL; (input = av_demuxer_iterate(&at));) printf("demuxer %s\\n", input->name);
  const AVOutputFormat *output;
  for (at = NULL; (output = av_muxer_iterate(&at));) printf("muxer %s\\n", output->name);
  const char *name;
  for (int is_output = 0; is_output < 2; is_output++)
    for (at = NULL; (name = avio_enum_protocols(&at, is_output));) printf("protocol %s\\n", name);
  printf("licence %s\\n", avformat_license());
  return 0;
}
`;

/** Kind ("decoder", "demuxer", "protocol", …, "licence") -> sorted names, of the static libraries in a folder with include/ and lib/. */
export async function ffmpegParts(folder: string): Promise<Record<string, string[]>> {
  const place = tempDir('ffmpeg-parts');
  const source = join(place, 'parts.c');
  const program = join(place, 'parts');
  writeFileSync(source, PROGRAM);
  const libraries = ['avformat', 'avcodec', 'swresample', 'avutil'].map(name => join(folder, 'lib', `lib${name}.a`));
  await run('g++', [
    '-x',
    'c',
    '-I',
    join(folder, 'include'),
    source,
    '-x',
    'none',
    ...libraries,
    '-lm',
    '-lpthread',
    '-o',
    program,
  ]);
  const { stdout } = await run(program, []);
  const parts: Record<string, string[]> = {};
  for (const line of stdout.split('\n')) {
    const [, kind = '', name = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
    (parts[kind] ??= []).push(name);
  }
  for (const names of Object.values(parts)) names.sort();
  return parts;
}
