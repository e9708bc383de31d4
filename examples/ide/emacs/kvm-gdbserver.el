;;; kvm-gdbserver.el --- Debug a guest of kvm-gdbserver  -*- lexical-binding: t; -*-

;; Load it from your init file and put your kernel's ELF file for build/kernel64.elf.  Start the server first, in a
;; terminal: kvm-gdbserver build/kernel64.elf

;;; Code:

(defun kvm-gdbserver-gdb ()
  "Debug the guest with Emacs' own interface to gdb (`gdb-mi').
Call it from a buffer in the folder that the compiler ran in."
  (interactive)
  (require 'gdb-mi)
  ;; All processors of a machine stop together; a kernel has no `main' for the memory buffer to begin at.
  (setq gdb-non-stop-setting nil)
  (setq-default gdb-memory-address-expression "$pc")
  ;; A program as a word of its own would make Emacs start gdb in the program's folder, where it finds no relative source.
  (gdb "gdb -i=mi \"--eval-command=file build/kernel64.elf\" \"--eval-command=target remote 127.0.0.1:1234\""))

;; dape needs gdb 14 or later, which speaks the Debug Adapter Protocol itself: M-x dape RET kvm-gdbserver RET
(with-eval-after-load 'dape
  (add-to-list 'dape-configs
               '(kvm-gdbserver
                 modes (c-mode c-ts-mode asm-mode)
                 command "gdb"
                 command-args ("--quiet" "--interpreter=dap")
                 command-cwd dape-command-cwd
                 :request "attach"
                 :target "127.0.0.1:1234"
                 :program "build/kernel64.elf")))

(provide 'kvm-gdbserver)
;;; kvm-gdbserver.el ends here
