/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cage_fs_open_beneath(), through openat2 and through the walk that takes its place: both must agree. */
#include "test.h"

#include <sys/syscall.h>

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int walk_open_beneath(int dirfd, const char *path, int flags);
int walk_memfd(const char *name, const void *data, size_t n, struct cage_error *err);

/* The same source once more, as a kernel without openat2 would have it compiled. */
#undef SYS_openat2
#define cage_fs_open_beneath walk_open_beneath
#define cage_fs_memfd walk_memfd
#include "../../../src/base/fs_os.c"
#undef cage_fs_open_beneath
#undef cage_fs_memfd

typedef int (*opener)(int, const char *, int);

static const struct {
    const char *path;
    int flags, error;
} cases[] = {
    {"f", O_RDONLY, 0},
    {"d/f", O_RDONLY, 0},
    {"d//f", O_RDONLY, 0},
    {"d/./f", O_RDONLY, 0},
    {"d", O_RDONLY | O_DIRECTORY, 0},
    {"d/", O_RDONLY, 0},
    {".", O_RDONLY, 0},
    {"d", O_PATH, 0},
    {"none", O_RDONLY, ENOENT},
    {"", O_RDONLY, ENOENT},
    {"f/", O_RDONLY, ENOTDIR},
    {"f/x", O_RDONLY, ENOTDIR},
    {"f", O_RDONLY | O_DIRECTORY, ENOTDIR},
    {"/etc/passwd", O_RDONLY, EXDEV},
    {"..", O_RDONLY, EXDEV},
    {"../x", O_RDONLY, EXDEV},
    {"d/../f", O_RDONLY, EXDEV},
    {"d/..", O_RDONLY, EXDEV},
    {"link", O_RDONLY, ELOOP},
    {"link", O_PATH, ELOOP},
    {"link", O_RDONLY | O_DIRECTORY, ELOOP},
    {"dlink/f", O_RDONLY, ELOOP},
    {"d/out/x", O_RDONLY, ELOOP},
    {"d/out", O_PATH, ELOOP},
    {"link", O_PATH | O_NOFOLLOW, 0}, /* the link itself */
    {"..f", O_RDONLY, 0},
};

static void make_tree(void)
{
    assert_int_equal(mkdir("root", 0755), 0);
    assert_int_equal(chdir("root"), 0);
    assert_int_equal(mkdir("d", 0755), 0);
    for (const char *const *p = (const char *const[]){"f", "d/f", "..f", "../secret", NULL}; *p; p++)
        close(open(*p, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    assert_int_equal(symlink("f", "link"), 0);
    assert_int_equal(symlink("d", "dlink"), 0);
    assert_int_equal(symlink("../..", "d/out"), 0);
}

static void run_cases(opener open_beneath, int dirfd)
{
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        int fd = open_beneath(dirfd, cases[i].path, cases[i].flags);
        int error = fd < 0 ? errno : 0;

        if (error != cases[i].error)
            fail_msg("%s (flags %o): %s, not %s", cases[i].path, (unsigned)cases[i].flags, strerror(error),
                     strerror(cases[i].error));
        if (fd >= 0)
            assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
    }
}

static void both_ways(void **state)
{
    int dirfd;

    (void)state;
    make_tree();
    dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    run_cases(walk_open_beneath, dirfd);
    run_cases(walk_open_beneath, AT_FDCWD);
    run_cases(cage_fs_open_beneath, dirfd);
    run_cases(cage_fs_open_beneath, AT_FDCWD);
    close(dirfd);
}

static void from_a_path_descriptor(void **state)
{
    int dirfd, fd;

    (void)state;
    make_tree();
    dirfd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    fd = walk_open_beneath(dirfd, "d/f", O_RDONLY);
    assert_true(fd >= 0);
    close(fd);
    fd = cage_fs_open_beneath(dirfd, "d/f", O_RDONLY);
    assert_true(fd >= 0);
    close(fd);
    close(dirfd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ways, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(from_a_path_descriptor, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
