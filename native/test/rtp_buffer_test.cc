// The memory of the assembly: bounded, and given back.
#include <doctest/doctest.h>

#include "rtp_collect.h"
#include "rtsp/depacketizer_buffer.h"

using namespace thimble;
using namespace thimble::rtp_test;

TEST_CASE("buffer: grows to its limit and not further") {
  rtsp::UnitBuffer buffer(10000);
  const Data bytes(4000, 7);
  CHECK(buffer.append(view(bytes)));
  CHECK(buffer.append(view(bytes)));
  CHECK_FALSE(buffer.append(view(bytes)));
  CHECK(buffer.size() == 8000);
  CHECK(buffer.append({nullptr, 2000}));
  CHECK(buffer.data()[9999] == 0);
  CHECK(buffer.data()[7999] == 7);
  CHECK(buffer.capacity() <= 10000);
  CHECK_FALSE(buffer.append(view({1})));
  buffer.move_down(7999, 1);
  CHECK(buffer.size() == 2002);
  CHECK(buffer.data()[1] == 7);
  CHECK(buffer.data()[2] == 0);
}

TEST_CASE("buffer: memory of one huge picture is given back, that of usual ones is kept") {
  rtsp::UnitBuffer buffer(4u << 20);
  const Data huge(3u << 20, 1), usual(100'000, 2), small(2'000, 3);
  const auto unit = [&](const Data& data) {
    REQUIRE(buffer.append(view(data)));
    buffer.note_unit();
    buffer.truncate(0);
  };
  unit(huge);
  CHECK(buffer.capacity() >= huge.size());
  for (int i = 0; i < 2200; i++) unit(i % 250 ? small : usual);
  CHECK(buffer.capacity() >= usual.size());
  CHECK(buffer.capacity() < 2 * usual.size());
  // No growth and no shrinkage any more: steady state does not allocate.
  const uint8_t* before = buffer.data();
  for (int i = 0; i < 5000; i++) unit(i % 250 ? small : usual);
  CHECK(buffer.data() == before);
}
