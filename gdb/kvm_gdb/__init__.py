"""The parts of the gdb helper; kvm_gdbserver.py loads them."""
