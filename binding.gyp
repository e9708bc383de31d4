{
  # portable=1: the binary that is shipped: static libstdc++, no version of glibc above 2.28 (docs/decisions/0017-one-prebuilt-binary.md).
  # Without it, as when npm builds on the user's machine, whatever is there is linked.
  "variables": { "portable%": 0 },
  "targets": [
    {
      "target_name": "kvm",
      "sources": [
        "native/core/shared-cpu.cc",
        "native/core/errno-names.cc",
        "native/core/error.cc",
        "native/core/guest-memory.cc",
        "native/core/kick-signal.cc",
        "native/core/late-stop.cc",
        "native/core/linear-memory.cc",
        "native/core/pty.cc",
        "native/core/run-deadline.cc",
        "native/core/run-loop.cc",
        "native/core/sipi-wait.cc",
        "native/core/staged-registers.cc",
        "native/core/system.cc",
        "native/core/time-slice.cc",
        "native/core/trap-flag.cc",
        "native/core/vcpu.cc",
        "native/core/vcpu-state.cc",
        "native/core/vcpu-thread.cc",
        "native/core/vm.cc",
        "native/binding/addon.cc",
        "native/binding/constants.cc",
        "native/binding/convert.cc",
        "native/binding/layout.cc",
        "native/binding/memory-wrap.cc",
        "native/binding/system-wrap.cc",
        "native/binding/vcpu-state-wrap.cc",
        "native/binding/vcpu-wrap.cc",
        "native/binding/vm-wrap.cc"
      ],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++14"],
      "cflags": ["-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden", "-pthread"],
      "cflags_cc": ["-std=c++17"],
      # Unloading with a worker would take the destructors of its threads' timers away.
      "ldflags": ["-pthread", "-Wl,-z,nodelete"],
      "conditions": [
        ["portable==1", {
          "sources": ["native/portable/old-glibc.cc"],
          "ldflags": ["-nodefaultlibs", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections"],
          # libc.so.6 itself and not the linker script libc.so, which would ask for ld-linux too: musl has none.
          "libraries": ["-Wl,-Bstatic -lstdc++ -Wl,-Bdynamic", "<!(${CXX:-g++} -print-file-name=libc.so.6)", "-lgcc_s -lgcc"]
        }]
      ]
    }
  ]
}
