// Drives the core the way the binding does, hard, so that a sanitizer sees every hand-over: runs that end early and
// late, kicks at any moment, closing while running, slots that change under a running vCPU. Exits 1 with a sentence when
// a result is wrong; a sanitizer ends it by itself.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <initializer_list>
#include <mutex>
#include <thread>
#include <vector>

#include "../../native/core/live-objects.h"
#include "../../native/core/system.h"
#include "../../native/core/vcpu.h"
#include "../../native/core/vm.h"

namespace {

using std::chrono::microseconds;

constexpr uint64_t kCode = 0x1000;
constexpr uint64_t kStack = 0x8000;
constexpr size_t kMemorySize = 0x10000;
constexpr microseconds kPatience{5'000'000};

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "stress: %s\n", what);
  std::exit(1);
}

// What node's event loop is to the binding: waits for late ends and collects them.
class Machine {
 public:
  explicit Machine(std::initializer_list<uint8_t> code) {
    system = kvm::System::open("/dev/kvm");
    vm = system->create_vm();
    if (vm->check_extension(KVM_CAP_EXIT_ON_EMULATION_FAILURE) > 0) vm->enable_cap(KVM_CAP_EXIT_ON_EMULATION_FAILURE, {1});
    memory = std::make_shared<kvm::GuestMemory>(kMemorySize);
    // Slot 1, so that the search for it passes slot 0, which changing_slots changes.
    vm->set_memory_slot(1, 0, 0, memory, 0, kMemorySize);
    vcpu = vm->create_vcpu(0);
    vcpu->set_on_late_end([this] {
      std::lock_guard lock(mutex);
      late_ends++;
      ended.notify_one();
    });
    std::copy(code.begin(), code.end(), memory->data() + kCode);
    kvm_sregs sregs = vcpu->sregs();
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    vcpu->set_sregs(sregs);
    kvm_regs regs = vcpu->regs();
    regs.rip = kCode;
    regs.rsp = kStack;
    regs.rflags = 2;
    vcpu->set_regs(regs);
  }

  ~Machine() { system->close(); }

  kvm::ExitRecord& record() { return *vcpu->record(); }
  const kvm_run& exit() { return *reinterpret_cast<const kvm_run*>(record().run); }

  void plan(uint32_t mode, uint32_t flags, uint64_t range_end = 0, uint64_t max_steps = 0) {
    kvm::RunPlan& plan = *vcpu->plan();
    plan.mode = mode;
    plan.flags = flags;
    plan.range_start = 0;
    plan.range_end = range_end;
    plan.max_steps = max_steps;
  }

  void wait_late() {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        ended.wait(lock, [this] { return late_ends > 0; });
        late_ends--;
      }
      if (vcpu->collect_late_run()) return;
    }
  }

  std::shared_ptr<kvm::System> system;
  std::shared_ptr<kvm::Vm> vm;
  std::shared_ptr<kvm::GuestMemory> memory;
  std::shared_ptr<kvm::Vcpu> vcpu;
  std::mutex mutex;
  std::condition_variable ended;
  int late_ends = 0;
};

void kicks(int rounds) {
  Machine machine{0x40, 0xeb, 0xfd};  // inc ax; jmp
  for (int i = 0; i < rounds; i++) {
    machine.plan(i % 3 == 0 ? kvm::kStep : kvm::kContinue, kvm::kFresh, i % 3 == 0 ? 0xffff : 0);
    if (i % 4 == 0) machine.vcpu->kick();
    const bool ended = machine.vcpu->run(microseconds(i % 5 * 20));
    if (!ended) {
      if (i % 4 != 0) machine.vcpu->kick();
      if (i % 7 == 0) {
        while (!machine.vcpu->wait(microseconds(100))) {
        }
      } else {
        machine.wait_late();
      }
    }
    check(machine.record().outcome == kvm::kKicked, "a spinning guest ended without a kick");
  }
}

void floods(int rounds) {
  Machine machine{0xe6, 0x80, 0xfe, 0xc0, 0xe4, 0x81, 0xeb, 0xf8};  // out 80,al; inc al; in al,81; jmp
  uint8_t given = 0;
  bool fresh = true;
  for (int i = 0; i < rounds; i++) {
    if (i % 3 == 0) machine.vcpu->kick();
    machine.plan(i / 64 % 2 == 0 ? kvm::kContinue : kvm::kStep, fresh ? uint32_t{kvm::kFresh} : 0, 0xffff);
    fresh = i % 64 == 63;
    if (!machine.vcpu->run(microseconds(i % 2 * 500))) machine.wait_late();
    if (machine.record().outcome != kvm::kExit) continue;
    check(machine.exit().exit_reason == KVM_EXIT_IO, "not an I/O exit");
    if (machine.exit().io.direction == KVM_EXIT_IO_IN) {
      given = static_cast<uint8_t>(i * 5);
      machine.record().data[0] = given;
      if (i % 11 == 0) check(machine.vcpu->complete(), "an IN does not complete");
    } else {
      check(machine.record().data[0] == given, "the guest wrote another byte than it was given");
    }
  }
}

void changing_slots(int rounds) {
  Machine machine{0x9c, 0x9d, 0xeb, 0xfc};  // pushf; popf; jmp: every step reads guest memory through the slots
  auto other = std::make_shared<kvm::GuestMemory>(kMemorySize);
  // The changes may all be made before the vCPU's thread begins: then they are made again.
  for (int attempt = 0; machine.record().steps == 0; attempt++) {
    check(attempt < 100, "no step was made");
    machine.plan(kvm::kStep, kvm::kFresh | kvm::kFixPushf, 0xffff);
    bool running = !machine.vcpu->run(microseconds(0));
    for (int i = 0; i < rounds; i++) {
      machine.vm->set_memory_slot(0, 0, 0x100000, other, 0, kMemorySize);
      machine.vm->remove_memory_slot(0);
    }
    machine.vcpu->kick();
    if (running) machine.wait_late();
  }
  check((machine.memory->data()[kStack - 1] & 1) == 0, "a stepped PUSHF pushed TF");
}

void state_between_steps(int rounds) {
  Machine machine{0x40, 0xeb, 0xfd};
  machine.vcpu->set_cpuid(machine.system->supported_cpuid());
  for (int i = 0; i < rounds; i++) {
    machine.plan(kvm::kStep, kvm::kFresh, 0, 2);
    machine.record().regs.rbx = static_cast<uint64_t>(i);
    machine.record().dirty = KVM_SYNC_X86_REGS;
    check(machine.vcpu->run(kPatience), "two steps take too long");
    check(machine.record().outcome == kvm::kPlanDone && machine.record().steps == 2, "not two steps");
    check(machine.record().regs.rbx == static_cast<uint64_t>(i), "a register that was set is lost");
    if (i % 10 == 0) {
      machine.vcpu->set_xsave(machine.vcpu->xsave().data(), machine.vcpu->xsave_size());
      machine.vcpu->set_msrs({0x174}, {static_cast<uint64_t>(i)});
      check(machine.vcpu->msrs({0x174}).at(0) == static_cast<uint64_t>(i), "an MSR that was set is lost");
      machine.vcpu->set_events(machine.vcpu->events());
    }
  }
}

void closing(int rounds) {
  for (int i = 0; i < rounds; i++) {
    Machine machine{0xeb, 0xfe};
    machine.plan(kvm::kContinue, kvm::kFresh);
    check(!machine.vcpu->run(microseconds(i % 3 * 50)), "a spinning guest ended");
    if (i % 2 == 0) std::this_thread::sleep_for(microseconds(i * 10));
    if (i % 3 == 0) machine.vcpu->close();
  }
}

void environment() {
  try {
    kicks(1000);
    floods(3000);
    changing_slots(200);
    state_between_steps(1000);
    closing(60);
  } catch (const kvm::Error& error) {
    std::fprintf(stderr, "stress: %s: %s\n", error.operation.c_str(), error.what());
    std::exit(1);
  }
}

int open_files() {
  int count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) count++;
  closedir(directory);
  return count;
}

}  // namespace

int main() {
  const int files = open_files();
  // Two environments (main thread and a worker) at once.
  std::vector<std::thread> environments;
  for (int i = 0; i < 2; i++) environments.emplace_back(environment);
  for (auto& thread : environments) thread.join();
  check(kvm::live_objects.systems == 0 && kvm::live_objects.vms == 0 && kvm::live_objects.vcpus == 0 &&
            kvm::live_objects.memories == 0, "objects are left behind");
  check(open_files() == files, "files are left open");
  std::puts("stress: ok");
  return 0;
}
