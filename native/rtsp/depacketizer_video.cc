// Assembly of NAL units to access units.
#include "rtsp/depacketizer_video.h"

#include <cstring>

namespace thimble::rtsp {

namespace {

/// Offset of the next 00 00 01 at or behind `from`, or `size`.
size_t find_start_code(const uint8_t* data, size_t from, size_t size) {
  size_t i = from;
  while (i + 2 < size) {
    if (data[i + 2] > 1) {
      i += 3;
    } else if (data[i + 2] == 1) {
      if (data[i] == 0 && data[i + 1] == 0) return i;
      i += 3;
    } else {
      i++;
    }
  }
  return size;
}

size_t without_trailing_zeros(const uint8_t* data, size_t size) {
  while (size > 0 && data[size - 1] == 0) size--;
  return size;
}

}  // namespace

void VideoAssembler::note_loss() {
  pending_loss_ = true;
  abort_fragment();
}

void VideoAssembler::begin_packet(const RtpPacket& packet) {
  now_us_ = packet.arrival_us;
  if (packet.time != time_) {
    abort_fragment();
    if (active_ && has_picture()) finish(End::kTime);
  }
  time_ = packet.time;
}

void VideoAssembler::touch_unit() {
  if (!active_) {
    active_ = true;
    loss_before_ = pending_loss_;
    check_first_ = pending_loss_ || fresh_source_;
    fresh_source_ = false;
  } else if (pending_loss_) {
    if (has_picture()) {
      damaged_ = true;
    } else {
      loss_before_ = check_first_ = true;
    }
  }
  pending_loss_ = false;
}

void VideoAssembler::add_nal(ByteView nal) {
  abort_fragment();
  buffer_.truncate(committed_);
  if (nal.size + 4 > limits_.max_unit_bytes - committed_ || !buffer_.append({nullptr, 4}) ||
      !buffer_.append(nal)) {
    fragment_slice_ = nal.size < header_size_ || !classify_(nal).discardable;
    refuse_pending();
    return;
  }
  commit();
}

void VideoAssembler::begin_fragment(ByteView header) {
  abort_fragment();
  fragment_slice_ = classify_(header).slice;
  fragment_open_ = true;
  buffer_.truncate(committed_);
  if (!buffer_.append({nullptr, 4}) || !buffer_.append(header)) refuse_pending();
}

void VideoAssembler::add_fragment(ByteView body) {
  if (fragment_open_ && !buffer_.append(body)) refuse_pending();
}

void VideoAssembler::end_fragment() {
  if (!fragment_open_) return;
  fragment_open_ = false;
  commit();
}

void VideoAssembler::abort_fragment() {
  if (!fragment_open_) return;
  fragment_open_ = false;
  buffer_.truncate(committed_);
  miss_nal(fragment_slice_);
}

void VideoAssembler::miss_nal(bool slice) {
  touch_unit();
  damaged_ = true;
  broken_ = broken_ || slice;
}

/// The NAL in progress is beyond the limit: an SEI goes alone, a slice takes the access unit with it.
void VideoAssembler::refuse_pending() {
  fragment_open_ = false;
  buffer_.truncate(committed_);
  touch_unit();
  if (fragment_slice_) overflow();
}

void VideoAssembler::overflow() {
  overflow_ = damaged_ = broken_ = true;
  has_slice_ = false;
  nals_.clear();
  committed_ = base_;
}

void VideoAssembler::commit() {
  const size_t begin = committed_ + 4;
  size_t size = buffer_.size() - begin;
  const uint8_t* raw = buffer_.data() + begin;
  size_t codes = 0;
  for (size_t at = find_start_code(raw, 0, size); at < size; at = find_start_code(raw, at + 3, size)) codes++;
  if (codes == 0) {
    size = without_trailing_zeros(raw, size);
    place(size);
  } else {
    commit_pieces(begin, codes);
  }
  buffer_.truncate(committed_);
  if (base_ > 0) {
    buffer_.move_down(base_, 0);
    committed_ -= base_;
    base_ = 0;
  }
}

/// A start code of 3 bytes becomes a length of 4: the bytes first move up by one per code, so that each piece
/// can then move down to its place.
void VideoAssembler::commit_pieces(size_t begin, size_t codes) {
  const size_t size = buffer_.size() - begin;
  if (!buffer_.append({nullptr, codes})) {
    fragment_slice_ = true;
    refuse_pending();
    return;
  }
  std::memmove(buffer_.data() + begin + codes, buffer_.data() + begin, size);
  const size_t end = begin + codes + size;
  for (size_t at = begin + codes; at < end;) {
    uint8_t* data = buffer_.data();  // place() can move the memory
    const size_t code = find_start_code(data, at, end);
    const size_t piece = without_trailing_zeros(data + at, code - at);
    std::memmove(data + committed_ + 4, data + at, piece);
    place(piece);
    at = code + 3;
  }
}

/// Takes the NAL of `size` bytes at committed_ + 4 into the unit.
void VideoAssembler::place(size_t size) {
  if (size < header_size_) return;
  const NalInfo info = classify_({buffer_.data() + committed_ + 4, size});
  if (!info.known || (size == header_size_ && !info.may_be_empty)) return;
  // Behind a slice that is missing the same timestamp still means the same picture: what looks like a new one
  // can be the rest of a NAL under a wrong start bit.
  if ((has_slice_ || overflow_) && (info.first_slice || info.begins_unit)) finish(End::kBoundary);
  touch_unit();
  if (overflow_ || !make_room(info.discardable, size)) return;

  if (info.slice && !has_slice_ && check_first_ && !info.first_slice) damaged_ = true;
  write_be32(buffer_.data() + committed_, static_cast<uint32_t>(size));
  nals_.push_back({info.type, static_cast<uint32_t>(committed_ + 4 - base_), static_cast<uint32_t>(size)});
  committed_ += 4 + size;
  has_slice_ = has_slice_ || info.slice;
  key_ = key_ || info.key;
  arrival_us_ = now_us_;
}

bool VideoAssembler::make_room(bool discardable, size_t size) {
  if (discardable && purged_) return false;
  if (nals_.size() < limits_.max_nals) return true;
  if (discardable) return false;
  const size_t from = committed_ + 4;
  if (!purged_) purge_discardable();
  if (nals_.size() >= limits_.max_nals) {
    overflow();
    return false;
  }
  std::memmove(buffer_.data() + committed_ + 4, buffer_.data() + from, size);
  return true;
}

void VideoAssembler::purge_discardable() {
  purged_ = true;
  uint8_t* unit = buffer_.data() + base_;
  size_t end = 0, kept = 0;
  for (const Nal nal : nals_) {
    if (classify_({unit + nal.offset, nal.size}).discardable) continue;
    std::memmove(unit + end, unit + nal.offset - 4, nal.size + 4);
    nals_[kept++] = {nal.type, static_cast<uint32_t>(end + 4), nal.size};
    end += nal.size + 4;
  }
  nals_.resize(kept);
  committed_ = base_ + end;
}

void VideoAssembler::end_packet(bool ends_unit) {
  if (ends_unit && !fragment_open_ && active_ && has_picture()) finish(End::kMarker);
}

void VideoAssembler::flush() {
  if (!fragment_open_ && !markers_ && active_ && has_picture()) finish(End::kFlush);
}

void VideoAssembler::end_source() {
  abort_fragment();
  if (active_ && has_picture()) finish(End::kSource);
  clear_unit();
  base_ = committed_ = 0;
  buffer_.truncate(0);
  nals_.clear();
  pending_loss_ = markers_ = false;
  fresh_source_ = true;
}

/// How many NALs at the end of the unit belong to the picture that begins now.
size_t VideoAssembler::carried_nals() const {
  size_t last = nals_.size();
  while (last > 0 &&
         !classify_({buffer_.data() + base_ + nals_[last - 1].offset, nals_[last - 1].size}).slice)
    last--;
  while (last < nals_.size() &&
         classify_({buffer_.data() + base_ + nals_[last].offset, nals_[last].size}).trailing) {
    last++;
  }
  return nals_.size() - last;
}

void VideoAssembler::finish(End end) {
  if (pending_loss_ || (end == End::kSource && markers_)) damaged_ = true;
  const size_t carried = end == End::kBoundary && has_slice_ ? carried_nals() : 0;
  const size_t count = nals_.size() - carried;
  const size_t split = carried > 0 ? base_ + nals_[count].offset - 4 : committed_;
  if (has_slice_) {
    deliver(count, split);
  } else {
    output_.drop();
    pending_loss_ = true;
  }
  if (end == End::kMarker || end == End::kTime || end == End::kBoundary) markers_ = end == End::kMarker;
  buffer_.note_unit();
  clear_unit();
  if (end == End::kBoundary) {
    for (Nal& nal : nals_) nal.offset -= static_cast<uint32_t>(split - base_);
    nals_.erase(nals_.begin(), nals_.begin() + static_cast<std::ptrdiff_t>(count));
    base_ = split;
    if (carried > 0) touch_unit();
  } else {
    nals_.clear();
    base_ = committed_ = 0;
    buffer_.truncate(0);
  }
}

void VideoAssembler::deliver(size_t nal_count, size_t end) {
  AccessUnit unit;
  unit.rtp_time = time_;
  unit.arrival_us = arrival_us_;
  unit.key = key_;
  unit.damaged = damaged_;
  unit.loss_before = loss_before_;
  unit.data = {buffer_.data() + base_, end - base_};
  unit.nals = nals_.data();
  unit.nal_count = nal_count;
  output_.deliver(unit);
}

void VideoAssembler::clear_unit() {
  active_ = has_slice_ = broken_ = damaged_ = key_ = loss_before_ = check_first_ = overflow_ = purged_ =
      false;
}

}  // namespace thimble::rtsp
