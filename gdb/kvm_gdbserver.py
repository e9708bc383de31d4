"""gdb helper for kvm-gdbserver: 16- and 32-bit guests in a gdb that believes it debugs x86-64.

Load it before or after connecting, in any gdb from 13 on that has Python:

    (gdb) source kvm_gdbserver.py

It gives
  - disassembly by the processor's mode (x/i, display/i, disassemble);
  - frames of 16- and 32-bit code (bt, up, finish, return, nexti over calls and over `int n`);
  - the `kvm` commands: `help kvm`.

All of it is driven by the `mode` register of kvm-gdbserver's target description. With any other target, which has no
such register, the helper does nothing.
"""

import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
if _FOLDER not in sys.path:
    sys.path.insert(0, _FOLDER)

from kvm_gdb import commands, disassembly, unwinder  # noqa: E402

disassembly.register()
unwinder.register()
commands.register()
