/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The macOS runner, on whatever system this is: in the place of sandbox-exec is a script that keeps the
 * profile and executes the command without a sandbox.
 */
#include "base/test.h"

#include "base/fs.h"
#include "base/mem.h"
#include "run/macos.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

struct fixture {
    char *dir;     /* scratch */
    char *base;    /* sessions */
    char *program; /* "sandbox-exec" */
    char *project;
    struct cage_macos_system system;
    struct cage_host host;
    struct cage_run_options options;
    struct cage_plan plan;
    struct cage_error err;
};

static bool not_sandboxed(void)
{
    return false;
}

static bool sandboxed(void)
{
    return true;
}

static void kill_one(pid_t pid)
{
    kill(pid, SIGKILL);
}

static void write_script(const char *path)
{
    const char text[] = "#!/bin/sh\n"
                        "test \"$1\" = -f && test \"$3\" = -- || exit 99\n"
                        "cp \"$2\" \"${0%/*}/kept.sb\"\n"
                        "shift 3\n"
                        "exec \"$@\"\n";
    struct cage_error err;

    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0755, &err), 0);
}

static void add_reason_free_bind(struct fixture *f, const char *path)
{
    struct cage_reason reason = {.rule = "test"};

    cage_plan_add(&f->plan, CAGE_OP_BIND, path, path, reason)->writable = true;
}

static void start(struct fixture *f, void **state)
{
    struct cage_reason reason = {.rule = "test"};
    char **environment = environ;

    *f = (struct fixture){.dir = *state};
    f->base = cage_format("%s/sessions", f->dir);
    f->program = cage_format("%s/sandbox-exec", f->dir);
    f->project = cage_format("%s/project", f->dir);
    assert_int_equal(mkdir(f->base, 0755), 0);
    assert_int_equal(mkdir(f->project, 0755), 0);
    write_script(f->program);
    f->system = (struct cage_macos_system){.sandbox_exec = f->program,
                                           .session_base = f->base,
                                           .is_sandboxed = not_sandboxed,
                                           .kill_tree = kill_one};
    assert_int_equal(cage_host_probe(&f->host, environment, &f->err), 0);
    f->options = (struct cage_run_options){.host = &f->host, .capture_fd = -1};
    cage_plan_init(&f->plan);
    f->plan.level = CAGE_LEVEL_STANDARD;
    f->plan.cwd = cage_strdup(f->project);
    f->plan.project_root = cage_strdup(f->project);
    add_reason_free_bind(f, f->project);
    cage_plan_setenv(&f->plan, "PATH", "/usr/bin:/bin", false, reason);
    cage_plan_setenv(&f->plan, "HOME", f->dir, false, reason);
    cage_plan_setenv(&f->plan, "TMPDIR", "/nowhere", false, reason);
}

static void finish(struct fixture *f)
{
    cage_plan_finish(&f->plan);
    cage_host_finish(&f->host);
    free(f->base);
    free(f->program);
    free(f->project);
}

/* Runs `sh -c SCRIPT` and returns the status, or -1. */
static int run(struct fixture *f, const char *script)
{
    int status = -2;

    cage_strv_finish(&f->plan.argv);
    cage_strv_add(&f->plan.argv, "sh");
    cage_strv_add(&f->plan.argv, "-c");
    cage_strv_add(&f->plan.argv, script);
    if (cage_macos_run(&f->plan, &f->options, &f->system, &status, &f->err) < 0)
        return -1;
    return status;
}

static size_t sessions(const struct fixture *f)
{
    CAGE_STRV_AUTO names = {0};

    assert_int_equal(f->host.list(&f->host, f->base, &names, NULL), 0);
    return names.n;
}

#define SET_UP                                                                                               \
    CAGE_CLEANUP(finish) struct fixture f;                                                                   \
    start(&f, state)

static void exit_codes_are_the_commands(void **state)
{
    SET_UP;
    assert_int_equal(run(&f, "exit 0"), 0);
    assert_int_equal(run(&f, "exit 71"), 71);
    assert_int_equal(run(&f, "kill -TERM $$"), 128 + SIGTERM);
    assert_int_equal(run(&f, "kill -KILL $$"), 128 + SIGKILL);
    assert_int_equal(sessions(&f), 0);
}

static void the_command_runs_in_its_session(void **state)
{
    SET_UP;
    assert_int_equal(
        run(&f, "set -e; test \"$PWD\" = \"$HOME/../../../project\" || test \"${PWD##*/}\" = project\n"
                "case $HOME in */sessions/nixcage-*/home) ;; *) exit 2;; esac\n"
                "case $TMPDIR in */sessions/nixcage-*/tmp) ;; *) exit 3;; esac\n"
                "test -d \"$HOME\"; test -d \"$TMPDIR\"; test -L \"$HOME/project\"\n"
                "test -f \"$HOME/../profile.sb\"; : >\"$HOME/project/made\"; : >\"$TMPDIR/x\"\n"
                "test -z \"$(find \"$HOME/..\" -maxdepth 0 -perm /077)\""),
        0);
    assert_int_equal(access("project/made", F_OK), 0);
    assert_int_equal(sessions(&f), 0);
}

static void the_profile_is_the_rendered_one(void **state)
{
    CAGE_STRBUF_AUTO text = {0};
    SET_UP;

    cage_strbuf_init(&text);
    assert_int_equal(run(&f, "exit 0"), 0);
    assert_int_equal(cage_fs_read(AT_FDCWD, "kept.sb", 1 << 20, &text, &f.err), 0);
    assert_int_equal(strncmp(text.buf, "(version 1)\n(deny default)\n", 27), 0);
    assert_non_null(strstr(text.buf, f.project));
}

static void what_cannot_be_run_is_said_before(void **state)
{
    int status = 0;
    SET_UP;

    cage_strv_add(&f.plan.argv, "no-such-command");
    assert_int_equal(cage_macos_run(&f.plan, &f.options, &f.system, &status, &f.err), 0);
    assert_int_equal(status, 127);
    assert_non_null(strstr(f.err.message, "no-such-command"));
    cage_strv_finish(&f.plan.argv);
    cage_strv_add(&f.plan.argv, "/etc/passwd");
    assert_int_equal(cage_macos_run(&f.plan, &f.options, &f.system, &status, &f.err), 0);
    assert_int_equal(status, 126);
    assert_int_equal(sessions(&f), 0);
}

static void a_sandbox_in_a_sandbox_is_refused(void **state)
{
    SET_UP;
    f.system.is_sandboxed = sandboxed;
    assert_int_equal(run(&f, "exit 0"), -1);
    assert_non_null(strstr(f.err.message, "cannot be nested"));
    f.system.is_sandboxed = not_sandboxed;
    f.system.sandbox_exec = "/nowhere/sandbox-exec";
    assert_int_equal(run(&f, "exit 0"), -1);
    assert_int_equal(f.err.code, CAGE_ERR_MISSING);
    assert_int_equal(sessions(&f), 0);
}

static void descriptors_of_the_caller_stay_outside(void **state)
{
    int open_fd, capture;
    char answer[16] = "";
    SET_UP;

    open_fd = open("/etc/passwd", O_RDONLY); /* as leaked by a careless shell: not close-on-exec */
    assert_true(open_fd >= 0);
    assert_int_equal(run(&f, "for n in 3 4 5 6 7 8 9; do [ ! -e /proc/self/fd/$n ] || exit $n; done"), 0);
    capture = cage_fs_memfd("capture", "", 0, &f.err);
    f.options.capture_fd = capture;
    f.options.quiet_io = true;
    assert_int_equal(run(&f, "printf hello >&3; test ! -t 0; [ ! -e /proc/self/fd/4 ]"), 0);
    assert_int_equal(pread(capture, answer, sizeof answer - 1, 0), 5);
    assert_string_equal(answer, "hello");
    close(capture);
    close(open_fd);
}

static void stale_sessions_are_swept(void **state)
{
    cage_autofree char *stale = NULL, *young = NULL, *other = NULL, *held = NULL,
                       *lock __attribute__((unused)) = NULL;
    struct cage_macos_session session;
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    SET_UP;

    stale = cage_format("%s/nixcage-%lu-stale0", f.base, (unsigned long)getuid());
    young = cage_format("%s/nixcage-%lu-young0", f.base, (unsigned long)getuid());
    other = cage_format("%s/something-else", f.base);
    assert_int_equal(mkdir(stale, 0700), 0);
    assert_int_equal(mkdir(young, 0700), 0);
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(utimensat(AT_FDCWD, stale, old, 0), 0);
    assert_int_equal(cage_macos_session_make(&session, f.base, &f.err), 0);
    held = cage_strdup(session.dir);
    cage_macos_session_sweep(f.base);
    assert_int_equal(access(stale, F_OK), -1);
    assert_int_equal(access(young, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(access(held, F_OK), 0);
    cage_close(&session.lock); /* as if that run had died */
    cage_macos_session_sweep(f.base);
    assert_int_equal(access(held, F_OK), -1);
    cage_macos_session_finish(&session);
}

static void wait_for_file(const char *path)
{
    for (int i = 0; i < 500 && access(path, F_OK) < 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(access(path, F_OK), 0);
}

static void signals_are_passed_on(void **state)
{
    int wait_status;
    pid_t pid;
    SET_UP;

    pid = fork();
    if (pid == 0)
        _exit(run(&f, "trap 'exit 42' TERM; : >up; while :; do sleep 0.05; done"));
    wait_for_file("project/up");
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 42);
    assert_int_equal(sessions(&f), 0);
}

static void stops_are_followed(void **state)
{
    int wait_status;
    pid_t pid;
    SET_UP;

    pid = fork();
    if (pid == 0)
        _exit(run(&f, ": >up; kill -STOP $$; exit 7"));
    assert_int_equal(waitpid(pid, &wait_status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(wait_status));
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_int_equal(WEXITSTATUS(wait_status), 7);
}

static bool is_alive(const char *pid_file)
{
    CAGE_STRBUF_AUTO text = {0};
    cage_autofree char *path = NULL;
    CAGE_STRBUF_AUTO stat_text = {0};

    cage_strbuf_init(&text);
    cage_strbuf_init(&stat_text);
    if (cage_fs_read(AT_FDCWD, pid_file, 100, &text, NULL) < 0)
        return false;
    path = cage_format("/proc/%ld/stat", strtol(text.buf, NULL, 10));
    /* A zombie that nobody reaps here is dead. */
    return cage_fs_read(AT_FDCWD, path, 4096, &stat_text, NULL) == 0 && !strstr(stat_text.buf, ") Z ");
}

static void the_command_dies_with_nixcage(void **state)
{
    int wait_status;
    pid_t pid;
    SET_UP;

    pid = fork();
    if (pid == 0)
        _exit(run(&f, "echo $$ >pid.tmp; mv pid.tmp pid; exec sleep 1000"));
    wait_for_file("project/pid");
    assert_true(is_alive("project/pid"));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    for (int i = 0; i < 500 && (is_alive("project/pid") || sessions(&f)); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_false(is_alive("project/pid"));
    assert_int_equal(sessions(&f), 0);
}

static char said[512];

static void say(const char *line)
{
    strncat(said, line, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

/* Takes the lines as --debug does, and keeps those of this run. */
static bool take_denial(void *context, const char *line, size_t n, const char *tag)
{
    struct cage_strbuf *lines = context;
    cage_autofree char *text = cage_strndup(line, n);

    if (!strstr(text, tag))
        return false;
    cage_strbuf_addf(lines, "%.*s\n", (int)strcspn(text, "\""), text);
    return true;
}

static void denials_are_handed_on(void **state)
{
    const char log[] = "#!/bin/sh\nPATH=/usr/bin:/bin\necho 'Filtering the log data using x'\nd=${0%/*}\n"
                       "while ! tag=$(grep -o 'nixcage-[0-9a-f]\\{16\\}' \"$d/kept.sb\" 2>/dev/null | head "
                       "-n 1); do :; done\n"
                       "while [ -z \"$tag\" ]; do sleep 0.01; tag=$(grep -o 'nixcage-[0-9a-f]\\{16\\}' "
                       "\"$d/kept.sb\" | head -n 1); done\n"
                       "echo other; echo \"x\\\" $tag\"\nexec sleep 100\n";
    cage_autofree char *program = NULL;
    CAGE_STRBUF_AUTO lines = {0};
    const struct cage_run_denials denials = {.take = take_denial, .context = &lines};
    SET_UP;

    cage_strbuf_init(&lines);
    said[0] = '\0';

    program = cage_format("%s/log", f.dir);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, program, log, strlen(log), 0755, &f.err), 0);
    f.system.log = program;
    f.options.denials = &denials;
    f.options.say = say;
    assert_int_equal(run(&f, "sleep 1; exit 3"), 3);
    assert_string_equal(lines.buf, "x\n");
    assert_string_equal(said, "");
}

/* Nobody may take silence for a cage that refused nothing. */
static void a_log_that_cannot_be_read_is_told(void **state)
{
    const char log[] = "#!/bin/sh\necho 'log: must be admin' >&2; exit 77\n";
    cage_autofree char *program = NULL;
    CAGE_STRBUF_AUTO lines = {0};
    const struct cage_run_denials denials = {.take = take_denial, .context = &lines};
    SET_UP;

    cage_strbuf_init(&lines);
    program = cage_format("%s/log", f.dir);
    f.system.log = program;
    f.options.denials = &denials;
    f.options.say = say;
    said[0] = '\0';
    assert_int_equal(run(&f, "exit 3"), 3);
    assert_non_null(strstr(said, "--debug: "));
    assert_non_null(strstr(said, "No such file or directory; denials are not seen\n"));
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, program, log, strlen(log), 0755, &f.err), 0);
    said[0] = '\0';
    assert_int_equal(run(&f, "exit 4"), 4);
    assert_non_null(strstr(said, "the log of macOS could not be read, so denials may be missing"));
    assert_string_equal(lines.buf, "");
}

static void names_are_allowed_by_the_gate(void **state)
{
    /* 403 for what is not in hosts; for the others the host's own proxy is asked, which is not there. */
    const char script[] = "exec bash -c 'ask() { exec 3<>/dev/tcp/127.0.0.1/$PORT || exit 9\n"
                          "printf \"CONNECT $1:443 HTTP/1.1\\r\\n\\r\\n\" >&3; read -r _ code _ <&3; }\n"
                          "echo $PORT >port; ask no.invalid; [ $code = 403 ] || exit 1\n"
                          "ask yes.invalid; [ $code = 502 ] || exit 2; exit 5'";
    CAGE_STRBUF_AUTO port = {0};
    cage_autofree char *again = NULL;
    struct cage_reason reason = {.rule = CAGE_PLAN_GATE_RULE};
    SET_UP;

    cage_strbuf_init(&port);
    free(f.host.state_home);
    f.host.state_home = cage_format("%s/state", f.dir);
    cage_env_set(&f.host.env, "HTTPS_PROXY", "http://127.0.0.1:1");
    cage_env_set(&f.host.env, "NO_PROXY", "");
    f.plan.net = CAGE_NET_GATE;
    cage_strv_add(&f.plan.gate.hosts, "yes.invalid");
    cage_plan_setenv(&f.plan, "PORT", CAGE_PLAN_GATE_PORT, false, reason);
    f.options.say = say;
    said[0] = '\0';
    assert_int_equal(run(&f, script), 5);
    assert_non_null(strstr(said, "no.invalid port 443: not in hosts (1 time)"));
    assert_non_null(strstr(said, "hosts = [\"yes.invalid\", \"no.invalid\"]"));
    assert_int_equal(cage_fs_read(AT_FDCWD, "project/port", 64, &port, &f.err), 0);
    again = cage_format("(exec 3<>/dev/tcp/127.0.0.1/%d) 2>/dev/null && exit 1; exit 0", atoi(port.buf));
    f.plan.net = CAGE_NET_NONE;
    cage_strv_finish(&f.plan.argv);
    cage_strv_add(&f.plan.argv, "bash");
    cage_strv_add(&f.plan.argv, "-c");
    cage_strv_add(&f.plan.argv, again);
    int status = -2;
    assert_int_equal(cage_macos_run(&f.plan, &f.options, &f.system, &status, &f.err), 0);
    assert_int_equal(status, 0); /* the gate ended with its run */
    f.plan.net = CAGE_NET_GATE;
    cage_strv_add(&f.plan.gate.hosts, "a b");
    assert_int_equal(run(&f, "exit 0"), -1);
    assert_int_equal(sessions(&f), 0);
}

static void directories_of_the_project_are_made(void **state)
{
    struct stat st;
    SET_UP;

    cage_strv_addf(&f.plan.make_dirs, "%s/.nixcage", f.project);
    cage_strv_addf(&f.plan.make_dirs, "%s/.nixcage/local", f.project);
    assert_int_equal(run(&f, "test -d .nixcage/local"), 0);
    assert_int_equal(stat("project/.nixcage/local", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(rmdir("project/.nixcage/local"), 0);
    assert_int_equal(rmdir("project/.nixcage"), 0);
    assert_int_equal(symlink("/tmp", "project/.nixcage"), 0);
    assert_int_equal(run(&f, "exit 0"), -1);
    assert_int_equal(sessions(&f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
        T(exit_codes_are_the_commands),
        T(the_command_runs_in_its_session),
        T(the_profile_is_the_rendered_one),
        T(what_cannot_be_run_is_said_before),
        T(a_sandbox_in_a_sandbox_is_refused),
        T(descriptors_of_the_caller_stay_outside),
        T(stale_sessions_are_swept),
        T(signals_are_passed_on),
        T(stops_are_followed),
        T(the_command_dies_with_nixcage),
        T(denials_are_handed_on),
        T(a_log_that_cannot_be_read_is_told),
        T(names_are_allowed_by_the_gate),
        T(directories_of_the_project_are_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
