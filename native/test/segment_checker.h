// Judges a segment file as a player would, sharing no code with the writer and the repair.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tiny {

struct Judgement {
  std::string problem;  ///< empty = playable
  std::vector<std::string> boxes;
  uint32_t fragments = 0;
  uint64_t media_bytes = 0;
  bool indexed = false;
  uint32_t references = 0, key_references = 0;
};

inline std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline uint64_t be(const std::vector<uint8_t>& bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes.at(at + static_cast<size_t>(i));
  return value;
}

/// Every box whole, in an order that plays from the start, every moof followed by its mdat, NALs walkable,
/// and the sidx, if there is one, leading exactly from moof to moof up to the end.
inline Judgement judge(const std::vector<uint8_t>& file) {
  Judgement result;
  const auto bad = [&](const std::string& problem) {
    result.problem = problem;
    return result;
  };
  size_t at = 0, sidx = 0, sidx_end = 0;
  std::vector<size_t> moofs;
  while (at < file.size()) {
    if (file.size() - at < 8) return bad("box header cut off");
    const size_t size = be(file, at, 4);
    const std::string type(file.begin() + static_cast<ptrdiff_t>(at) + 4,
                           file.begin() + static_cast<ptrdiff_t>(at) + 8);
    if (size < 8 || size > file.size() - at) return bad("box " + type + " not whole");
    result.boxes.push_back(type);
    if (type == "moof") moofs.push_back(at);
    if (type == "sidx") sidx = at, sidx_end = at + size;
    if (type == "mdat") {
      if (result.boxes[result.boxes.size() - 2] != "moof") return bad("mdat without moof");
      ++result.fragments;
      result.media_bytes += size - 8;
      // First traf: moof(8) mfhd(16) traf(8) tfhd(16) tfdt(20) trun(8 + 12, then 16 per sample).
      size_t sample = at + 8;
      const size_t trun = moofs.back() + 8 + 16 + 8 + 16 + 20;
      for (size_t i = 0, count = be(file, trun + 12, 4); i < count; ++i) {
        const size_t end = sample + be(file, trun + 20 + i * 16 + 4, 4);
        while (sample < end) {
          const size_t nal = be(file, sample, 4);
          if (nal == 0 || nal > end - sample - 4) return bad("NAL not walkable");
          sample += 4 + nal;
        }
      }
    }
    at += size;
  }
  if (moofs.empty()) return bad("no fragment");
  if (result.boxes.size() < 3 || result.boxes[0] != "ftyp" || result.boxes[1] != "moov") return bad("order");
  if (result.boxes.back() != "mdat") return bad("ends in " + result.boxes.back());
  if (sidx == 0) return result;
  result.indexed = true;
  result.references = static_cast<uint32_t>(be(file, sidx + 38, 2));
  size_t to = sidx_end + be(file, sidx + 28, 8);
  for (uint32_t i = 0; i < result.references; ++i) {
    bool is_moof = false;
    for (const size_t moof : moofs) is_moof = is_moof || moof == to;
    if (!is_moof) return bad("reference " + std::to_string(i) + " leads to no moof");
    result.key_references += be(file, sidx + 40 + i * 12 + 8, 1) >> 7;
    to += be(file, sidx + 40 + i * 12, 4);
  }
  if (to != file.size()) return bad("index does not end where the file does");
  return result;
}

inline Judgement judge(const std::string& path) {
  return judge(read_file(path));
}

/// Decodes everything with the ffmpeg on PATH. True too when there is none (`ran` tells).
inline bool decodes(const std::string& path, bool* ran = nullptr) {
  static const bool present =
      std::system("command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null") == 0;
  if (ran) *ran = present;
  if (!present) return true;
  const std::string command =
      "ffmpeg -nostdin -v error -xerror -i '" + path + "' -f null - >'" + path + ".log' 2>&1";
  const bool clean = std::system(command.c_str()) == 0 && read_file(path + ".log").empty();
  if (clean) std::system(("rm -f '" + path + ".log'").c_str());
  return clean;
}

}  // namespace tiny
