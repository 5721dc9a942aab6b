// ISO 14496-12, all times and sizes in their 64-bit versions: a day at 90 kHz and a few GB are usual here.
#include "media/export_header.h"

#include <algorithm>

#include "media/init_segment.h"
#include "media/ticks.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr uint32_t kMovieTimescale = kVideoTimescale;
// Random, fixed for ever: the extended type of the box that tells where the footage comes from.
constexpr uint8_t kBoxType[16] = {0x8d, 0x53, 0x1a, 0xe4, 0x0f, 0x6b, 0x4c, 0x7e,
                                  0x91, 0x22, 0xc7, 0x35, 0xa8, 0x60, 0xdb, 0x19};
constexpr uint8_t kBoxVersion = 1;
constexpr int64_t kSecondsFrom1904 = 2082844800;

}  // namespace

class ExportHeader::Writer {
 public:
  struct Mark {
    size_t at;
    uint64_t tables;
  };
  explicit Writer(ExportHeader& header) : header_(header) {}

  void u8(uint8_t value) { out().push_back(value); }
  void u16(uint16_t value) {
    u8(static_cast<uint8_t>(value >> 8));
    u8(static_cast<uint8_t>(value));
  }
  void u32(uint32_t value) {
    u16(static_cast<uint16_t>(value >> 16));
    u16(static_cast<uint16_t>(value));
  }
  void u64(uint64_t value) {
    u32(static_cast<uint32_t>(value >> 32));
    u32(static_cast<uint32_t>(value));
  }
  void bytes(const void* data, size_t size) {
    const auto* begin = static_cast<const uint8_t*>(data);
    out().insert(out().end(), begin, begin + size);
  }
  void zeros(size_t count) { out().insert(out().end(), count, 0); }
  Mark begin(const char* type) {
    const Mark mark{out().size(), tables_};
    u32(0);
    bytes(type, 4);
    return mark;
  }
  /// A box with version and flags.
  Mark begin(const char* type, uint8_t version, uint32_t flags) {
    const Mark mark = begin(type);
    u32(uint32_t{version} << 24 | flags);
    return mark;
  }
  void end(Mark mark) {
    write_be32(&out()[mark.at], static_cast<uint32_t>(out().size() - mark.at + (tables_ - mark.tables)));
  }
  /// A whole box of version 0 with `count` entries.
  void table(const char* type, Table table, const ExportTrack& track, uint64_t count) {
    const Mark box = begin(type, table == Table::kOffsets ? 1 : 0, 0);
    if (table == Table::kSizes) u32(0);  // no size that all have
    u32(static_cast<uint32_t>(count));
    flush();
    const uint64_t size = count * entry_bytes(table);
    header_.parts_.push_back({header_.size_, size, 0, table, &track});
    header_.size_ += size;
    tables_ += size;
    end(box);
  }
  /// The fixed bytes since the last call become a part.
  void flush() {
    const size_t size = out().size() - flushed_;
    if (size > 0) header_.parts_.push_back({header_.size_, size, flushed_, Table::kFixed, nullptr});
    header_.size_ += size;
    flushed_ = out().size();
  }

  void movie(const ExportTrack& video, const ExportTrack& sound, const ExportFacts& facts);
  void origin(const ExportFacts& facts, const std::vector<ExportGap>& gaps);

 private:
  std::vector<uint8_t>& out() { return header_.fixed_; }
  void times(const ExportFacts& facts);
  void matrix();
  void track(uint32_t id, const ExportTrack& track, const ExportFacts& facts);
  void edits(const ExportTrack& track, const ExportFacts& facts);
  void media(bool video, const ExportTrack& track, const ExportFacts& facts);
  void samples(const ExportTrack& track);

  ExportHeader& header_;
  uint64_t tables_ = 0;
  size_t flushed_ = 0;
};

/// Creation and modification: when it was recorded.
void ExportHeader::Writer::times(const ExportFacts& facts) {
  u64(static_cast<uint64_t>(facts.start_ms / 1000 + kSecondsFrom1904));
  u64(static_cast<uint64_t>(facts.start_ms / 1000 + kSecondsFrom1904));
}

void ExportHeader::Writer::matrix() {
  for (const uint32_t value : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u}) u32(value);
}

void ExportHeader::Writer::movie(const ExportTrack& video, const ExportTrack& sound,
                                 const ExportFacts& facts) {
  const Mark moov = begin("moov");
  const Mark mvhd = begin("mvhd", 1, 0);
  times(facts);
  u32(kMovieTimescale);
  u64(static_cast<uint64_t>(facts.end - facts.start));
  u32(0x10000);  // rate
  u16(0x100);    // volume
  zeros(10);
  matrix();
  zeros(24);
  u32(kAudioTrackId + 1);  // next track
  end(mvhd);
  track(kVideoTrackId, video, facts);
  if (!sound.empty()) track(kAudioTrackId, sound, facts);
  end(moov);
}

void ExportHeader::Writer::track(uint32_t id, const ExportTrack& track, const ExportFacts& facts) {
  const bool video = id == kVideoTrackId;
  const Mark trak = begin("trak");
  const Mark tkhd = begin("tkhd", 1, 3);  // enabled, in the movie
  times(facts);
  u32(id);
  u32(0);
  u64(static_cast<uint64_t>(facts.end - facts.start));
  zeros(12);
  u16(video ? 0 : 0x100);  // volume
  u16(0);
  matrix();
  // Width and height stand in the sample entry at 32 and 34, its header included.
  const uint8_t* entry = track.entries.front().data();
  u32(video ? uint32_t{read_be16(entry + 32)} << 16 : 0);
  u32(video ? uint32_t{read_be16(entry + 34)} << 16 : 0);
  end(tkhd);
  edits(track, facts);
  media(video, track, facts);
  end(trak);
}

/// Shows the track from the movie's start: what decoding needs before it is hidden, what begins later is
/// waited for.
void ExportHeader::Writer::edits(const ExportTrack& track, const ExportFacts& facts) {
  const int64_t late = rescale(track.first_dts, kMovieTimescale, track.timescale) - facts.start;
  const bool waits = late > 0;
  const int64_t shown_from = waits ? facts.start + late : facts.start;
  const int64_t begin_at =
      waits ? 0 : rescale(facts.start, track.timescale, kMovieTimescale) - track.first_dts;
  const int64_t shown_to = std::min(facts.end, rescale(track.end, kMovieTimescale, track.timescale));
  const Mark edts = begin("edts");
  const Mark elst = begin("elst", 1, 0);
  u32(waits ? 2 : 1);
  if (waits) {
    u64(static_cast<uint64_t>(late));
    u64(UINT64_MAX);  // nothing
    u32(0x10000);
  }
  u64(static_cast<uint64_t>(std::max<int64_t>(0, shown_to - shown_from)));
  u64(static_cast<uint64_t>(std::max<int64_t>(0, begin_at)));
  u32(0x10000);
  end(elst);
  end(edts);
}

void ExportHeader::Writer::media(bool video, const ExportTrack& track, const ExportFacts& facts) {
  const Mark mdia = begin("mdia");
  const Mark mdhd = begin("mdhd", 1, 0);
  times(facts);
  u32(track.timescale);
  u64(track.duration());
  u16(0x55c4);  // und
  u16(0);
  end(mdhd);
  const Mark hdlr = begin("hdlr", 0, 0);
  u32(0);
  bytes(video ? "vide" : "soun", 4);
  zeros(13);  // reserved, empty name
  end(hdlr);
  const Mark minf = begin("minf");
  const Mark kind = video ? begin("vmhd", 0, 1) : begin("smhd", 0, 0);
  zeros(video ? 8 : 4);
  end(kind);
  const Mark dinf = begin("dinf");
  const Mark dref = begin("dref", 0, 0);
  u32(1);
  end(begin("url ", 0, 1));  // in this file
  end(dref);
  end(dinf);
  samples(track);
  end(minf);
  end(mdia);
}

void ExportHeader::Writer::samples(const ExportTrack& track) {
  const Mark stbl = begin("stbl");
  const Mark stsd = begin("stsd", 0, 0);
  u32(static_cast<uint32_t>(track.entries.size()));
  for (const auto& entry : track.entries) bytes(entry.data(), entry.size());
  end(stsd);
  table("stts", Table::kDurations, track, track.durations.runs());
  if (track.reordered) table("ctts", Table::kOffsets, track, track.offsets.runs());
  if (!track.all_keys()) table("stss", Table::kKeys, track, track.keys.size());
  table("stsc", Table::kChunks, track, track.chunks.runs());
  table("stsz", Table::kSizes, track, track.sizes.size());
  table("co64", Table::kChunkOffsets, track, track.chunk_offsets.size());
  end(stbl);
}

void ExportHeader::Writer::origin(const ExportFacts& facts, const std::vector<ExportGap>& gaps) {
  const Mark uuid = begin("uuid");
  bytes(kBoxType, sizeof kBoxType);
  u32(uint32_t{kBoxVersion} << 24);
  bytes(facts.store, 16);
  u32(facts.camera);
  u32(static_cast<uint32_t>(facts.stream));
  u64(static_cast<uint64_t>(facts.start_ms));
  u64(static_cast<uint64_t>(facts.end_ms));
  u32(static_cast<uint32_t>(gaps.size()));
  for (const ExportGap& gap : gaps) {
    u64(static_cast<uint64_t>(gap.start_ms));
    u64(static_cast<uint64_t>(gap.end_ms));
    u64(static_cast<uint64_t>(gap.at_ms));
  }
  end(uuid);
}

void ExportHeader::build(const ExportTrack& video, const ExportTrack& sound, const ExportFacts& facts,
                         const std::vector<ExportGap>& gaps) {
  Writer writer(*this);
  const Writer::Mark ftyp = writer.begin("ftyp");
  writer.bytes("isom", 4);
  writer.u32(512);
  writer.bytes("isomiso2mp41mp42", 16);
  writer.end(ftyp);
  writer.movie(video, sound, facts);
  writer.origin(facts, gaps);
  writer.u32(1);  // the size stands behind the type
  writer.bytes("mdat", 4);
  writer.u64(facts.media_bytes + 16);
  writer.flush();
}

}  // namespace thimble::media
