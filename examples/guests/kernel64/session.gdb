# A 64-bit C kernel: structs, recursion, SSE registers, an interrupt handler.
#
# In examples/guests, in two terminals:
# Server: kvm-gdbserver build/kernel64.elf
# gdb:    gdb -x kernel64/session.gdb

source ../../gdb/kvm_gdbserver.py
file build/kernel64.elf
target remote :1234

# The machine starts at the ELF entry point, in long mode.
kvm mode
x/3i $pc

break kernel_main
continue
print root
print *root.left
print *root.left->right

# Recursion over the tree: stop at one node.
break tree_sum if node == &leaf_b
continue
bt
print node->name
up
print *node
delete
finish

# SSE: 16 bytes on their way through xmm1.
tbreak copy_vector
continue
next
print $xmm1.v4_float
print target

# The guest's own exception: ud2 leads through the IDT into a handler, which sees what the processor pushed.
break on_invalid_opcode
continue
print/x *frame
bt
x/i frame->rip
delete
finish

delete
continue
