/*
 * Runs a command under a Landlock ruleset that takes /dev/kvm away and nothing else, as a security module does: opening it
 * gives EACCES whatever its mode (kernel documentation, "Landlock: unprivileged access control").
 *   without-kvm COMMAND [ARG...]
 * Ends with 77 where the kernel has no Landlock.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
enum { NO_LANDLOCK = 77 };

/* Allows what lies at and below each entry of a folder but one. */
static void allow_all_but(int ruleset, const char *folder, const char *left_out) {
  DIR *entries = opendir(folder);
  if (entries == NULL) err(1, "%s", folder);
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, left_out) == 0) continue;
    char path[sizeof entry->d_name + 8];
    snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
    struct landlock_path_beneath_attr rule = {.allowed_access = FILE_ACCESS, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    /* A link that leads nowhere. */
    if (rule.parent_fd < 0) continue;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0 && errno != EBADFD) err(1, "%s", path);
    close(rule.parent_fd);
  }
  closedir(entries);
}

int main(int argc, char **argv) {
  if (argc < 2) errx(2, "use: without-kvm COMMAND [ARG...]");
  struct landlock_ruleset_attr handled = {.handled_access_fs = FILE_ACCESS};
  /* Its first field alone: the kernel may know fewer of them than its headers here. */
  int ruleset = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0);
  if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) return NO_LANDLOCK;
  if (ruleset < 0) err(1, "landlock_create_ruleset");
  allow_all_but(ruleset, "/", "dev");
  allow_all_but(ruleset, "/dev/", "kvm");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) err(1, "PR_SET_NO_NEW_PRIVS");
  if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) err(1, "landlock_restrict_self");
  execvp(argv[1], argv + 1);
  err(127, "%s", argv[1]);
}
