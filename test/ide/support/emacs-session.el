;;; emacs-session.el --- A session of Emacs' gdb-mi, without a screen  -*- lexical-binding: t; -*-

;; Loads the configuration that $CONFIGURATION names, goes to the line of kernel64/kernel.c that $SOURCE_TEXT is in, and prints what
;; its buffers then show: a line of JSON for each thing, [name, text].  Ends with status 1 and the conversation when gdb does not
;; come to where it should.

;;; Code:

(require 'gdb-mi)
(require 'json)
(setq gdb-enable-debug t
      gdb-debug-log-max 2000
      gdb-show-main nil)

(defun session-print (name text)
  "Print what NAME is: TEXT."
  (princ (concat (json-encode (vector name (substring-no-properties text))) "\n")))

(defun session-wait (what predicate)
  "Wait until PREDICATE holds and gdb has answered all that it was asked; WHAT says what for."
  (let ((deadline (+ (float-time) 50)))
    (while (not (and (null gdb-handler-list) (funcall predicate)))
      (when (> (float-time) deadline)
        (message "Emacs waits for %s in vain: %S" what (seq-take gdb-debug-log 20))
        (kill-emacs 1))
      (accept-process-output nil 0.01))))

(defun session-stopped-in (function)
  "Wait for a stop in FUNCTION, and print where it is and why."
  (session-wait function (lambda () (and (equal gdb-selected-frame function) (not (equal gdb-inferior-status "running")))))
  (session-print "stop" (format "%s %s %s" gdb-inferior-status gdb-selected-frame gdb-selected-line)))

(defun session-buffer (type)
  "Print the buffer that gdb-mi keeps for TYPE, once it is filled."
  (let ((buffer (gdb-get-buffer-create type)))
    (session-wait type (lambda () (> (buffer-size buffer) 0)))
    (session-print (symbol-name type) (with-current-buffer buffer (buffer-string)))))

(load (getenv "CONFIGURATION") nil t)
(kvm-gdbserver-gdb)
(session-stopped-in "_start")
(with-current-buffer (find-file-noselect "kernel64/kernel.c")
  (goto-char (point-min))
  (search-forward (getenv "SOURCE_TEXT"))
  (gud-break nil))
(gud-cont nil)
(session-stopped-in "kernel_main")
(mapc #'session-buffer '(gdb-breakpoints-buffer gdb-stack-buffer gdb-locals-buffer gdb-registers-buffer gdb-threads-buffer
                         gdb-disassembly-buffer gdb-memory-buffer))
(gud-step nil)
(session-stopped-in "tree_sum")
(gud-finish nil)
(session-stopped-in "kernel_main")
(gud-next nil)
(gud-basic-call "print root.value")
(session-wait "print" (lambda () (with-current-buffer gud-comint-buffer (save-excursion (goto-char (point-min)) (search-forward "$2 = " nil t)))))
(session-print "console" (with-current-buffer gud-comint-buffer (buffer-string)))
(dolist (entry (reverse gdb-debug-log))
  (when (eq (car entry) 'send-item) (session-print "sent" (cadr entry))))
(gud-basic-call "disconnect")
(session-wait "disconnect" (lambda () t))
(kill-emacs 0)

;;; emacs-session.el ends here
