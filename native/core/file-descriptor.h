// A file descriptor that is closed exactly once, and ioctls on it that throw.
#pragma once

#include <cerrno>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include "error.h"

namespace kvm {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { close(); }

  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }

  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

  // -errno on failure. Never for KVM_RUN, whose EINTR has a meaning.
  template <typename Argument>
  int try_ioctl(unsigned long request, Argument argument) const {
    int result;
    do {
      result = ::ioctl(number_, request, argument);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
  }

  // Throws Error named after `operation` on failure.
  template <typename Argument>
  int ioctl(unsigned long request, const char* operation, Argument argument) const {
    const int result = try_ioctl(request, argument);
    if (result < 0) throw_errno(operation, -result);
    return result;
  }

 private:
  int number_ = -1;
};

}  // namespace kvm
