// What a recorder must know of places in a picture track beside the packets themselves: from where on other
// codec parameters hold, and where the camera's time line broke.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "media/codec_parameters.h"

namespace thimble::media {

/// Bounded by the packets of the track as long as its owner takes the notes of packets that are gone.
class TrackNotes {
 public:
  struct Parameters {
    VideoParameters video;
    std::optional<AudioParameters> audio;  ///< nullopt = no sound track in files
  };
  struct Note {
    uint64_t index;
    bool jump = false;
    std::optional<Parameters> parameters{};
  };

  /// Indexes never fall from call to call.
  void add_parameters(uint64_t index, Parameters parameters) { at(index).parameters = std::move(parameters); }
  void add_jump(uint64_t index) { at(index).jump = true; }
  /// The oldest note of a packet up to `index`, each once.
  std::optional<Note> take(uint64_t index) {
    if (notes_.empty() || notes_.front().index > index) return std::nullopt;
    std::optional<Note> note(std::move(notes_.front()));
    notes_.pop_front();
    return note;
  }
  void clear() { notes_.clear(); }

 private:
  Note& at(uint64_t index) {
    if (notes_.empty() || notes_.back().index != index) notes_.push_back(Note{index});
    return notes_.back();
  }

  std::deque<Note> notes_;
};

}  // namespace thimble::media
