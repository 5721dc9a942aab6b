// The index of a segment that is still being written.
#include "media/segment_index.h"

#include <doctest/doctest.h>

#include <cstring>

#include "rtsp/bytes.h"

using namespace thimble;
using namespace thimble::media;

TEST_CASE("segment index: of a file being written it stands alone, with all that was added") {
  SegmentIndex index;
  CHECK(index.encode().empty());
  for (uint64_t i = 0; i < 700; ++i) {
    index.add({1000 + i, true, i % 2 == 0, 900 + i * 90000, 90000});
    const std::vector<uint8_t> box = index.encode();
    REQUIRE(box.size() == 40 + 12 * (i + 1));
    CHECK(read_be32(box.data()) == box.size());
    CHECK(std::memcmp(box.data() + 4, "sidx", 4) == 0);
    CHECK(read_be64(box.data() + 20) == 900);
    CHECK(read_be64(box.data() + 28) == 0);
    CHECK(read_be16(box.data() + 38) == i + 1);
    const uint8_t* const last = box.data() + box.size() - 12;
    CHECK(read_be32(last) == 1000 + i);
    CHECK(read_be32(last + 8) == (i % 2 == 0 ? kStartsWithSap1 : 0));
  }
}
