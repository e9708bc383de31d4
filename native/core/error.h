// What the core throws: one sentence for a person, and the parts for a program.
#pragma once

#include <stdexcept>
#include <string>

namespace kvm {

class Error : public std::runtime_error {
 public:
  Error(std::string code, int number, std::string operation, const std::string& message)
      : std::runtime_error(message), code(std::move(code)), number(number), operation(std::move(operation)) {}

  // errno's name (`EACCES`), `ERR_STATE` for a call in a wrong state, `ERR_ARGUMENT` for a bad argument.
  const std::string code;
  // errno, or 0.
  const int number;
  // The ioctl or system call, or the method that refused.
  const std::string operation;
};

// errno's name: `EACCES`.
std::string errno_name(int number);

// One sentence: what failed, and what to do about it where that is known (api.rst).
std::string describe_errno(const std::string& operation, int number);

[[noreturn]] void throw_errno(const std::string& operation, int number);
[[noreturn]] void throw_state(const std::string& operation, const std::string& message);
[[noreturn]] void throw_argument(const std::string& operation, const std::string& message);

}  // namespace kvm
