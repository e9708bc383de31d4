// The names of errno's values; strerrorname_np would need glibc 2.32.
#pragma once

namespace kvm {

// `EACCES`; null for a number that is not in the table.
const char* errno_name_or_null(int number);

}  // namespace kvm
