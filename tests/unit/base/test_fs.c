/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "base/fs.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static char *get(const char *path)
{
    CAGE_STRBUF_AUTO sb = {0};
    struct cage_error err;

    cage_strbuf_init(&sb);
    if (cage_fs_read(AT_FDCWD, path, 1 << 20, &sb, &err) < 0)
        return cage_strdup(err.message);
    return cage_strbuf_steal(&sb);
}

static int count_files(const char *path)
{
    DIR *dir = opendir(path);
    int n = -2;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void reads_up_to_the_limit(void **state)
{
    struct cage_strbuf sb = {0};
    struct cage_error err;

    (void)state;
    put("f", "12345");
    cage_strbuf_add(&sb, ">");
    assert_int_equal(cage_fs_read(AT_FDCWD, "f", 5, &sb, &err), 0);
    assert_string_equal(sb.buf, ">12345");
    assert_int_equal(cage_fs_read(AT_FDCWD, "f", 4, &sb, &err), -1);
    assert_int_equal(err.sys, EFBIG);
    assert_non_null(strstr(err.message, "f: larger than 4 bytes"));
    cage_strbuf_finish(&sb);
}

static void reads_only_regular_files(void **state)
{
    struct cage_strbuf sb = {0};
    struct cage_error err;

    (void)state;
    assert_int_equal(mkdir("d", 0755), 0);
    assert_int_equal(mkfifo("p", 0644), 0); /* must not block either */
    assert_int_equal(cage_fs_read(AT_FDCWD, "d", 9, &sb, &err), -1);
    assert_int_equal(err.sys, EINVAL);
    assert_int_equal(cage_fs_read(AT_FDCWD, "p", 9, &sb, &err), -1);
    assert_int_equal(err.sys, EINVAL);
    assert_int_equal(cage_fs_read(AT_FDCWD, "/dev/zero", 9, &sb, &err), -1);
    assert_int_equal(err.sys, EINVAL);
    assert_int_equal(cage_fs_read(AT_FDCWD, "none", 9, &sb, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    cage_strbuf_finish(&sb);
}

static void reads_large_and_binary(void **state)
{
    struct cage_strbuf sb = {0};
    char *data = cage_alloc(300000);
    struct cage_error err;

    (void)state;
    for (size_t i = 0; i < 300000; i++)
        data[i] = (char)(i * 7);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "big", data, 300000, 0600, &err), 0);
    assert_int_equal(cage_fs_read(AT_FDCWD, "big", 300000, &sb, &err), 0);
    assert_int_equal(sb.len, 300000);
    assert_memory_equal(sb.buf, data, 300000);
    cage_strbuf_finish(&sb);
    free(data);
}

static void atomic_write_replaces(void **state)
{
    struct cage_error err;
    struct stat st;
    int dir;

    (void)state;
    umask(022);
    put("f", "old");
    assert_int_equal(chmod("f", 0600), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "f", "new", 3, 0666, &err), 0);
    assert_owned_string(get("f"), "new");
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(mkdir("d", 0755), 0);
    dir = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(cage_fs_write_atomic(dir, "g", "", 0, 0600, &err), 0);
    close(dir);
    assert_owned_string(get("d/g"), "");
    assert_int_equal(count_files("."), 2);
    assert_int_equal(count_files("d"), 1);
}

static void atomic_write_replaces_a_symlink_not_its_target(void **state)
{
    struct cage_error err;
    struct stat st;

    (void)state;
    put("target", "safe");
    assert_int_equal(symlink("target", "link"), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "link", "new", 3, 0644, &err), 0);
    assert_owned_string(get("target"), "safe");
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void atomic_write_is_not_led_astray_by_its_temporary_name(void **state)
{
    struct cage_error err;
    char *name = cage_format(".f.nixcage-%ld-0", (long)getpid());

    (void)state;
    put("target", "safe");
    assert_int_equal(symlink("target", name), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "f", "new", 3, 0644, &err), 0);
    assert_owned_string(get("target"), "safe");
    assert_owned_string(get("f"), "new");
    free(name);
}

/* What a killed writer left goes with the next write, what a living one is at does not. */
static void atomic_write_sweeps(void **state)
{
    static const char *const others[] = {".f.nixcage-x-0", ".f.nixcage-1", ".ff.nixcage-1-0",
                                         ".f.nixcage-1-0~"};
    struct cage_error err;
    int held = open(".f.nixcage-1-1", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    put(".f.nixcage-1-0", "left");
    put(".f.nixcage-99999999-12", "left");
    for (size_t i = 0; i < CAGE_LEN(others); i++)
        put(others[i], "somebody's");
    assert_int_equal(flock(held, LOCK_EX), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "f", "new", 3, 0644, &err), 0);
    assert_owned_string(get("f"), "new");
    assert_int_equal(access(".f.nixcage-1-0", F_OK), -1);
    assert_int_equal(access(".f.nixcage-99999999-12", F_OK), -1);
    assert_int_equal(access(".f.nixcage-1-1", F_OK), 0);
    for (size_t i = 0; i < CAGE_LEN(others); i++)
        assert_int_equal(access(others[i], F_OK), 0);
    assert_int_equal(close(held), 0);
}

static void failed_write_leaves_the_old_file_alone(void **state)
{
    struct cage_error err;
    struct rlimit old, small = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
    char data[5000] = {0};

    (void)state;
    put("f", "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "f", data, sizeof data, 0644, &err), -1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(err.sys, EFBIG);
    assert_owned_string(get("f"), "old");
    assert_int_equal(count_files("."), 1);
}

static void failed_rename_leaves_nothing(void **state)
{
    struct cage_error err;

    (void)state;
    assert_int_equal(mkdir("d", 0755), 0);
    put("d/x", "");
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "d", "new", 3, 0644, &err), -1);
    assert_int_equal(err.sys, EISDIR);
    assert_int_equal(count_files("."), 1);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "no/where", "new", 3, 0644, &err), -1);
    assert_int_equal(err.sys, ENOENT);
}

static void write_all_reports(void **state)
{
    struct cage_error err;
    int p[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(p), 0);
    assert_int_equal(cage_fs_write_all(p[1], "abc", 3, &err), 0);
    close(p[0]);
    assert_int_equal(cage_fs_write_all(p[1], "abc", 3, &err), -1);
    assert_int_equal(err.sys, EPIPE);
    close(p[1]);
}

static void mkdirs(void **state)
{
    struct cage_error err;
    struct stat st;

    (void)state;
    umask(022);
    assert_int_equal(cage_fs_mkdirs("a/b//c/", 0700, &err), 0);
    assert_int_equal(stat("a/b/c", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(chmod("a", 0755), 0);
    assert_int_equal(cage_fs_mkdirs("a/b/c", 0755, &err), 0);
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(cage_fs_mkdirs("/", 0755, &err), 0);
    assert_int_equal(cage_fs_mkdirs(".", 0755, &err), 0);
    assert_int_equal(cage_fs_mkdirs("", 0755, &err), 0);
    put("file", "");
    assert_int_equal(cage_fs_mkdirs("file", 0755, &err), -1);
    assert_int_equal(err.sys, ENOTDIR);
    assert_int_equal(cage_fs_mkdirs("file/x", 0755, &err), -1);
    assert_int_equal(err.sys, ENOTDIR);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(cage_fs_mkdirs("dangling", 0755, &err), -1);
    assert_int_equal(symlink("a", "tolink"), 0);
    assert_int_equal(cage_fs_mkdirs("tolink/new", 0755, &err), 0);
    assert_int_equal(stat("a/new", &st), 0);
}

static void remove_tree(void **state)
{
    struct cage_error err;
    struct stat st;

    (void)state;
    assert_int_equal(cage_fs_mkdirs("t/a/b", 0755, &err), 0);
    assert_int_equal(cage_fs_mkdirs("outside", 0755, &err), 0);
    put("outside/keep", "x");
    put("t/a/f", "");
    assert_int_equal(symlink("../outside", "t/link"), 0);
    assert_int_equal(symlink("/nonexistent", "t/dangling"), 0);
    assert_int_equal(mkfifo("t/p", 0600), 0);
    assert_int_equal(chmod("t/a/b", 0), 0);
    assert_int_equal(chmod("t/a", 0555), 0);
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, "t", &err), 0);
    assert_int_equal(lstat("t", &st), -1);
    assert_int_equal(stat("outside/keep", &st), 0);
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, "t", &err), 0); /* not there: fine */
    put("f", "");
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, "f", &err), 0);
    assert_int_equal(symlink("outside", "l"), 0);
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, "l", &err), 0);
    assert_int_equal(stat("outside/keep", &st), 0);
}

/* A program in the cage may leave a tree deeper than PATH_MAX and than our descriptors. */
static void remove_tree_of_any_depth(void **state)
{
    struct cage_error err;
    struct stat st;
    struct rlimit few = {0};
    int at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &few), 0);
    few.rlim_cur = 128;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < 3000; i++) {
        int next;

        assert_int_equal(mkdirat(at, "d", 0755), 0);
        next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
    }
    assert_int_equal(mkdirat(at, ".nixcage-deep-0", 0500), 0);
    close(at);
    assert_int_equal(mkdir("d/.nixcage-deep-1", 0755), 0);
    assert_int_equal(mkdir("d/.nixcage-deep-1/x", 0555), 0);
    assert_int_equal(chmod("d/.nixcage-deep-1", 0555), 0);
    if (cage_fs_remove_tree(AT_FDCWD, "d", &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(lstat("d", &st), -1);
    assert_int_equal(count_files("."), 0);
}

static void lock_excludes(void **state)
{
    struct cage_error err;
    int fd = cage_fs_lock("l", false, &err), other;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    other = cage_fs_lock("l", false, &err);
    assert_int_equal(other, -1);
    assert_int_equal(err.sys, EWOULDBLOCK);
    close(fd);
    fd = cage_fs_lock("l", true, &err);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(symlink("l", "s"), 0);
    assert_int_equal(cage_fs_lock("s", false, &err), -1);
    assert_int_equal(cage_fs_lock("no/l", false, &err), -1);
    assert_int_equal(err.sys, ENOENT);
}

static void lock_waits(void **state)
{
    struct cage_error err;
    int fd = cage_fs_lock("l", false, &err), p[2], status;
    char c;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(p), 0);
    pid = fork();
    if (pid == 0) {
        close(fd);
        fd = cage_fs_lock("l", true, &err);
        _exit(fd >= 0 && write(p[1], "x", 1) == 1 ? 0 : 1);
    }
    close(p[1]);
    close(fd);
    assert_int_equal(read(p[0], &c, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(p[0]);
}

static void memfd(void **state)
{
    struct cage_error err;
    struct cage_strbuf sb = {0};
    int fd = cage_fs_memfd("name", "a\0b", 3, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(cage_fs_read_fd(fd, 3, &sb, &err), 0);
    assert_int_equal(sb.len, 3);
    assert_memory_equal(sb.buf, "a\0b", 3);
    cage_strbuf_finish(&sb);
    close(fd);
}

static void read_link(void **state)
{
    char target[1001];

    (void)state;
    memset(target, 'x', 1000);
    target[1000] = '\0';
    assert_int_equal(symlink(target, "long"), 0);
    assert_int_equal(symlink("t", "short"), 0);
    put("f", "");
    assert_owned_string(cage_fs_readlink(AT_FDCWD, "long"), target);
    assert_owned_string(cage_fs_readlink(AT_FDCWD, "short"), "t");
    assert_null(cage_fs_readlink(AT_FDCWD, "f"));
    assert_int_equal(errno, EINVAL);
    assert_null(cage_fs_readlink(AT_FDCWD, "none"));
    assert_int_equal(errno, ENOENT);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(reads_up_to_the_limit),
        IN_SCRATCH(reads_only_regular_files),
        IN_SCRATCH(reads_large_and_binary),
        IN_SCRATCH(atomic_write_replaces),
        IN_SCRATCH(atomic_write_replaces_a_symlink_not_its_target),
        IN_SCRATCH(atomic_write_is_not_led_astray_by_its_temporary_name),
        IN_SCRATCH(atomic_write_sweeps),
        IN_SCRATCH(failed_write_leaves_the_old_file_alone),
        IN_SCRATCH(failed_rename_leaves_nothing),
        IN_SCRATCH(write_all_reports),
        IN_SCRATCH(mkdirs),
        IN_SCRATCH(remove_tree),
        IN_SCRATCH(remove_tree_of_any_depth),
        IN_SCRATCH(lock_excludes),
        IN_SCRATCH(lock_waits),
        IN_SCRATCH(memfd),
        IN_SCRATCH(read_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
