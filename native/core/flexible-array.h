// A kernel struct that ends in an array whose length is in a field: `struct kvm_msrs`, `struct kvm_cpuid2`, …
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvm {

template <typename Header, typename Entry>
class FlexibleArray {
 public:
  // Zeroed, with room for `count` entries after the header.
  explicit FlexibleArray(size_t count)
      : words_((sizeof(Header) + count * sizeof(Entry) + sizeof(uint64_t) - 1) / sizeof(uint64_t)) {}

  Header* header() { return reinterpret_cast<Header*>(words_.data()); }
  Entry* entries() { return reinterpret_cast<Entry*>(reinterpret_cast<uint8_t*>(words_.data()) + sizeof(Header)); }

 private:
  // 64-bit words, for every such struct wants 8-byte alignment.
  std::vector<uint64_t> words_;
};

}  // namespace kvm
