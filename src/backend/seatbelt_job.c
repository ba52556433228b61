/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/seatbelt_job.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

/* Where the plan of any platform puts files that nixcage makes up. */
#define RUN_DEST "/run/nixcage"

/* The pieces that every step needs. */
struct maker {
    struct cage_seatbelt_job *job;
    const struct cage_plan *plan;
    const struct cage_host *host;
    const struct cage_seatbelt_session *session;
    char *run;        /* takes the place of RUN_DEST */
    const char *home; /* the plan's HOME */
};

void cage_seatbelt_job_finish(struct cage_seatbelt_job *job)
{
    cage_seatbelt_input_finish(&job->input);
    cage_strv_finish(&job->argv);
    cage_strv_finish(&job->env);
    cage_strv_finish(&job->warnings);
    for (size_t i = 0; i < job->n_entries; i++) {
        free(job->entries[i].path);
        free(job->entries[i].content);
        free(job->entries[i].target);
    }
    free(job->entries);
    free(job->cwd);
    *job = (struct cage_seatbelt_job){0};
}

static void add_entry(struct maker *m, const char *path, const char *content, const char *target)
{
    struct cage_seatbelt_job *job = m->job;

    job->entries = cage_realloc_array(job->entries, job->n_entries + 1, sizeof *job->entries);
    job->entries[job->n_entries++] = (struct cage_seatbelt_entry){
        .path = cage_strdup(path), .content = cage_strdup(content), .target = cage_strdup(target)};
}

static bool is_relaxed(const struct maker *m)
{
    return m->plan->level == CAGE_LEVEL_RELAXED;
}

/* The session's own directories. At level relaxed HOME stays the real home, which can be read there. */
static void add_session(struct maker *m)
{
    cage_autofree char *home = cage_path_join(m->session->dir, CAGE_SESSION_HOME);
    cage_autofree char *tmp = cage_path_join(m->session->dir, CAGE_SESSION_TMP);

    cage_seatbelt_grant(&m->job->input, home, true, CAGE_FILE_DIR);
    cage_seatbelt_grant(&m->job->input, tmp, true, CAGE_FILE_DIR);
    cage_seatbelt_grant(&m->job->input, m->run, false, CAGE_FILE_DIR);
    m->job->input.level = m->plan->level;
    m->job->input.net = m->plan->net;
    m->job->input.gate_port = m->session->gate_port;
    m->job->input.tty = cage_strdup(m->session->tty);
    m->job->input.tag = cage_strdup(m->session->tag);
}

/* Whether another bind of the plan shows what dest lies in: a name in the session's home then leads there
 * already. */
static bool is_inside_another(const struct maker *m, const struct cage_op *self)
{
    for (size_t i = 0; i < m->plan->n_ops; i++) {
        const struct cage_op *op = &m->plan->ops[i];

        if (op->kind == CAGE_OP_BIND && op != self && strcmp(op->dest, self->dest) != 0 &&
            cage_path_is_under(self->dest, op->dest))
            return true;
    }
    return false;
}

static bool has_entry(const struct maker *m, const char *path)
{
    for (size_t i = 0; i < m->job->n_entries; i++)
        if (strcmp(m->job->entries[i].path, path) == 0)
            return true;
    return false;
}

/* "~/.claude" of the plan is below the real home, but programs look below the session's. */
static void link_from_home(struct maker *m, const struct cage_op *op)
{
    cage_autofree char *path = NULL;

    if (is_relaxed(m) || !m->home || strcmp(op->dest, m->home) == 0 ||
        !cage_path_is_under(op->dest, m->home) || is_inside_another(m, op))
        return;
    path = cage_format(CAGE_SESSION_HOME "%s", op->dest + strlen(m->home));
    if (!has_entry(m, path))
        add_entry(m, path, NULL, op->dest);
}

static bool is_nix(const char *path)
{
    return strcmp(path, "/nix/store") == 0 || strcmp(path, "/nix/var/nix/profiles") == 0;
}

/* Read-only binds that only carry out a protection: the profile has a stronger way to say that. */
static bool is_protection(const struct maker *m, const struct cage_op *op)
{
    for (size_t i = 0; !op->writable && i < m->plan->n_protected; i++)
        if (strcmp(m->plan->protected_paths[i].path, op->dest) == 0 && !m->plan->protected_paths[i].hide)
            return true;
    return false;
}

static int add_bind(struct maker *m, const struct cage_op *op, struct cage_error *err)
{
    struct cage_seatbelt_input *in = &m->job->input;
    enum cage_file_type type;
    cage_autofree char *real = cage_seatbelt_resolve(m->host, op->source, &in->nodes, &type, err);
    cage_autofree char *dest = NULL;

    if (!real)
        return -1;
    if (cage_path_is_under(op->dest, RUN_DEST)) {
        cage_autofree char *path = cage_format(CAGE_SESSION_RUN "%s", op->dest + strlen(RUN_DEST));

        add_entry(m, path, NULL, real);
    } else {
        dest = cage_seatbelt_resolve(m->host, op->dest, &in->nodes, NULL, err);
        if (!dest)
            return -1;
    }
    if (type == CAGE_FILE_OTHER)
        cage_strv_add(&in->sockets, real);
    else if (!op->writable && is_nix(real))
        cage_strv_add(&in->nix_reads, real);
    else
        cage_seatbelt_grant(in, real, op->writable, type);
    link_from_home(m, op);
    return 0;
}

/* What the user cannot look at, the cage cannot either: the name alone is enough then. */
static void add_mask(struct maker *m, const char *path)
{
    cage_autofree char *real = cage_seatbelt_resolve(m->host, path, NULL, NULL, NULL);

    cage_strv_add(&m->job->input.deny, real ? real : path);
}

/* Text of nixcage's own with the session's directory in it; the caller frees. */
static char *rewritten(const struct maker *m, const char *text)
{
    struct cage_strbuf out;
    const char *at;

    cage_strbuf_init(&out);
    while ((at = strstr(text, RUN_DEST "/"))) {
        cage_strbuf_add_bytes(&out, text, (size_t)(at - text));
        cage_strbuf_add(&out, m->run);
        text = at + strlen(RUN_DEST);
    }
    cage_strbuf_add(&out, text);
    return cage_strbuf_steal(&out);
}

static void add_file(struct maker *m, const struct cage_op *op)
{
    cage_autofree char *path = NULL;
    cage_autofree char *text = NULL;

    if (!cage_path_is_under(op->dest, RUN_DEST))
        return;
    path = cage_format(CAGE_SESSION_RUN "%s", op->dest + strlen(RUN_DEST));
    text = rewritten(m, op->content ? op->content : "");
    add_entry(m, path, text, NULL);
}

static int add_ops(struct maker *m, struct cage_error *err)
{
    for (size_t i = 0; i < m->plan->n_ops; i++) {
        const struct cage_op *op = &m->plan->ops[i];

        switch (op->kind) {
        case CAGE_OP_BIND:
            if (!is_protection(m, op) && add_bind(m, op, err) < 0)
                return -1;
            break;
        case CAGE_OP_MASK_DIR:
        case CAGE_OP_MASK_FILE:
            add_mask(m, op->dest);
            break;
        case CAGE_OP_FILE:
            add_file(m, op);
            break;
        case CAGE_OP_PIN: /* the renderer pins what has to be */
        case CAGE_OP_TMPFS:
        case CAGE_OP_DIR:
        case CAGE_OP_SYMLINK:
        case CAGE_OP_PROC:
        case CAGE_OP_DEV:
        case CAGE_OP_SEAL:
            break;
        }
    }
    cage_strv_sort_unique(&m->job->input.nix_reads);
    return 0;
}

static void warn_of_links(struct maker *m, const char *path)
{
    struct cage_file_fact fact;

    if (m->host->lookup(m->host, path, &fact, NULL) < 0)
        return;
    if (fact.type == CAGE_FILE_REGULAR && fact.nlink > 1)
        cage_strv_addf(&m->job->warnings, "%s has %lu hard links: its other names are not protected", path,
                       (unsigned long)fact.nlink);
    cage_file_fact_finish(&fact);
}

/* A symlink is guarded itself and where it leads. */
static int add_guard(struct maker *m, const struct cage_protected *item, struct cage_error *err)
{
    struct cage_seatbelt_input *in = &m->job->input;
    cage_autofree char *dir = cage_path_dirname(item->path);
    cage_autofree char *real_dir = cage_seatbelt_resolve(m->host, dir, NULL, NULL, err);
    cage_autofree char *node = real_dir ? cage_path_join(real_dir, cage_path_basename(item->path)) : NULL;
    cage_autofree char *real = NULL;
    cage_autofree char *except = NULL;
    cage_autofree char *own =
        m->plan->project_root ? cage_path_join(m->plan->project_root, ".nixcage") : NULL;

    if (!node)
        return -1;
    if (item->is_glob) {
        cage_seatbelt_guard(in, real_dir, NULL, cage_path_basename(item->path));
        return 0;
    }
    real = cage_seatbelt_resolve(m->host, item->path, NULL, NULL, err);
    if (!real)
        return -1;
    if (own && strcmp(item->path, own) == 0)
        except = cage_path_join(node, "local");
    cage_seatbelt_guard(in, node, except, NULL);
    if (strcmp(real, node) != 0)
        cage_seatbelt_guard(in, real, NULL, NULL);
    warn_of_links(m, real);
    return 0;
}

static int add_guards(struct maker *m, struct cage_error *err)
{
    for (size_t i = 0; i < m->plan->n_protected; i++) {
        const struct cage_protected *item = &m->plan->protected_paths[i];

        if (item->hide)
            add_mask(m, item->path);
        else if (add_guard(m, item, err) < 0)
            return -1;
    }
    return 0;
}

static uint16_t *copy_ports(const uint16_t *ports, size_t n)
{
    uint16_t *copy = cage_alloc((n + 1) * sizeof *copy);

    if (n > 0)
        memcpy(copy, ports, n * sizeof *copy);
    return copy;
}

static void add_ports(struct maker *m)
{
    const struct cage_plan_gate *gate = &m->plan->gate;
    struct cage_seatbelt_input *in = &m->job->input;

    in->host_ports = copy_ports(gate->host_ports, gate->n_host_ports);
    in->n_host_ports = gate->n_host_ports;
    in->expose = copy_ports(gate->expose, gate->n_expose);
    in->n_expose = gate->n_expose;
}

/* Where the command starts; the caller frees. */
static char *start_directory(const struct maker *m)
{
    const char *cwd = m->plan->cwd;

    if (!is_relaxed(m) && m->home && strcmp(cwd, m->home) == 0)
        return cage_path_join(m->session->dir, CAGE_SESSION_HOME);
    if (!m->plan->project_root && strcmp(cwd, "/tmp") == 0)
        return cage_path_join(m->session->dir, CAGE_SESSION_TMP);
    return cage_strdup(cwd);
}

static void add_command(struct maker *m)
{
    for (size_t i = 0; i < m->plan->argv.n; i++) {
        const char *arg = m->plan->argv.items[i];

        cage_strv_take(&m->job->argv,
                       cage_path_is_under(arg, RUN_DEST) ? rewritten(m, arg) : cage_strdup(arg));
    }
    m->job->cwd = start_directory(m);
}

/* Variables that name the session's directories whatever the plan says. Socket paths have 104 bytes
 * (unix(4)): those are short. */
static bool is_temporary(const char *name)
{
    static const char *const names[] = {"TMPDIR",  "TMP",           "TEMP",
                                        "TEMPDIR", "NIX_BUILD_TOP", "CLAUDE_CODE_TMPDIR"};

    for (size_t i = 0; i < CAGE_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The value of a variable that leads to the gate; the caller frees. */
static char *gate_value(const struct maker *m, const char *value)
{
    const char *at = strstr(value, CAGE_PLAN_GATE_PORT);

    return at ? cage_format("%.*s%u%s", (int)(at - value), value, m->session->gate_port,
                            at + strlen(CAGE_PLAN_GATE_PORT))
              : cage_strdup(value);
}

static void add_env(struct maker *m)
{
    cage_autofree char *home = cage_path_join(m->session->dir, CAGE_SESSION_HOME);
    cage_autofree char *tmp = cage_path_join(m->session->dir, CAGE_SESSION_TMP);

    for (size_t i = 0; i < m->plan->n_env; i++) {
        const struct cage_plan_env *var = &m->plan->env[i];
        cage_autofree char *value = rewritten(m, var->value);

        if (var->reason.mark.line > 0 && strcmp(var->reason.rule, "env") == 0) {
            cage_env_set(&m->job->env, var->name, var->value); /* the user's own words */
            continue;
        }
        if (strcmp(var->reason.rule, CAGE_PLAN_GATE_RULE) == 0) {
            cage_autofree char *with_port = gate_value(m, var->value);

            cage_env_set(&m->job->env, var->name, with_port);
            continue;
        }
        if (is_temporary(var->name))
            cage_env_set(&m->job->env, var->name, tmp);
        else if (strcmp(var->name, "HOME") == 0 && !is_relaxed(m))
            cage_env_set(&m->job->env, var->name, home);
        else if (strcmp(var->name, "XDG_RUNTIME_DIR") == 0)
            cage_env_set(&m->job->env, var->name, tmp);
        else
            cage_env_set(&m->job->env, var->name, value);
    }
}

static const char *planned_home(const struct cage_plan *plan)
{
    for (size_t i = 0; i < plan->n_env; i++)
        if (strcmp(plan->env[i].name, "HOME") == 0)
            return plan->env[i].value;
    return NULL;
}

int cage_seatbelt_job_make(struct cage_seatbelt_job *job, const struct cage_plan *plan,
                           const struct cage_host *host, const struct cage_seatbelt_session *session,
                           struct cage_error *err)
{
    struct maker m = {.job = job, .plan = plan, .host = host, .session = session};
    int rc = -1;

    *job = (struct cage_seatbelt_job){0};
    cage_seatbelt_input_init(&job->input);
    m.home = planned_home(plan);
    m.run = cage_path_join(session->dir, CAGE_SESSION_RUN);
    add_session(&m);
    add_ports(&m);
    if (add_ops(&m, err) == 0 && add_guards(&m, err) == 0) {
        add_command(&m);
        add_env(&m);
        rc = 0;
    }
    free(m.run);
    return rc;
}
