# Four processors: threads in gdb. The boot processor wakes the others, and all share a list of jobs.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver --cpus 4 --irqchip kernel build/workers.elf
# gdb:    gdb -x workers/session.gdb

source ../../gdb/kvm_gdbserver.py
file build/workers.elf
target remote :1234

# Only the first runs; the others wait to be started.
info threads

# They have been started when the jobs begin. Each came from real mode at 0x8000 into long mode.
break begin_jobs
continue
print processors
thread apply 2-4 -q print $mode

delete
tbreak longest_job
continue

# All jobs are done. The boot processor is the one that looks.
print jobs_done
print jobs[26].steps
finish
continue
