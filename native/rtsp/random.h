// A small seeded generator (SplitMix64, public domain) for client nonces and jitter; not for keys.
#pragma once

#include <cstdint>

namespace thimble::rtsp {

inline uint64_t next_random(uint64_t* state) {
  *state += 0x9e3779b97f4a7c15u;
  uint64_t z = *state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

}  // namespace thimble::rtsp
