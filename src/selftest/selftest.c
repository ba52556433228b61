/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "selftest/selftest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HELPER_DEST "/run/nixcage/attempt"

enum { MAX_REPORT = 1 << 20, REPORT_FD = 3 };

/* What the attempts reach for, outside: a project with everything that is protected, a listening socket, a
 * file. */
struct scratch {
    char *dir, *project, *socket, *canary, *tmp;
    char *hidden; /* an existing file that the configuration hides, or "" */
    int listeners[2];
};

static void scratch_finish(struct scratch *scratch)
{
    struct cage_error ignored;

    cage_close(&scratch->listeners[0]);
    cage_close(&scratch->listeners[1]);
    if (scratch->dir && cage_fs_remove_tree(AT_FDCWD, scratch->dir, &ignored) < 0)
        rmdir(scratch->dir);
    free(scratch->dir);
    free(scratch->project);
    free(scratch->socket);
    free(scratch->canary);
    free(scratch->tmp);
    free(scratch->hidden);
}

static int listen_at(const char *path, int abstract, int *fd, struct cage_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n;

    path += abstract ? strspn(path, "/") : 0;
    n = strlen(path);
    if (n + 1 >= sizeof address.sun_path)
        return cage_error_set(err, CAGE_ERR_SYSTEM, "the path %s is too long for a socket", path);
    memcpy(address.sun_path + abstract, path, n);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 ||
        bind(*fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract + n)) < 0 ||
        listen(*fd, 16) < 0)
        return cage_error_sys(err, errno, "cannot listen on a socket in %s", path);
    return 0;
}

static int write_file(const char *dir, const char *name, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(dir, name);

    return cage_fs_write_atomic(AT_FDCWD, path, "x\n", 2, 0600, err);
}

/* Where no cage of any level sees it unless a bind shows it: cages have a /run and a /tmp of their own. */
static int make_scratch(struct scratch *scratch, const struct cage_host *host, struct cage_error *err)
{
    static const char *const dirs[] = {"tmp", "project/.git/hooks", "project/.nixcage"};
    const char *runtime = cage_host_getenv(host, "XDG_RUNTIME_DIR");
    bool in_run = runtime && cage_path_is_under(runtime, "/run") && access(runtime, W_OK) == 0;
    cage_autofree char *template = cage_path_join(in_run ? runtime : "/tmp", "nixcage-selftest-XXXXXX");

    if (!mkdtemp(template))
        return cage_error_sys(err, errno, "cannot make %s", template);
    scratch->dir = cage_steal(&template);
    scratch->project = cage_path_join(scratch->dir, "project");
    scratch->socket = cage_path_join(scratch->dir, "socket");
    scratch->canary = cage_path_join(scratch->dir, "canary");
    scratch->tmp = cage_path_join(scratch->dir, "tmp");
    for (size_t i = 0; i < CAGE_LEN(dirs); i++) {
        cage_autofree char *path = cage_path_join(scratch->dir, dirs[i]);

        if (cage_fs_mkdirs(path, 0700, err) < 0)
            return -1;
    }
    if (write_file(scratch->dir, "canary", err) < 0 ||
        write_file(scratch->project, "nixcage.toml", err) < 0 ||
        write_file(scratch->project, ".git/config", err) < 0 ||
        listen_at(scratch->socket, 0, &scratch->listeners[0], err) < 0)
        return -1;
    return listen_at(scratch->socket, 1, &scratch->listeners[1], err);
}

/* A readable regular file at path or in it; NULL: there is none. The caller frees. */
static char *some_file(const struct cage_host *host, const char *path)
{
    CAGE_STRV_AUTO names = {0};
    struct stat st;

    if (stat(path, &st) < 0)
        return NULL;
    if (S_ISREG(st.st_mode))
        return access(path, R_OK) == 0 && st.st_size > 0 ? cage_strdup(path) : NULL;
    cage_strv_init(&names);
    if (!S_ISDIR(st.st_mode) || host->list(host, path, &names, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *file = cage_path_join(path, names.items[i]);

        if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && access(file, R_OK) == 0)
            return cage_steal(&file);
    }
    return NULL;
}

static char *hidden_file(const struct cage_plan *plan, const struct cage_host *host)
{
    for (size_t i = 0; i < plan->n_ops; i++) {
        enum cage_op_kind kind = plan->ops[i].kind;
        char *file =
            kind == CAGE_OP_MASK_DIR || kind == CAGE_OP_MASK_FILE ? some_file(host, plan->ops[i].dest) : NULL;

        if (file)
            return file;
    }
    return cage_strdup("");
}

/* Before what must come last: masks and seals. */
static void add_helper(struct cage_plan *plan, const char *helper)
{
    struct cage_op added;
    size_t at = 0, last;

    cage_plan_add(plan, CAGE_OP_BIND, helper, HELPER_DEST, (struct cage_reason){.rule = "selftest"});
    last = plan->n_ops - 1;
    while (at < last && plan->ops[at].kind != CAGE_OP_MASK_DIR && plan->ops[at].kind != CAGE_OP_MASK_FILE &&
           plan->ops[at].kind != CAGE_OP_SEAL)
        at++;
    added = plan->ops[last];
    memmove(&plan->ops[at + 1], &plan->ops[at], (last - at) * sizeof added);
    plan->ops[at] = added;
}

/* The helper's command line; fd is where it reports. */
static void set_argv(struct cage_strv *argv, const char *helper, bool inside, int fd, const char *project,
                     const struct scratch *scratch)
{
    cage_strv_finish(argv);
    cage_strv_init(argv);
    cage_strv_add(argv, helper);
    cage_strv_add(argv, "report");
    cage_strv_add(argv, inside ? "inside" : "outside");
    cage_strv_addf(argv, "%d", fd);
    cage_strv_add(argv, project);
    cage_strv_add(argv, scratch->socket);
    cage_strv_add(argv, inside ? "1" : "0");
    cage_strv_add(argv, inside ? "/tmp" : scratch->tmp);
    cage_strv_add(argv, scratch->hidden);
    cage_strv_add(argv, scratch->canary);
}

static int run_outside(const char *helper, const struct scratch *scratch, struct cage_strbuf *report,
                       struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0};
    struct cage_proc proc = {.out = report, .max = MAX_REPORT};
    int status;

    set_argv(&argv, helper, false, STDOUT_FILENO, scratch->project, scratch);
    proc.argv = cage_strv_argv(&argv);
    status = cage_proc_run(&proc, err);
    if (status < 0)
        return -1;
    return status == 0 ? 0
                       : cage_error_set(err, CAGE_ERR_MISSING,
                                        "the attempts outside the cage ended with status %d", status);
}

static int run_inside(const struct cage_selftest_input *input, const struct scratch *scratch,
                      struct cage_strbuf *report, struct cage_error *err)
{
    cage_autofd int fd = cage_fs_memfd("nixcage-selftest", "", 0, err);
    int status;

    if (fd < 0)
        return -1;
    set_argv(&input->plan->argv, HELPER_DEST, true, REPORT_FD, input->project->root, scratch);
    input->options->capture_fd = fd;
    input->options->quiet_io = true;
    if (cage_run(input->plan, input->options, &status, err) < 0)
        return -1;
    if (status != 0)
        return cage_error_set(err, CAGE_ERR_CAGE, "the attempts in the cage ended with status %d", status);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return cage_error_sys(err, errno, "cannot read the report");
    return cage_fs_read_fd(fd, MAX_REPORT, report, err);
}

int cage_selftest_run(struct cage_selftest *test, const struct cage_selftest_input *input,
                      struct cage_error *err)
{
    __attribute__((cleanup(scratch_finish))) struct scratch scratch = {.listeners = {-1, -1}};
    const struct cage_host *host = input->options->host;
    cage_autofree char *dir = cage_path_dirname(host->init_path);
    cage_autofree char *beside = cage_path_join(dir, "nixcage-attempt");
    cage_autofree char *built = cage_path_join(dir, "../selftest/nixcage-attempt");
    cage_autofree char *helper = cage_path_clean(access(beside, F_OK) == 0 ? beside : built);
    CAGE_STRBUF_AUTO control = {0}, inside = {0};

    *test = (struct cage_selftest){0};
    cage_strbuf_init(&control);
    cage_strbuf_init(&inside);
    if (access(helper, X_OK) < 0)
        return cage_error_sys(err, errno, "cannot run %s", beside);
    if (make_scratch(&scratch, host, err) < 0)
        return -1;
    scratch.hidden = hidden_file(input->plan, host);
    add_helper(input->plan, helper);
    if (run_outside(helper, &scratch, &control, err) < 0 || run_inside(input, &scratch, &inside, err) < 0)
        return -1;
    return cage_selftest_judge(test, input, control.buf, inside.buf, err);
}
