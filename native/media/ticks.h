// Conversions between clock rates that neither overflow within centuries nor drift.
#pragma once

#include <cstdint>

namespace thimble::media {

/// In two steps, whole seconds first: the product of months and a high rate leaves 64 bits.
inline int64_t ticks_to_us(int64_t ticks, int64_t rate) {
  return ticks / rate * 1000000 + ticks % rate * 1000000 / rate;
}
inline int64_t us_to_ticks(int64_t us, int64_t rate) {
  return us / 1000000 * rate + us % 1000000 * rate / 1000000;
}
/// `value` ticks of rate `from` as ticks of rate `to`, to nearest, also below zero.
inline int64_t rescale(int64_t value, int64_t to, int64_t from) {
  const int64_t rest = value % from * to;
  return value / from * to + (rest >= 0 ? rest + from / 2 : rest - from / 2) / from;
}

/// Rates that real cameras use, and wide of them; an absurd one would only make absurd times.
inline uint32_t believable_rate(uint32_t rate, uint32_t otherwise) {
  return rate >= 1000 && rate <= 1000000 ? rate : otherwise;
}

}  // namespace thimble::media
