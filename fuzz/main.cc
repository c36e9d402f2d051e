// Replays files through a fuzz target where there is no libFuzzer (gcc): TARGET [FILE | FOLDER]...
//
// Options (a leading '-') are ignored, so that a libFuzzer command line works. Each input is copied
// to a block of exactly its size, so that a sanitizer sees a read past its end.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// What a structure-aware target's mutator would call; nothing mutates here.
extern "C" size_t LLVMFuzzerMutate(uint8_t*, size_t size, size_t) {
  return size;
}

namespace {

bool replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in && !in.eof()) {
    std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
    return false;
  }
  const auto block = std::make_unique_for_overwrite<uint8_t[]>(content.size());
  std::memcpy(block.get(), content.data(), content.size());
  std::fprintf(stderr, "%s\n", file.c_str());  // stays the last line if the target aborts
  LLVMFuzzerTestOneInput(block.get(), content.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') continue;
    const fs::path path = argv[i];
    std::vector<fs::path> files;
    if (fs::is_directory(path)) {
      for (const auto& entry : fs::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    } else {
      files.push_back(path);
    }
    for (const fs::path& file : files) {
      if (!replay(file)) return 66;
      ++replayed;
    }
  }
  std::printf("replayed %zu inputs\n", replayed);
  return 0;
}
