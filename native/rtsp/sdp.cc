// See sdp.h. Reads m= and a= lines only: cameras write the others wrong, twice or not at all.
#include "rtsp/sdp.h"

#include <array>

#include "rtsp/latm_config.h"
#include "rtsp/sdp_formats.h"
#include "rtsp/text.h"
#include "rtsp/url.h"

namespace thimble::rtsp {
namespace {

constexpr size_t kMaxBodyBytes = 64 << 10;
constexpr size_t kMaxSections = 32;
// A value can apply to every section; longer ones are left out, so that a small body cannot become large
// tracks.
constexpr size_t kMaxControlBytes = 1024;
constexpr size_t kMaxFmtpBytes = 8192;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxFormats = 32;      // of one m= line
constexpr size_t kMaxAttributes = 256;  // rtpmap and fmtp lines of one section

struct Attribute {
  int payload_type = -1;
  std::string_view value;
};

struct Section {
  std::string media, profile;
  std::vector<int> formats;  // -1 for what is no payload type
  std::vector<Attribute> rtpmaps, fmtps;
  std::string_view control;
  Direction direction = Direction::kNone;
};

struct StaticType {
  int payload_type;
  const char* name;
  uint32_t clock_rate;
  int channels;
};
// RFC 3551, table 4 and 5.
constexpr std::array<StaticType, 19> kStaticTypes = {{{0, "PCMU", 8000, 1},
                                                      {3, "GSM", 8000, 1},
                                                      {4, "G723", 8000, 1},
                                                      {5, "DVI4", 8000, 1},
                                                      {6, "DVI4", 16000, 1},
                                                      {7, "LPC", 8000, 1},
                                                      {8, "PCMA", 8000, 1},
                                                      {9, "G722", 8000, 1},
                                                      {10, "L16", 44100, 2},
                                                      {11, "L16", 44100, 1},
                                                      {12, "QCELP", 8000, 1},
                                                      {14, "MPA", 90000, 0},
                                                      {15, "G728", 8000, 1},
                                                      {18, "G729", 8000, 1},
                                                      {26, "JPEG", 90000, 0},
                                                      {31, "H261", 90000, 0},
                                                      {32, "MPV", 90000, 0},
                                                      {33, "MP2T", 90000, 0},
                                                      {34, "H263", 90000, 0}}};

Codec codec_of(std::string_view name) {
  struct Known {
    const char* name;
    Codec codec;
  };
  static constexpr Known kKnown[] = {
      {"H264", Codec::kH264},         {"H265", Codec::kH265},         {"HEVC", Codec::kH265},
      {"MPEG4-GENERIC", Codec::kAac}, {"MP4A-LATM", Codec::kAacLatm}, {"OPUS", Codec::kOpus},
      {"PCMU", Codec::kPcmu},         {"PCMA", Codec::kPcma},         {"L16", Codec::kL16}};
  for (const Known& known : kKnown) {
    if (name == known.name) return known.codec;
  }
  return Codec::kUnknown;
}

bool is_video(Codec codec) {
  return codec == Codec::kH264 || codec == Codec::kH265;
}
bool is_audio(Codec codec) {
  return codec != Codec::kUnknown && !is_video(codec);
}

int parse_payload_type(std::string_view text) {
  uint64_t value = 0;
  return parse_decimal(text, 127, &value) ? static_cast<int>(value) : -1;
}

Direction parse_direction(std::string_view name) {
  if (same_word(name, "sendrecv")) return Direction::kSendRecv;
  if (same_word(name, "sendonly")) return Direction::kSendOnly;
  if (same_word(name, "recvonly")) return Direction::kRecvOnly;
  if (same_word(name, "inactive")) return Direction::kInactive;
  return Direction::kNone;
}

Section parse_media_line(std::string_view value) {
  Section section;
  section.media = lower(next_word(&value).substr(0, kMaxNameBytes));
  next_word(&value);  // the port means nothing over TCP
  section.profile = upper(next_word(&value).substr(0, kMaxNameBytes));
  for (std::string_view format = next_word(&value); !format.empty(); format = next_word(&value)) {
    if (section.formats.size() < kMaxFormats) section.formats.push_back(parse_payload_type(format));
  }
  return section;
}

void add_payload_attribute(std::string_view value, std::vector<Attribute>* list) {
  Attribute attribute;
  attribute.payload_type = parse_payload_type(next_word(&value));
  attribute.value = trim(value);
  const bool short_enough = attribute.value.size() <= kMaxFmtpBytes;
  if (attribute.payload_type >= 0 && short_enough && list->size() < kMaxAttributes)
    list->push_back(attribute);
}

void parse_attribute(std::string_view line, Section* section) {
  const size_t colon = line.find(':');
  const std::string_view name = trim(line.substr(0, colon));
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view() : trim(line.substr(colon + 1));
  if (same_word(name, "rtpmap")) {
    add_payload_attribute(value, &section->rtpmaps);
  } else if (same_word(name, "fmtp")) {
    add_payload_attribute(value, &section->fmtps);
  } else if (same_word(name, "control")) {
    if (section->control.empty() && value.size() <= kMaxControlBytes) section->control = value;
  } else if (parse_direction(name) != Direction::kNone) {
    section->direction = parse_direction(name);
  }
}

// sections[0] is the session.
std::vector<Section> read_sections(std::string_view body) {
  std::vector<Section> sections(1);
  bool full = false;
  while (!body.empty()) {
    const size_t end = body.find_first_of(std::string_view("\r\n\0", 3));
    const std::string_view line = trim(body.substr(0, end));
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    if (line.size() < 2 || line[1] != '=') continue;
    const std::string_view value = trim(line.substr(2));
    if (line[0] == 'm') {
      full = sections.size() > kMaxSections;
      if (!full) sections.push_back(parse_media_line(value));
    } else if (line[0] == 'a' && !full) {
      parse_attribute(value, &sections.back());
    }
  }
  return sections;
}

// rtpmap wins over the static type (Foscam, Anpviz and others map 0 and 8 to something else).
bool describe_format(const Section& section, int payload_type, Track* track) {
  track->payload_type = payload_type;
  for (const Attribute& rtpmap : section.rtpmaps) {
    if (rtpmap.payload_type != payload_type) continue;
    std::string_view rest = rtpmap.value, item;
    if (next_item(&rest, '/', &item)) track->codec_name = upper(item.substr(0, kMaxNameBytes));
    uint64_t number = 0;
    if (next_item(&rest, '/', &item) && parse_decimal(item, UINT32_MAX, &number)) {
      track->clock_rate = static_cast<uint32_t>(number);
    }
    if (next_item(&rest, '/', &item) && parse_decimal(item, 255, &number))
      track->channels = static_cast<int>(number);
    return true;
  }
  for (const StaticType& type : kStaticTypes) {
    if (type.payload_type != payload_type) continue;
    track->codec_name = type.name;
    track->clock_rate = type.clock_rate;
    track->channels = type.channels;
    return true;
  }
  return false;
}

bool fits(const Section& section, Codec codec) {
  return section.media == "video" ? is_video(codec) : section.media == "audio" && is_audio(codec);
}

// The first format that we know counts, else the first one.
void choose_format(const Section& section, Track* track) {
  const Track blank = *track;
  Track first = blank;
  for (size_t i = 0; i < section.formats.size(); ++i) {
    *track = blank;
    if (section.formats[i] < 0) continue;
    describe_format(section, section.formats[i], track);
    track->codec = codec_of(track->codec_name);
    if (fits(section, track->codec)) return;
    if (i == 0) first = *track;
  }
  *track = first;
}

// Own section by payload type, then all sections by payload type, then the only one of the own section.
std::string_view find_fmtp(const std::vector<Section>& sections, const Section& own, int payload_type) {
  if (payload_type < 0) return {};
  for (const Attribute& fmtp : own.fmtps) {
    if (fmtp.payload_type == payload_type) return fmtp.value;
  }
  for (const Section& section : sections) {
    for (const Attribute& fmtp : section.fmtps) {
      if (fmtp.payload_type == payload_type) return fmtp.value;
    }
  }
  return own.fmtps.size() == 1 ? own.fmtps[0].value : std::string_view();
}

void complete_format(Track* track) {
  if (track->codec == Codec::kOpus) {
    // RFC 7587 allows nothing else, whatever the rtpmap says.
    track->clock_rate = 48000;
    track->channels = 2;
  } else if (is_audio(track->codec) && track->codec != Codec::kAacLatm && track->channels == 0) {
    track->channels = 1;
  } else if (is_video(track->codec)) {
    track->channels = 0;
    if (track->clock_rate == 0) track->clock_rate = 90000;
  }
  if (track->codec == Codec::kAac) {
    track->aac = read_aac(track->fmtp, track->clock_rate, track->channels);
    // Where the two differ the config is what the encoder was set up with.
    if (track->aac) track->channels = track->aac->channels;
  }
  if (track->codec == Codec::kAacLatm) track->aac = read_latm(track->fmtp);
  read_parameter_sets(track);
}

bool is_plain_rtp(const std::string& profile) {
  return profile == "RTP/AVP" || profile == "RTP/AVPF" || profile == "RTP/AVP/TCP" ||
         profile == "RTP/AVP/UDP";
}

// Empty when the track can be used.
const char* reason_against(const Section& section, const Track& track, bool taken,
                           Direction video_direction) {
  const bool video = section.media == "video";
  if (!video && section.media != "audio") return "not audio or video";
  if (!is_plain_rtp(section.profile)) return "profile not RTP/AVP";
  if (!video && track.direction == Direction::kInactive) return "inactive";
  // CV-RTSPHandler and uEye mark what they send as sendonly; then the mark says nothing about a backchannel.
  if (!video && track.direction == Direction::kSendOnly && video_direction != Direction::kSendOnly)
    return "backchannel";
  if (!fits(section, track.codec)) return "codec not supported";
  if (track.codec == Codec::kAac && !track.aac) return "no clock rate";
  if (track.clock_rate == 0) return "no clock rate";
  if (track.codec == Codec::kAacLatm && !track.aac && !latm_format(track.fmtp).in_band) {
    return "no usable config";
  }
  if (taken) return video ? "second video track" : "second audio track";
  return "";
}

void choose_tracks(const std::vector<Section>& sections, SessionDescription* description) {
  Direction video_direction = Direction::kNone;
  for (const char* media : {"video", "audio"}) {
    int* chosen = media[0] == 'v' ? &description->video : &description->audio;
    for (size_t i = 0; i < description->tracks.size(); ++i) {
      Track& track = description->tracks[i];
      if (track.media != media) continue;
      track.why = reason_against(sections[i + 1], track, *chosen >= 0, video_direction);
      if (!track.why.empty()) continue;
      track.use = media[0] == 'v' ? TrackUse::kVideo : TrackUse::kAudio;
      *chosen = static_cast<int>(i);
      if (track.use == TrackUse::kVideo) video_direction = track.direction;
    }
  }
  for (Track& track : description->tracks) {
    if (track.use == TrackUse::kNo && track.why.empty()) track.why = "not audio or video";
  }
}

}  // namespace

SessionDescription parse_sdp(std::string_view body, std::string_view request_url,
                             std::string_view content_base) {
  const std::vector<Section> sections = read_sections(body.substr(0, kMaxBodyBytes));
  SessionDescription description;
  description.base_url = repair_base(request_url, content_base);
  const std::string_view session_control = sections[0].control;
  description.aggregate_url = is_absolute_url(session_control) ? join_control({}, session_control)
                                                               : join_control(description.base_url, {});
  for (size_t i = 1; i < sections.size(); ++i) {
    const Section& section = sections[i];
    Track track;
    track.index = static_cast<int>(i - 1);
    track.media = section.media;
    track.control_url = join_control(description.aggregate_url, section.control);
    track.direction = section.direction != Direction::kNone ? section.direction : sections[0].direction;
    choose_format(section, &track);
    track.fmtp.assign(find_fmtp(sections, section, track.payload_type));
    complete_format(&track);
    description.tracks.push_back(std::move(track));
  }
  choose_tracks(sections, &description);
  return description;
}

}  // namespace thimble::rtsp
