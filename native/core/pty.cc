#include "pty.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "error.h"

namespace kvm {
namespace {

[[noreturn]] void fail(int master, const char* operation) {
  const int number = errno;
  if (master >= 0) close(master);
  throw_errno(operation, number);
}

}  // namespace

Pty open_pty() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) fail(master, "posix_openpt");
  if (grantpt(master) != 0) fail(master, "grantpt");
  if (unlockpt(master) != 0) fail(master, "unlockpt");
  char path[128];
  if (ptsname_r(master, path, sizeof path) != 0) fail(master, "ptsname_r");
  termios settings{};
  if (tcgetattr(master, &settings) != 0) fail(master, "tcgetattr");
  cfmakeraw(&settings);
  if (tcsetattr(master, TCSANOW, &settings) != 0) fail(master, "tcsetattr");
  return {master, path};
}

}  // namespace kvm
