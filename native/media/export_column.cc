#include "media/export_column.h"

#include <sys/mman.h>

#include <algorithm>

namespace thimble::media {
namespace {

uint8_t bits_of(uint64_t value) {
  uint8_t bits = 0;
  while (bits < 64 && value >> bits != 0) ++bits;
  return bits;
}

}  // namespace

PagePool::~PagePool() {
  for (uint64_t* page : pages_) ::munmap(page, kPageBytes);
}

uint64_t* PagePool::take(size_t words) {
  if (page_words_ + words > kPageBytes / 8) {
    if (!charge(kPageBytes)) return nullptr;
    // Not from the heap: pages of a heap that others use as well would stay with the process.
    void* page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return nullptr;
    pages_.push_back(static_cast<uint64_t*>(page));
    page_words_ = 0;
  }
  uint64_t* taken = pages_.back() + page_words_;
  page_words_ += words;
  return taken;
}

bool PagePool::charge(size_t bytes) {
  if (bytes > most_bytes_ - used_bytes_) return false;
  used_bytes_ += bytes;
  return true;
}

bool Column::push(uint64_t value) {
  if (open_.size() == kBlock && !seal()) return false;
  if (open_.empty()) open_.reserve(kBlock);
  if (size() == 0 || value != last_) ++runs_;
  last_ = value;
  open_.push_back(value);
  return true;
}

/// The values of the open block, each once; 0 when there are too many for a list.
size_t Column::list_values(uint64_t* list) const {
  size_t count = 0;
  for (const uint64_t value : open_) {
    if (std::find(list, list + count, value) != list + count) continue;
    if (count == kLongestList) return 0;
    list[count++] = value;
  }
  return count;
}

bool Column::seal() {
  const auto [least, most] = std::minmax_element(open_.begin(), open_.end());
  Block block{*least, nullptr, static_cast<uint32_t>(open_runs_before_), bits_of(*most - *least), 0};
  uint64_t list[kLongestList];
  const size_t listed = list_values(list);
  const uint8_t place_bits = listed > 0 ? bits_of(listed - 1) : 0;
  if (listed > 1 && listed + kWordsPerBit * place_bits < kWordsPerBit * block.bits) {
    block.listed = static_cast<uint8_t>(listed);
    block.bits = place_bits;
  }
  if (!pool_.charge(sizeof block)) return false;
  if (block.bits > 0) {
    uint64_t* words = pool_.take(block.listed + kWordsPerBit * block.bits);
    if (!words) return false;
    std::copy(list, list + block.listed, words);
    uint64_t* packed = words + block.listed;
    for (size_t i = 0; i < kBlock; ++i) {
      const uint64_t value = block.listed > 0
                                 ? static_cast<uint64_t>(std::find(list, list + listed, open_[i]) - list)
                                 : open_[i] - block.least;
      const size_t bit = i * block.bits, word = bit / 64, shift = bit % 64;
      packed[word] |= value << shift;
      if (shift + block.bits > 64) packed[word + 1] |= value >> (64 - shift);
    }
    block.words = words;
  }
  blocks_.push_back(block);
  open_.clear();
  open_runs_before_ = runs_;
  return true;
}

uint64_t Column::at(uint64_t index) const {
  const size_t number = static_cast<size_t>(index / kBlock), i = static_cast<size_t>(index % kBlock);
  if (number == blocks_.size()) return open_[i];
  const Block& block = blocks_[number];
  if (block.bits == 0) return block.least;
  const uint64_t* packed = block.words + block.listed;
  const size_t bit = i * block.bits, word = bit / 64, shift = bit % 64;
  uint64_t value = packed[word] >> shift;
  if (shift + block.bits > 64) value |= packed[word + 1] << (64 - shift);
  if (block.bits < 64) value &= (uint64_t{1} << block.bits) - 1;
  return block.listed > 0 ? block.words[value] : block.least + value;
}

/// Behind the last of the equal values from `index` on.
uint64_t Column::run_end(uint64_t index, uint64_t value) const {
  const uint64_t size = this->size();
  while (index < size) {
    const size_t number = static_cast<size_t>(index / kBlock);
    if (index % kBlock == 0 && number < blocks_.size() && blocks_[number].bits == 0 &&
        blocks_[number].least == value) {
      index += kBlock;
    } else if (at(index) == value) {
      ++index;
    } else {
      break;
    }
  }
  return index;
}

size_t Column::read_runs(uint64_t first, size_t count, ValueRun* out) const {
  if (first >= runs_) return 0;
  // The block in which run `first` begins: the last one before which at most `first` runs begin.
  const auto next =
      std::upper_bound(blocks_.begin(), blocks_.end(), first,
                       [](uint64_t run, const Block& block) { return run < block.runs_before; });
  uint64_t index = 0, run = 0;
  if (!blocks_.empty() && next == blocks_.end() && open_runs_before_ <= first) {
    index = blocks_.size() * kBlock;
    run = open_runs_before_;
  } else if (next != blocks_.begin()) {
    index = static_cast<uint64_t>(next - blocks_.begin() - 1) * kBlock;
    run = (next - 1)->runs_before;
  }
  // What continues a run from the block before is passed over.
  if (index > 0 && at(index) == at(index - 1)) index = run_end(index, at(index));
  for (; run < first; ++run) index = run_end(index, at(index));
  size_t made = 0;
  for (; made < count && index < size(); ++made) {
    const uint64_t value = at(index), end = run_end(index, value);
    out[made] = {index, end - index, value};
    index = end;
  }
  return made;
}

}  // namespace thimble::media
