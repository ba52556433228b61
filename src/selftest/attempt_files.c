/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attempts on files: set-uid ones, those of the project that are protected, those of the host. None destroys
 * anything where it succeeds: what is moved is moved back. */
#include "attempt.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

int attempt_open_for_writing(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

    return fd < 0 ? errno : close(fd);
}

static int create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    return fd < 0 ? errno : unlink(path);
}

int attempt_read_file(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return errno;
    rc = read(fd, &byte, 1) < 0 ? errno : 0;
    close(fd);
    return rc;
}

static const char *in_project(const char *name)
{
    static char buf[2][4096];
    static int turn;

    turn = !turn;
    snprintf(buf[turn], sizeof buf[turn], "%s/%s", attempt_goal.project, name);
    return buf[turn];
}

static const char *temporary(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/attempt-%s", attempt_goal.tmp, name);
    return path;
}
static const char *own_file(void)
{
    static char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/attempt-XXXXXX", attempt_goal.tmp);
    fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return path;
}
static int chmod_suid(void)
{
    return CALL(chmod(own_file(), 04755));
}
static int chmod_sgid(void)
{
    return CALL(chmod(own_file(), 02755));
}
static int fchmod_suid(void)
{
    return CALL(fchmod(open(own_file(), O_RDONLY), 06755));
}
static int fchmodat_suid(void)
{
    return SYS_CALL(SYS_fchmodat, AT_FDCWD, own_file(), 04755);
}
static int fchmodat2_suid(void)
{
    return SYS_CALL(452, AT_FDCWD, own_file(), 04755, 0);
}
static int open_suid(void)
{
    return CALL(open(temporary("suid"), O_CREAT | O_RDWR, 04755));
}
static int creat_suid(void)
{
    return CALL(creat(temporary("suid2"), 04755));
}
static int tmpfile_suid(void)
{
    return CALL(open(attempt_goal.tmp, O_TMPFILE | O_RDWR, 04755));
}
static int mknod_suid(void)
{
    return CALL(mknod(temporary("suid3"), S_IFREG | 04755, 0));
}
static int openat2_suid(void)
{
    uint64_t how[3] = {O_CREAT | O_RDWR, 04755, 0};
    return SYS_CALL(437, AT_FDCWD, temporary("suid4"), how, sizeof how);
}
static int make_device(void)
{
    return CALL(mknod(temporary("device"), S_IFCHR | 0666, (1 << 8) | 3));
}

static int write_config(void)
{
    return attempt_open_for_writing(in_project("nixcage.toml"));
}
static int write_config_alias(void)
{
    char path[4096];
    snprintf(path, sizeof path, "/proc/self/root%s/nixcage.toml", attempt_goal.project);
    return attempt_open_for_writing(path);
}
/* Exchanged, and back: what is there is not lost. */
static int replace_config(void)
{
    const char *new = in_project("nixcage-attempt-new"), *config = in_project("nixcage.toml");
    int fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

    if (fd < 0)
        return errno;
    close(fd);
    rc = CALL(renameat2(AT_FDCWD, new, AT_FDCWD, config, RENAME_EXCHANGE));
    if (rc == 0)
        rc = CALL(renameat2(AT_FDCWD, new, AT_FDCWD, config, RENAME_EXCHANGE));
    unlink(new);
    return rc;
}
static int truncate_config(void)
{
    struct stat st;
    return CALL(stat(in_project("nixcage.toml"), &st))
               ?: CALL(truncate(in_project("nixcage.toml"), st.st_size));
}
static int chmod_config(void)
{
    struct stat st;
    return CALL(stat(in_project("nixcage.toml"), &st))
               ?: CALL(chmod(in_project("nixcage.toml"), st.st_mode & 0777));
}
static int link_config(void)
{
    return CALL(link(in_project("nixcage.toml"), in_project("nixcage-attempt-twin")))
               ?: CALL(unlink(in_project("nixcage-attempt-twin")));
}
/* Away and back. */
static int move(const char *name)
{
    const char *from = in_project(name), *to = in_project("nixcage-attempt-moved");
    return CALL(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)) ?: CALL(rename(to, from));
}
static int plant_hook(void)
{
    return create(in_project(".git/hooks/nixcage-attempt"));
}
static int write_git_config(void)
{
    return attempt_open_for_writing(in_project(".git/config"));
}
static int move_git(void)
{
    return move(".git");
}
static int move_hooks(void)
{
    return move(".git/hooks");
}
static int plant_own(void)
{
    return create(in_project(".nixcage/nixcage-attempt"));
}
static int move_own(void)
{
    return move(".nixcage");
}
static int move_config(void)
{
    return move("nixcage.toml");
}
static int read_secret(void)
{
    return attempt_read_file(attempt_goal.hidden);
}
static int read_canary(void)
{
    return attempt_read_file(attempt_goal.canary);
}
static int write_usr(void)
{
    return CALL(access("/usr", W_OK));
}
static int write_root(void)
{
    return CALL(mkdir("/attempt", 0755)) ?: CALL(rmdir("/attempt"));
}
static int core_pattern(void)
{
    return attempt_open_for_writing("/proc/sys/kernel/core_pattern");
}
static int hostname_sysctl(void)
{
    return attempt_open_for_writing("/proc/sys/kernel/domainname");
}
static int sysrq(void)
{
    return attempt_open_for_writing("/proc/sysrq-trigger");
}
static int kernel_memory(void)
{
    return CALL(open("/proc/kcore", O_RDONLY));
}
static int oom_score(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    return fd < 0 ? errno : CALL(write(fd, "-1", 2));
}
static int list_sys(void)
{
    return CALL(open("/sys/kernel", O_RDONLY | O_DIRECTORY));
}
static int kernel_messages(void)
{
    return CALL(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
}
static int read_shadow(void)
{
    return CALL(access("/etc/shadow", F_OK));
}
static int host_logs(void)
{
    return CALL(access("/var/log", F_OK));
}

static const struct attempt rows[] = {
    {"chmod set-uid", chmod_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"chmod set-gid", chmod_sgid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"fchmod set-uid", fchmod_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"fchmodat set-uid", fchmodat_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"fchmodat2 set-uid", fchmodat2_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"open set-uid", open_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"creat set-uid", creat_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"O_TMPFILE set-uid", tmpfile_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"mknod set-uid", mknod_suid, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"openat2 set-uid", openat2_suid, EVERYWHERE, {ENOSYS}, ALWAYS, NULL},
    {"make a device", make_device, AS_ROOT, {EPERM}, ALWAYS, NULL},
    {"write nixcage.toml", write_config, EVERYWHERE, {EROFS, ENOENT}, PROJECT, "nixcage.toml"},
    {"write nixcage.toml through /proc/self/root",
     write_config_alias,
     EVERYWHERE,
     {EROFS, ENOENT},
     PROJECT,
     "nixcage.toml"},
    {"replace nixcage.toml", replace_config, EVERYWHERE, {EBUSY, EROFS, ENOENT}, PROJECT, "nixcage.toml"},
    {"truncate nixcage.toml", truncate_config, EVERYWHERE, {EROFS, ENOENT}, PROJECT, "nixcage.toml"},
    {"chmod nixcage.toml", chmod_config, EVERYWHERE, {EROFS, ENOENT}, PROJECT, "nixcage.toml"},
    {"hard link to nixcage.toml", link_config, EVERYWHERE, {EXDEV, EROFS, ENOENT}, PROJECT, "nixcage.toml"},
    {"plant a git hook", plant_hook, EVERYWHERE, {EROFS, ENOENT}, PROJECT, ".git/hooks"},
    {"write .git/config", write_git_config, EVERYWHERE, {EROFS, ENOENT}, PROJECT, ".git/config"},
    {"rename .git/hooks", move_hooks, EVERYWHERE, {EBUSY, EROFS, EXDEV, ENOENT}, PROJECT, ".git/hooks"},
    {"rename .git", move_git, EVERYWHERE, {EBUSY, EROFS, EXDEV, ENOENT}, PROJECT, ".git"},
    {"plant into .nixcage", plant_own, EVERYWHERE, {EROFS, ENOENT}, PROJECT, ".nixcage"},
    {"rename .nixcage", move_own, EVERYWHERE, {EBUSY, EROFS, EXDEV, ENOENT}, PROJECT, ".nixcage"},
    {"move nixcage.toml away", move_config, EVERYWHERE, {EBUSY, EROFS, ENOENT}, PROJECT, "nixcage.toml"},
    {"read a blacklisted file", read_secret, EVERYWHERE, {ENOENT, EACCES}, BLACKLISTED, NULL},
    {"write /usr", write_usr, AS_ROOT, {EROFS, EACCES}, WRITE, "/usr"},
    {"write /", write_root, AS_ROOT, {EROFS, EACCES}, WRITE, "/attempt"},
    {"open core_pattern for writing",
     core_pattern,
     AS_ROOT,
     {EROFS, EACCES},
     WRITE,
     "/proc/sys/kernel/core_pattern"},
    {"open a sysctl for writing",
     hostname_sysctl,
     AS_ROOT,
     {EROFS, EACCES},
     WRITE,
     "/proc/sys/kernel/domainname"},
    {"open sysrq-trigger for writing",
     sysrq,
     WHERE_BUILT,
     {EROFS, EACCES, ENOENT},
     WRITE,
     "/proc/sysrq-trigger"},
    {"read /proc/kcore", kernel_memory, WHERE_BUILT, {EPERM, EACCES, ENOENT}, ALWAYS, NULL},
    {"lower the OOM score", oom_score, WHERE_BUILT, {EACCES}, ALWAYS, NULL},
    {"see /sys", list_sys, EVERYWHERE, {ENOENT}, READ, "/sys"},
    {"open /dev/kmsg", kernel_messages, AS_ROOT, {ENOENT}, READ, "/dev/kmsg"},
    {"see /etc/shadow", read_shadow, EVERYWHERE, {ENOENT}, READ, "/etc/shadow"},
    {"see /var/log", host_logs, EVERYWHERE, {ENOENT}, READ, "/var/log"},
    {"read a file of the host", read_canary, EVERYWHERE, {ENOENT, EACCES}, CANARY, NULL},
};

const struct attempt_table attempts_files = {rows, sizeof rows / sizeof rows[0]};
