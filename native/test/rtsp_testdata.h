// Reads recorded conversations from the directory that THIMBLE_TESTDATA names; without it those tests are
// skipped.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace thimble::test {

/// Empty when there is none; then says which test is skipped.
inline std::filesystem::path testdata(const char* folder, const char* test_name) {
  const char* root = std::getenv("THIMBLE_TESTDATA");
  const std::filesystem::path path =
      root == nullptr ? std::filesystem::path() : std::filesystem::path(root) / folder;
  if (root != nullptr && std::filesystem::is_directory(path)) return path;
  MESSAGE("skipped: " << std::string(test_name) << " (THIMBLE_TESTDATA is not set)");
  return {};
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(read_file(path));
}

/// Folders below `root` that hold an expected.json, sorted.
inline std::vector<std::filesystem::path> case_folders(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (std::filesystem::exists(entry.path() / "expected.json")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace thimble::test
