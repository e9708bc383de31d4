#include "vcpu.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

#include "live-objects.h"
#include "run-deadline.h"

namespace kvm {

Vcpu::Vcpu(std::shared_ptr<Vm> vm, uint32_t id, FileDescriptor fd, size_t mapping_size)
    : vm_(std::move(vm)),
      id_(id),
      fd_(std::move(fd)),
      mapping_size_(mapping_size),
      record_(std::make_shared<ExitRecord>()),
      plan_(std::make_shared<RunPlan>()) {
  void* mapping = mmap(nullptr, mapping_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.number(), 0);
  if (mapping == MAP_FAILED) throw_errno("mmap", errno);
  run_ = static_cast<kvm_run*>(mapping);
  live_objects.vcpus++;
  try {
    loop_ = std::make_unique<RunLoop>(fd_.number(), run_, *vm_, kick_);
    run_job_ = [this] { end_ = loop_->run(taken_plan_); };
    complete_job_ = [this] {
      const auto end = loop_->complete();
      complete_result_ = !end.has_value();
      end_ = end.value_or(RunLoop::End{kPlanDone});
    };
    thread_ = std::make_unique<VcpuThread>([this] {
      if (on_late_end_) on_late_end_();
    });
    refresh(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
  } catch (...) {
    close();
    throw;
  }
}

Vcpu::~Vcpu() { close(); }

const FileDescriptor& Vcpu::parked_fd(const char* operation) const {
  if (closed()) throw_state(operation, "vcpu " + std::to_string(id_) + " is closed");
  if (thread_->busy()) throw_state(operation, "vcpu " + std::to_string(id_) + " is running");
  return fd_;
}

const FileDescriptor& Vcpu::completed_fd(const char* operation) const {
  const FileDescriptor& fd = parked_fd(operation);
  if (loop_->completion_pending()) {
    throw_state(operation, "vcpu " + std::to_string(id_) +
                               " has an access to complete: call complete() before its registers are changed");
  }
  return fd;
}

void Vcpu::take_plan() {
  RunPlan& taken = taken_plan_;
  const RunPlan& given = *plan_;
  if (given.mode > kStep) throw_argument("run", "run plan: mode must be 0 (continue) or 1 (step)");
  const uint32_t count = given.until_count;
  if (count > kMaximumUntil) {
    throw_argument("run", "run plan: at most " + std::to_string(kMaximumUntil) + " addresses to stop at");
  }
  if (given.range_start > given.range_end) throw_argument("run", "run plan: the range ends before it starts");
  std::memcpy(&taken, &given, offsetof(RunPlan, until));
  std::memcpy(taken.until, given.until, count * sizeof given.until[0]);
  taken.until_count = count;
  if (!std::is_sorted(taken.until, taken.until + count)) {
    throw_argument("run", "run plan: the addresses to stop at must be in ascending order");
  }
}

void Vcpu::take_dirty() {
  if (record_->dirty == 0) return;
  loop_->stage(record_->dirty, record_->regs, record_->sregs, record_->events);
  record_->dirty = 0;
}

bool Vcpu::run(std::chrono::microseconds wait) {
  parked_fd("run");
  if (record_->dirty != 0) completed_fd("run");
  take_plan();
  take_dirty();
  write_back_exit_data();
  if (wait.count() > 0 && threads_may_change()) {
    switch (run_here(wait)) {
      case RunHere::ended:
        fill_record();
        return true;
      case RunHere::interrupted:
        // The thread goes on with the plan from where it is.
        taken_plan_.flags &= ~uint32_t{kFresh};
        wait = std::chrono::microseconds{0};
        break;
      case RunHere::not_begun:
        break;
    }
  }
  if (!thread_->post(run_job_, wait)) return false;
  fill_record();
  return true;
}

Vcpu::RunHere Vcpu::run_here(std::chrono::microseconds bound) {
  RunDeadline deadline(run_, bound);
  if (!deadline.armed()) return RunHere::not_begun;
  run_job_();
  return end_.interrupted ? RunHere::interrupted : RunHere::ended;
}

bool Vcpu::wait(std::chrono::microseconds wait) {
  if (closed()) throw_state("wait", "vcpu " + std::to_string(id_) + " is closed");
  if (!thread_->busy()) throw_state("wait", "vcpu " + std::to_string(id_) + " is not running");
  if (!thread_->wait(wait)) return false;
  fill_record();
  return true;
}

bool Vcpu::collect_late_run() {
  if (closed() || !thread_->take_late_end()) return false;
  fill_record();
  return true;
}

void Vcpu::kick() {
  if (closed()) throw_state("kick", "vcpu " + std::to_string(id_) + " is closed");
  // In this order: see RunLoop::enter.
  kick_.store(true, std::memory_order_seq_cst);
  __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_SEQ_CST);
  thread_->signal();
}

bool Vcpu::complete() {
  parked_fd("complete");
  if (!loop_->completion_pending()) return true;
  if (record_->dirty != 0) completed_fd("complete");
  write_back_exit_data();
  // immediate_exit is set: this comes back at once on any thread.
  if (threads_may_change()) {
    complete_job_();
  } else {
    thread_->post_and_wait(complete_job_);
  }
  fill_record();
  if (end_.outcome == kError) throw_errno("KVM_RUN", end_.error);
  return complete_result_;
}

// The answer to the exit, from the record into the mapping. Where it goes is what the kernel wrote into the mapping,
// never what the record says: JavaScript can write there.
void Vcpu::write_back_exit_data() {
  const auto* given = reinterpret_cast<const kvm_run*>(record_->run);
  run_->request_interrupt_window = given->request_interrupt_window;
  if (!loop_->completion_pending()) return;
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      if (run_->io.direction == KVM_EXIT_IO_IN) {
        const size_t length = std::min<size_t>(size_t{run_->io.size} * run_->io.count, kExitDataSize);
        if (run_->io.data_offset + length <= mapping_size_) {
          std::memcpy(reinterpret_cast<uint8_t*>(run_) + run_->io.data_offset, record_->data, length);
        }
      }
      break;
    case KVM_EXIT_MMIO:
      if (run_->mmio.is_write == 0) std::memcpy(run_->mmio.data, given->mmio.data, sizeof run_->mmio.data);
      break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
      run_->msr.data = given->msr.data;
      run_->msr.error = given->msr.error;
      break;
    case KVM_EXIT_HYPERCALL:
      run_->hypercall.ret = given->hypercall.ret;
      break;
    default:
      break;
  }
}

void Vcpu::fill_record() {
  ExitRecord& record = *record_;
  record.outcome = end_.outcome;
  record.error = end_.error;
  record.error_operation = end_.operation;
  record.steps = loop_->steps();
  record.dirty = 0;
  record.completion_pending = loop_->completion_pending() ? 1 : 0;
  std::memcpy(record.run, static_cast<const void*>(run_), kRunHeaderSize);
  loop_->read_registers(&record.regs, &record.sregs, &record.events);
  record.linear_pc = linear_pc(record.regs, record.sregs);
  record.data_length = 0;
  if (run_->exit_reason == KVM_EXIT_IO && end_.outcome == kExit) {
    const size_t length = size_t{run_->io.size} * run_->io.count;
    if (length <= kExitDataSize && run_->io.data_offset + length <= mapping_size_) {
      std::memcpy(record.data, reinterpret_cast<const uint8_t*>(run_) + run_->io.data_offset, length);
      record.data_length = static_cast<uint32_t>(length);
    }
  }
}

void Vcpu::close() {
  if (closed()) return;
  if (thread_ != nullptr) {
    // A run under way ends with this kick; a finished one needs none.
    if (thread_->busy()) kick();
    thread_->stop();
  }
  if (on_close_) on_close_();
  loop_.reset();
  if (run_ != nullptr) {
    munmap(run_, mapping_size_);
    run_ = nullptr;
  }
  fd_.close();
  live_objects.vcpus--;
}

}  // namespace kvm
