#include "errno-names.h"

#include <cerrno>

namespace kvm {

const char* errno_name_or_null(int number) {
  switch (number) {
#define NAME(name) \
  case name:       \
    return #name
    NAME(EPERM);
    NAME(ENOENT);
    NAME(ESRCH);
    NAME(EINTR);
    NAME(EIO);
    NAME(ENXIO);
    NAME(E2BIG);
    NAME(ENOEXEC);
    NAME(EBADF);
    NAME(ECHILD);
    NAME(EAGAIN);
    NAME(ENOMEM);
    NAME(EACCES);
    NAME(EFAULT);
    NAME(ENOTBLK);
    NAME(EBUSY);
    NAME(EEXIST);
    NAME(EXDEV);
    NAME(ENODEV);
    NAME(ENOTDIR);
    NAME(EISDIR);
    NAME(EINVAL);
    NAME(ENFILE);
    NAME(EMFILE);
    NAME(ENOTTY);
    NAME(ETXTBSY);
    NAME(EFBIG);
    NAME(ENOSPC);
    NAME(ESPIPE);
    NAME(EROFS);
    NAME(EMLINK);
    NAME(EPIPE);
    NAME(EDOM);
    NAME(ERANGE);
    NAME(EDEADLK);
    NAME(ENAMETOOLONG);
    NAME(ENOLCK);
    NAME(ENOSYS);
    NAME(ENOTEMPTY);
    NAME(ELOOP);
    NAME(EOVERFLOW);
    NAME(ENOTUNIQ);
    NAME(EOPNOTSUPP);
    NAME(ETIMEDOUT);
    NAME(EALREADY);
    NAME(ESTALE);
    NAME(ECANCELED);
    NAME(EHWPOISON);
#undef NAME
    default:
      return nullptr;
  }
}

}  // namespace kvm
