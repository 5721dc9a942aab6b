// Columns of numbers for sample tables, packed to the bits that they need: a day of samples fits in a few MB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace thimble::media {

/// Memory for columns, taken from the system in pages of its own: all of it goes back at once when the pool
/// goes. Bounded.
class PagePool {
 public:
  explicit PagePool(size_t most_bytes) : most_bytes_(most_bytes) {}
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  /// Zeroed words (at most kPageBytes / 8), valid as long as the pool; nullptr when the bound is reached.
  uint64_t* take(size_t words);
  /// Counts memory that lies elsewhere. False when the bound is reached.
  bool charge(size_t bytes);
  size_t used_bytes() const { return used_bytes_; }

  static constexpr size_t kPageBytes = 64 * 1024;

 private:
  const size_t most_bytes_;
  size_t used_bytes_ = 0;
  std::vector<uint64_t*> pages_;
  size_t page_words_ = kPageBytes / 8;  ///< taken of the last page
};

/// Equal values that follow each other.
struct ValueRun {
  uint64_t first = 0, count = 0, value = 0;
};

/// Appended at the end, read anywhere. Values are stored as differences to the least of their block or, where
/// that has only a few, as places in a list of them.
class Column {
 public:
  explicit Column(PagePool& pool) : pool_(pool) {}
  /// False when there is no memory for it; the column is then as before.
  bool push(uint64_t value);
  /// `index` < size().
  uint64_t at(uint64_t index) const;
  uint64_t size() const { return blocks_.size() * kBlock + open_.size(); }
  /// Number of runs of equal values.
  uint64_t runs() const { return runs_; }
  /// Fills `out` with up to `count` runs from number `first` on; returns how many there were.
  size_t read_runs(uint64_t first, size_t count, ValueRun* out) const;

 private:
  static constexpr size_t kBlock = 256;
  static constexpr size_t kWordsPerBit = kBlock / 64;
  static constexpr size_t kLongestList = 16;
  struct Block {
    uint64_t least;
    const uint64_t* words;  ///< the list, then what is packed
    uint32_t runs_before;   ///< that begin before this block
    uint8_t bits;           ///< of what is packed
    uint8_t listed;         ///< length of the list, 0 = differences are packed
  };
  bool seal();
  size_t list_values(uint64_t* list) const;
  uint64_t run_end(uint64_t index, uint64_t value) const;

  PagePool& pool_;
  std::vector<Block> blocks_;
  std::vector<uint64_t> open_;
  uint64_t runs_ = 0, open_runs_before_ = 0, last_ = 0;
};

}  // namespace thimble::media
