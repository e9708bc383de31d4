// <linux/kvm.h>, with its flexible arrays as the C compiler lays them out. The kernel's __DECLARE_FLEX_ARRAY wraps an
// array in a struct with an empty member, which takes a byte in C++ and none in C: structs would be larger than the
// kernel's, and ioctl numbers, which hold the size, wrong.
#pragma once

#include <linux/stddef.h>
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) TYPE NAME[0]
#include <linux/kvm.h>

static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8 && sizeof(kvm_msr_list) == 4 && sizeof(kvm_xsave) == 4096,
              "the sizes that the kernel's ioctl numbers carry");
