/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cannot.h"
#include "net_test.h"

#include "net/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory to write in and one beside it, below a temporary one. */
struct place {
    char dir[64], record[80], other[80], secret[96];
};

static void make_place(struct place *place)
{
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/test-confine.XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->record, sizeof(place->record), "%s/record", place->dir);
    (void)snprintf(place->other, sizeof(place->other), "%s/other", place->dir);
    (void)snprintf(place->secret, sizeof(place->secret), "%s/secret", place->other);
    assert_int_equal(mkdir(place->record, 0700), 0);
    assert_int_equal(mkdir(place->other, 0700), 0);
    int fd = open(place->secret, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void remove_place(const struct place *place)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", place->dir);
    assert_int_equal(system(command), 0);
}

static bool have_landlock(void)
{
    return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) >= 1;
}

/* What each attempt is: 0 when it succeeded, else errno. */
static int result(long value)
{
    return value < 0 ? errno : 0;
}

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags, 0600), error = result(fd);
    if (fd >= 0)
        close(fd);
    return error;
}

/* The program's exit code, or why it could not be executed. */
static int execute(const char *program)
{
    char *const argv[] = {(char[]){"program"}, NULL};
    int status;
    pid_t child = fork();
    if (child == 0) {
        (void)execv(program, argv);
        _exit(errno);
    }
    (void)waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static int try_execute(const struct place *place)
{
    (void)place;
    return execute("/bin/true");
}

static int try_read_secret(const struct place *place)
{
    return try_open(place->secret, O_RDONLY);
}

static int try_write_secret(const struct place *place)
{
    return try_open(place->secret, O_WRONLY | O_APPEND);
}

static int try_make_file(const struct place *place)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/new", place->other);
    return try_open(path, O_WRONLY | O_CREAT);
}

static int try_chmod(const struct place *place)
{
    return result(chmod(place->secret, 0600));
}

static int try_unlink(const struct place *place)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/gone", place->other);
    int error = result(unlink(path));
    return error == ENOENT ? 0 : error;
}

/* Of the parent, which a process may trace unless Yama is there; attaching to nobody shows what answers. */
static int try_trace(const struct place *place)
{
    (void)place;
    int error = result(ptrace(PTRACE_ATTACH, 0x3fffffff, NULL, NULL));
    return error == ESRCH ? 0 : error;
}

static int try_memory(const struct place *place)
{
    (void)place;
    int error = result(syscall(__NR_process_vm_readv, 0x3fffffff, NULL, 0UL, NULL, 0UL, 0UL));
    return error == ESRCH ? 0 : error;
}

static int try_keyctl(const struct place *place)
{
    (void)place;
    int error = result(syscall(__NR_keyctl, 0x7fff, 0, 0, 0, 0));
    return error == EOPNOTSUPP ? 0 : error;
}

static int try_unshare(const struct place *place)
{
    (void)place;
    return result(unshare(0));
}

static int try_setns(const struct place *place)
{
    (void)place;
    int error = result(setns(-1, CLONE_NEWNET));
    return error == EBADF ? 0 : error;
}

static int try_clone3(const struct place *place)
{
    (void)place;
    int error = result(syscall(435 /* clone3 */, NULL, 0));
    return error == EINVAL || error == EFAULT ? 0 : error;
}

static int try_packet_socket(const struct place *place)
{
    (void)place;
    int fd = socket(AF_PACKET, SOCK_RAW, 0), error = result(fd);
    if (fd >= 0)
        close(fd);
    return error == EPERM ? 0 : error; /* an ordinary user */
}

enum { REFUSED_BY_FILTER = 1, REFUSED_BY_LANDLOCK = 2 };

static const struct attempt {
    const char *what;
    int (*run)(const struct place *place);
    int by, error;
} attempts[] = {
    {"execute", try_execute, REFUSED_BY_LANDLOCK, EACCES},
    {"read", try_read_secret, REFUSED_BY_LANDLOCK, EACCES},
    {"write", try_write_secret, REFUSED_BY_LANDLOCK, EACCES},
    {"make a file", try_make_file, REFUSED_BY_LANDLOCK, EACCES},
    {"chmod", try_chmod, REFUSED_BY_FILTER, EPERM},
    {"unlink", try_unlink, REFUSED_BY_FILTER, EPERM},
    {"ptrace", try_trace, REFUSED_BY_FILTER, EPERM},
    {"process_vm_readv", try_memory, REFUSED_BY_FILTER, EPERM},
    {"keyctl", try_keyctl, REFUSED_BY_FILTER, EPERM},
    {"unshare", try_unshare, REFUSED_BY_FILTER, EPERM},
    {"setns", try_setns, REFUSED_BY_FILTER, EPERM},
    {"clone3", try_clone3, REFUSED_BY_FILTER, ENOSYS},
    {"packet socket", try_packet_socket, REFUSED_BY_FILTER, EAFNOSUPPORT},
};

/* Runs fn in a child; 0 when it returned true. Its number is that of the attempt that came out differently.
 */
static int in_child(int (*fn)(const struct place *place, bool setns_stays), const struct place *place,
                    bool setns_stays)
{
    int status;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(fn(place, setns_stays));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int confine(const struct place *place, bool setns_stays)
{
    struct cage_confine_options options = {.write_dir = place->record,
                                           .conf = "/etc/resolv.conf",
                                           .program = "/bin/false",
                                           .enter_cage = setns_stays};
    struct cage_error err = {0};
    return cage_confine(&options, &err);
}

/* Every attempt succeeds before, so that its refusal afterwards says something. */
static int all_attempts(const struct place *place, bool setns_stays)
{
    bool landlock = have_landlock();
    for (size_t i = 0; i < CAGE_LEN(attempts); i++) {
        if (attempts[i].run(place) != 0)
            return (int)i + 1;
    }
    if (confine(place, setns_stays) != 0)
        return 200;
    /* The one program that it was given, which ends with 1. */
    if (execute("/bin/false") != 1)
        return 201;
    for (size_t i = 0; i < CAGE_LEN(attempts); i++) {
        int expected = attempts[i].by == REFUSED_BY_FILTER || landlock ? attempts[i].error : 0;
        if (setns_stays && attempts[i].run == try_setns)
            expected = 0;
        if (attempts[i].run(place) != expected)
            return (int)i + 101;
    }
    return 0;
}

static void check_attempts(bool setns_stays)
{
    struct place place;
    make_place(&place);
    int failed = in_child(all_attempts, &place, setns_stays);
    remove_place(&place);
    if (failed > 0 && failed <= (int)CAGE_LEN(attempts))
        fail_msg("%s: impossible before", attempts[failed - 1].what);
    if (failed > 100 && failed <= 100 + (int)CAGE_LEN(attempts))
        fail_msg("%s: not refused", attempts[failed - 101].what);
    assert_int_equal(failed, 0);
}

static void test_refused(void **state)
{
    (void)state;
    check_attempts(false);
}

static void test_setns_stays(void **state)
{
    (void)state;
    check_attempts(true);
}

/* What the gate does all its life. */
static int still_works(const struct place *place, bool setns_stays)
{
    char path[96], old[100];
    struct addrinfo *list = NULL;
    int pair[2], status;
    if (confine(place, setns_stays) != 0)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/log", place->record);
    (void)snprintf(old, sizeof(old), "%s/log.1", place->record);
    if (try_open(path, O_WRONLY | O_APPEND | O_CREAT) != 0 || rename(path, old) != 0 ||
        try_open(path, O_WRONLY | O_APPEND | O_CREAT) != 0 || rename(path, old) != 0)
        return 2;
    if (try_open("/etc/passwd", O_RDONLY) != 0)
        return 3;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pipe(pair) != 0 ||
        socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_INET, SOCK_DGRAM, 0) < 0)
        return 4;
    pid_t child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    if (child < 0 || kill(child, SIGKILL) != 0 || waitpid(child, &status, 0) != child)
        return 5;
    if (getaddrinfo("127.0.0.1", NULL, NULL, &list) != 0)
        return 6;
    freeaddrinfo(list);
    return 0;
}

static void test_still_works(void **state)
{
    (void)state;
    struct place place;
    make_place(&place);
    int failed = in_child(still_works, &place, false);
    remove_place(&place);
    assert_int_equal(failed, 0);
}

static long status_field(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "re");
    size_t n = strlen(name);
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, n) == 0 && line[n] == ':')
            value = strtol(line + n + 1, NULL, 16);
    }
    if (file)
        (void)fclose(file);
    return value;
}

/* With its own status file readable, as a configuration would be. */
static int privileges(const struct place *place, bool setns_stays)
{
    struct rlimit core;
    (void)setns_stays;
    struct cage_confine_options options = {.write_dir = place->record, .conf = "/proc/self/status"};
    struct cage_error err = {0};
    if (status_field("Seccomp") == 2 && status_field("NoNewPrivs") == 1)
        return 100; /* in a place that is confined already nothing is to be seen */
    if (prlimit(getppid(), RLIMIT_CORE, NULL, &core) != 0)
        return 6; /* so that the refusal is the filter's */
    if (cage_confine(&options, &err) != 0)
        return 1;
    /* getrlimit(2) is prlimit(2) of oneself in libc, and libraries need it; of others, it is refused. */
    if (prlimit(getppid(), RLIMIT_CORE, NULL, &core) == 0 || errno != EPERM)
        return 2;
    if (getrlimit(RLIMIT_CORE, &core) != 0)
        return 5;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_SECCOMP) != 2)
        return 3;
    if (status_field("CapEff") != 0 || status_field("CapPrm") != 0)
        return 4;
    return 0;
}

static void test_privileges(void **state)
{
    (void)state;
    struct place place;
    make_place(&place);
    int failed = in_child(privileges, &place, false);
    remove_place(&place);
    if (failed == 100)
        cannot_test("this place is confined already");
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_setns_stays),
        cmocka_unit_test(test_still_works),
        cmocka_unit_test(test_privileges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
