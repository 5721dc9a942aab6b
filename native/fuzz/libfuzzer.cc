// The entry of libFuzzer: --target=NAME says which parser, --write-seeds=FOLDER writes its good input and
// ends.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "fuzz/target.h"

namespace {

thimble::fuzz::Target chosen;

/// The value of a flag of ours; libFuzzer leaves those with two dashes alone.
const char* flag(int argc, char** argv, const char* name) {
  const size_t length = std::strlen(name);
  for (int i = 1; i < argc; i++) {
    if (std::strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
  }
  return nullptr;
}

[[noreturn]] void write_seeds(const std::string& folder) {
  int number = 0;
  for (const auto& seed : chosen.seeds()) {
    std::FILE* file = std::fopen((folder + "/seed-" + std::to_string(number++)).c_str(), "wb");
    if (file == nullptr || std::fwrite(seed.data(), 1, seed.size(), file) != seed.size()) std::exit(1);
    std::fclose(file);
  }
  std::exit(0);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const char* name = flag(*argc, *argv, "--target");
  for (const auto& target : thimble::fuzz::targets()) {
    if (name != nullptr && std::strcmp(target.name, name) == 0) chosen = target;
  }
  if (chosen.run == nullptr) {
    for (const auto& target : thimble::fuzz::targets()) std::printf("%s\n", target.name);
    std::exit(name == nullptr ? 0 : 2);
  }
  if (const char* folder = flag(*argc, *argv, "--write-seeds")) write_seeds(folder);
  return 0;
}

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data,
                                                                             size_t size) {
  chosen.run({data, size});
  return 0;
}
