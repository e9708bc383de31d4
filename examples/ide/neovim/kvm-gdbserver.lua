-- Neovim with nvim-dap. Source it from your init.lua and put your kernel's ELF file into `program`. gdb 14 or later speaks the
-- Debug Adapter Protocol itself. Start the server first, in a terminal: kvm-gdbserver build/kernel64.elf
local dap = require('dap')

dap.adapters.gdb = {
  type = 'executable',
  command = 'gdb',
  args = { '--quiet', '--interpreter=dap', '--eval-command', 'set print pretty on' },
}

local kvm_gdbserver = {
  name = 'kvm-gdbserver',
  type = 'gdb',
  request = 'attach',
  target = '127.0.0.1:1234',
  program = '${workspaceFolder}/build/kernel64.elf',
  cwd = '${workspaceFolder}',
}

for _, language in ipairs({ 'c', 'cpp', 'rust', 'asm' }) do
  dap.configurations[language] = dap.configurations[language] or {}
  table.insert(dap.configurations[language], kvm_gdbserver)
end
