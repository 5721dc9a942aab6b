// See channel_map.h.
#include "rtsp/channel_map.h"

namespace thimble::rtsp {
namespace {

// RTCP types that begin a compound packet (RFC 5761, clause 4).
bool looks_like_rtcp(ByteView packet) {
  return packet.size >= 8 && packet[1] >= 200 && packet[1] <= 204;
}

}  // namespace

bool ChannelMap::assign(TrackUse track, uint8_t rtp_channel, uint8_t rtcp_channel, int payload_type) {
  Entry& own = track == TrackUse::kAudio ? audio_ : video_;
  const Entry& other = track == TrackUse::kAudio ? video_ : audio_;
  const bool same = other.used && other.rtp_channel == rtp_channel;
  if (same && other.payload_type == payload_type) return false;
  own = Entry();
  own.used = true;
  own.rtp_channel = rtp_channel;
  own.rtcp_channel = rtcp_channel;
  own.payload_type = payload_type;
  shared_ = same;
  return true;
}

ChannelMap::Found ChannelMap::find(uint8_t channel, ByteView packet) {
  const bool video = video_.used && channel == video_.rtp_channel;
  const bool audio = audio_.used && channel == audio_.rtp_channel;
  if (shared_ && (video || channel == video_.rtcp_channel || channel == audio_.rtcp_channel))
    return find_shared(packet);
  if (video) return {TrackUse::kVideo, false};
  if (audio) return {TrackUse::kAudio, false};
  if (video_.used && channel == video_.rtcp_channel) return {TrackUse::kVideo, true};
  if (audio_.used && channel == audio_.rtcp_channel) return {TrackUse::kAudio, true};
  return {};
}

ChannelMap::Found ChannelMap::find_shared(ByteView packet) {
  if (looks_like_rtcp(packet)) {
    const uint32_t sender = read_be32(packet.data + 4);
    for (TrackUse track : {TrackUse::kVideo, TrackUse::kAudio}) {
      if (entry(track).ssrc_known && entry(track).ssrc == sender) return {track, true};
    }
    return {};
  }
  if (packet.size < 12) return {};
  for (TrackUse track : {TrackUse::kVideo, TrackUse::kAudio}) {
    Entry& own = track == TrackUse::kAudio ? audio_ : video_;
    if ((packet[1] & 0x7f) != own.payload_type) continue;
    own.ssrc_known = true;
    own.ssrc = read_be32(packet.data + 8);
    return {track, false};
  }
  return {};
}

}  // namespace thimble::rtsp
