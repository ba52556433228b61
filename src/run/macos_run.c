/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/proc.h"
#include "net/portgate.h"
#include "net/record.h"
#include "run/macos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_system(const struct cage_macos_system *system, struct cage_error *err)
{
    if (system->is_sandboxed()) {
        cage_error_set(err, CAGE_ERR_MISSING,
                       "this process is in a sandbox already, and sandboxes cannot be nested on macOS");
        return cage_error_hint(err, "run nixcage from an ordinary terminal");
    }
    if (access(system->sandbox_exec, X_OK) < 0) {
        cage_error_sys(err, errno, "%s", system->sandbox_exec);
        err->code = CAGE_ERR_MISSING;
        return cage_error_hint(err, "it is part of macOS: reinstall the system");
    }
    return 0;
}

/* The terminal that we were started on, or NULL. The caller frees. */
static char *launch_terminal(const struct cage_run_options *options)
{
    char name[256];

    for (int fd = 0; fd < 3 && !options->quiet_io; fd++)
        if (isatty(fd) && ttyname_r(fd, name, sizeof name) == 0 && strncmp(name, "/dev/tty", 8) == 0)
            return cage_strdup(name);
    return NULL;
}

static int not_found(const char *name, int *status, struct cage_error *err)
{
    *status = 127;
    cage_error_set(err, CAGE_ERR_CAGE, "%s: command not found in the cage", name);
    cage_error_hint(err, "add the package that has it: nixcage add PACKAGE");
    return 1;
}

/*
 * sandbox-exec's own exit codes cannot be told from the command's, so the command is looked for before.
 * Returns 0 when it is there, 1 with *status and *err when not.
 */
static int find_command(const struct cage_seatbelt_job *job, int *status, struct cage_error *err)
{
    const char *name = job->argv.items[0];
    cage_autofree char *found = cage_proc_find(name, cage_env_get(&job->env, "PATH"));
    struct stat st;

    if (!strchr(name, '/'))
        return found ? 0 : not_found(name, status, err);
    /* A relative one is meant from the command's directory, which is not ours. */
    if (name[0] != '/')
        return 0;
    if (stat(name, &st) < 0)
        return not_found(name, status, err);
    if (found && S_ISREG(st.st_mode))
        return 0;
    *status = 126;
    cage_error_set(err, CAGE_ERR_CAGE, "%s: not executable", name);
    cage_error_hint(err, "make it executable: chmod +x");
    return 1;
}

static void say(const struct cage_run_options *options, const char *line)
{
    if (options->say)
        options->say(line);
}

static void tell(const struct cage_run_options *options, const struct cage_strv *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        say(options, lines->items[i]);
}

static int run_job(const struct cage_macos_start *start, struct cage_macos_log *log, int *status,
                   struct cage_error *err)
{
    struct cage_macos_child child;
    struct cage_terminal terminal;
    int rc;

    cage_terminal_save(&terminal);
    rc = cage_macos_signals_take(err);
    if (rc == 0) {
        rc = cage_macos_child_start(&child, start, err);
        if (rc == 0) {
            *status = cage_macos_supervise(&child, &terminal, log);
            cage_terminal_restore(&terminal, true);
            cage_macos_child_finish(&child);
        }
        cage_macos_signals_release();
    }
    cage_terminal_finish(&terminal);
    return rc;
}

/* What a run has beside its command. */
struct beside {
    struct cage_macos_session session;
    struct cage_macos_log *log; /* NULL: no --debug */
    struct cage_portgate *gate; /* NULL: no hosts */
};

static int start_gate(struct beside *beside, const struct cage_plan *plan, const struct cage_host *host,
                      struct cage_error *err)
{
    const char *root = plan->project_root ? plan->project_root : host->cwd;
    cage_autofree char *log_path = NULL;
    struct cage_portgate_options gate = {
        .hosts = plan->gate.hosts.items, .n_hosts = plan->gate.hosts.n, .env = &host->env};

    if (plan->net != CAGE_NET_GATE)
        return 0;
    log_path = cage_record_path(host->state_home, root);
    gate.log_path = log_path;
    return cage_portgate_start(&beside->gate, &gate, err);
}

/* A run is worth more than its trace. */
static void start_log(struct beside *beside, struct cage_macos_log *log,
                      const struct cage_run_options *options, const struct cage_macos_system *system)
{
    struct cage_error err = {0};
    cage_autofree char *line = NULL;

    if (cage_macos_log_start(log, system->log, options->denials, &err) == 0) {
        beside->log = log;
        return;
    }
    line = cage_format("--debug: %s; denials are not seen", err.message);
    say(options, line);
}

static int run_in(struct beside *beside, const struct cage_plan *plan, const struct cage_run_options *options,
                  const struct cage_macos_system *system, int *status, struct cage_error *err)
{
    struct cage_macos_session *session = &beside->session;
    struct cage_macos_log *log = beside->log;
    CAGE_CLEANUP(cage_seatbelt_job_finish) struct cage_seatbelt_job job = {0};
    cage_autofree char *tty = launch_terminal(options);
    const struct cage_seatbelt_session about = {
        .dir = session->dir,
        .tty = tty,
        .tag = log ? log->tag : NULL,
        .gate_port = beside->gate ? cage_portgate_port(beside->gate) : 0,
    };
    const struct cage_macos_start start = {
        .system = system, .session = session, .job = &job, .options = options};
    int missing;

    if (cage_macos_make_dirs(plan, err) < 0 ||
        cage_seatbelt_job_make(&job, plan, options->host, &about, err) < 0)
        return -1;
    tell(options, &job.warnings);
    missing = find_command(&job, status, err);
    if (missing)
        return 0;
    if (cage_macos_session_fill(session, &job, err) < 0)
        return -1;
    return run_job(&start, log, status, err);
}

static void say_lines(const struct cage_run_options *options, struct cage_strbuf *text)
{
    char *save = NULL;

    for (char *line = strtok_r(text->buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        say(options, line);
}

/* Ends what ran beside the command and says what each of them saw. */
static void end_beside(struct beside *beside, const struct cage_run_options *options,
                       const struct cage_macos_system *system)
{
    CAGE_STRBUF_AUTO refused = {0};

    cage_strbuf_init(&refused);
    if (beside->log && !cage_macos_log_finish(beside->log, system->log))
        say(options,
            "--debug: the log of macOS could not be read, so denials may be missing (an administrator "
            "can read it)");
    cage_portgate_finish(beside->gate, &refused);
    say_lines(options, &refused);
    cage_macos_session_finish(&beside->session);
}

int cage_macos_run(const struct cage_plan *plan, const struct cage_run_options *options,
                   const struct cage_macos_system *system, int *status, struct cage_error *err)
{
    struct beside beside = {.session = {.lock = -1}};
    struct cage_macos_log log = {.fd = -1};
    int rc;

    *err = (struct cage_error){0};
    if (plan->argv.n == 0)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "the plan has no command");
    if (cage_run_secure_stdio(err) < 0 || check_system(system, err) < 0)
        return -1;
    cage_macos_session_sweep(system->session_base);
    if (cage_macos_session_make(&beside.session, system->session_base, err) < 0)
        return -1;
    rc = start_gate(&beside, plan, options->host, err);
    if (rc == 0 && options->denials)
        start_log(&beside, &log, options, system);
    if (rc == 0)
        rc = run_in(&beside, plan, options, system, status, err);
    end_beside(&beside, options, system);
    return rc;
}
