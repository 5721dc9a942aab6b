// Parameter sets of sample entries, whole and damaged.
#include "media/entry_parameter_sets.h"

#include <doctest/doctest.h>

#include <random>

#include "rtsp/bytes.h"

using namespace thimble;
using media::entry_parameter_sets;
using Bytes = std::vector<uint8_t>;

namespace {

Bytes entry(const char* type, const Bytes& config) {
  Bytes box(86 + 8 + config.size());
  write_be32(box.data(), static_cast<uint32_t>(box.size()));
  write_be32(box.data() + 86, static_cast<uint32_t>(8 + config.size()));
  std::copy(type, type + 4, box.begin() + 90);
  std::copy(config.begin(), config.end(), box.begin() + 94);
  return box;
}

Bytes sets_of(const Bytes& box) {
  return entry_parameter_sets({box.data(), box.size()});
}

const Bytes kAvcc = {1, 66, 0xc0, 30, 0xff, 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 9};

Bytes hvcc() {
  Bytes config(23);
  config[21] = 0x0f;
  config[22] = 2;
  config.insert(config.end(), {32, 0, 1, 0, 2, 0x40, 1});
  config.insert(config.end(), {34, 0, 2, 0, 1, 0x44, 0, 1, 0x45});
  return config;
}

}  // namespace

TEST_CASE("entry parameter sets: as in samples") {
  CHECK(sets_of(entry("avcC", kAvcc)) == Bytes{0, 0, 0, 3, 0x67, 1, 2, 0, 0, 0, 2, 0x68, 9});
  CHECK(sets_of(entry("hvcC", hvcc())) == Bytes{0, 0, 0, 2, 0x40, 1, 0, 0, 0, 1, 0x44, 0, 0, 0, 1, 0x45});
}

TEST_CASE("entry parameter sets: nothing of what is cut or has other lengths") {
  for (const auto& [type, config] : {std::pair{"avcC", kAvcc}, std::pair{"hvcC", hvcc()}}) {
    for (size_t size = 0; size < config.size(); ++size)
      CHECK(
          sets_of(entry(type, Bytes(config.begin(), config.begin() + static_cast<ptrdiff_t>(size)))).empty());
    Bytes short_lengths = config;
    short_lengths[config.size() > 22 ? 21 : 4] &= 0xfd;
    CHECK(sets_of(entry(type, short_lengths)).empty());
  }
  CHECK(sets_of(entry("esds", kAvcc)).empty());
  CHECK(sets_of(Bytes(90)).empty());
}

TEST_CASE("entry parameter sets: damage gives at most two bytes more for each unit") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    Bytes box = entry(round % 2 ? "avcC" : "hvcC", round % 2 ? kAvcc : hvcc());
    for (int change = 0; change < 3; ++change)
      box[86 + random() % (box.size() - 86)] = static_cast<uint8_t>(random());
    CHECK(sets_of(box).size() <= 2 * box.size());
  }
}
