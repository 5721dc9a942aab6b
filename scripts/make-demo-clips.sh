#!/bin/sh
# Makes the clips of the demo cameras (src/demo/clips) with Debian's ffmpeg. Run by hand when their picture should
# change; the results are committed, so that nobody needs an encoder to try Thimble.
#
# All tracks of a clip last exactly 8 s, or a loop would have a hole: 96 pictures at 12 per second, and 125 AAC frames
# of 1024 samples at 16 kHz. Keyframes every 2 s; no B-frames, like most cameras.
set -eu

out=$(cd "$(dirname "$0")/.." && pwd)/src/demo/clips
font='DejaVu Sans Mono'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# scene NAME LABEL SKY GROUND WALKER X: draws 1280x720. X is the walker's place as an expression of t with period 8 s.
scene() {
  ffmpeg -v error -y \
    -f lavfi -i "color=c=$3:s=1280x720:r=12:d=8" \
    -f lavfi -i "color=c=$5:s=90x220:r=12:d=8" \
    -filter_complex "\
[0]drawbox=x=0:y=430:w=1280:h=290:color=$4:t=fill,\
drawbox=x=160:y=170:w=330:h=260:color=$4@0.6:t=fill,\
drawbox=x=285:y=290:w=80:h=140:color=black@0.5:t=fill,\
drawbox=x=760:y=240:w=420:h=190:color=$4@0.4:t=fill,\
drawgrid=w=160:h=72:t=1:c=white@0.08[room];\
[1]drawbox=x=22:y=0:w=46:h=52:color=bisque:t=fill[walker];\
[room][walker]overlay=x='$6':y='395+12*sin(2*PI*t*1.5)':eval=frame,\
drawbox=x=0:y=0:w=1280:h=64:color=black@0.55:t=fill,\
drawtext=font='$font':text='$2':x=24:y=16:fontsize=34:fontcolor=white,\
drawtext=font='$font':text='frame %{eif\:n\:d\:2} / 96':x=w-tw-24:y=16:fontsize=34:fontcolor=white[v]" \
    -map '[v]' -frames:v 96 -c:v ffv1 -pix_fmt yuv420p "$work/$1.mkv"
}

# encode NAME FILE SIZE CRF [sound options...]
encode() {
  name=$1 file=$2 size=$3 crf=$4
  shift 4
  ffmpeg -v error -y -i "$work/$name.mkv" "$@" \
    -vf "scale=$size:flags=area" -c:v libx264 -preset veryslow -profile:v main -bf 0 -crf "$crf" -pix_fmt yuv420p \
    -x264-params keyint=24:min-keyint=24:scenecut=0:open-gop=0:threads=1 -bsf:v filter_units=remove_types=6 \
    -fflags +bitexact -flags:v +bitexact -map_metadata -1 -movflags +faststart "$out/$file"
}

# tone NAME HZ: a tone with a beep an octave higher at each full second, to hear that sound and picture belong together.
tone() {
  ffmpeg -v error -y -f lavfi -i "aevalsrc=exprs=0.12*sin(2*PI*$2*t)+0.25*sin(4*PI*$2*t)*lt(mod(t\,1)\,0.08):s=16000:d=8" \
    -frames:a 125 -c:a aac -b:a 32k -ac 1 -flags:a +bitexact "$work/$1.m4a"
}

mkdir -p "$out"
scene yard 'Demo 1  Yard' '0x3d5a73' '0x4f6b3f' '0xb0413e' '-90+1370*t/8'
scene hall 'Demo 2  Hall' '0x6b4e3a' '0x8a7a66' '0x2f6f8f' '595-595*cos(2*PI*t/8)'
tone yard 440
tone hall 330
for name in yard hall; do
  encode "$name" "$name-main.mp4" 1280x720 23 -i "$work/$name.m4a" -map 0:v -map 1:a -c:a copy
  encode "$name" "$name-sub.mp4" 320x180 25 -map 0:v
done
ls -l "$out"
