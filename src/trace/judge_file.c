/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: from the error and from what the plan has at the path to the reason. */
#include "base/mem.h"
#include "base/path.h"
#include "trace/advice.h"
#include "trace/judge_internal.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define STORE "/nix/store"

static bool is_error(const struct cage_event *event, const char *name)
{
    return strcmp(event->error, name) == 0;
}

static bool is_denied(const struct cage_event *event)
{
    return is_error(event, "EACCES") || is_error(event, "EPERM");
}

static bool is_missing(const struct cage_event *event)
{
    return is_error(event, "ENOENT") || is_error(event, "ENOTDIR") || is_error(event, "ECONNREFUSED");
}

static bool is_system_path(const char *path)
{
    static const char *const dirs[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64"};

    for (size_t i = 0; i < CAGE_LEN(dirs); i++)
        if (cage_path_is_under(path, dirs[i]))
            return true;
    return false;
}

/* `SSH_AUTH_SOCK` has a word of its own; programs are packages; the rest is a bind. */
char *cage_judge_advise_bind(const struct cage_judge *judge, const char *path, bool writable)
{
    enum cage_key key = writable ? CAGE_KEY_FS_RW_BIND : CAGE_KEY_FS_RO_BIND;
    cage_autofree char *text = cage_advice_path(judge->host, path);

    /* What belongs to the system or to Nix is not for a cage to write. */
    if (cage_advice_too_wide(judge->host, path) ||
        (writable && (is_system_path(path) || cage_path_is_under(path, "/nix"))))
        return NULL;
    return cage_advice_list(judge->config, key, text);
}

/* The nearest directory above the path that is on the host: what has to be there to make something in it. */
char *cage_judge_existing_above(const struct cage_judge *judge, const char *path)
{
    char *dir = cage_strdup(path);

    while (strcmp(dir, "/") != 0) {
        struct cage_file_fact fact;
        bool there = cage_judge_exists(judge, dir, &fact);
        char *up;

        cage_file_fact_finish(&fact);
        if (there)
            break;
        up = cage_path_dirname(dir);
        free(dir);
        dir = up;
    }
    return dir;
}

static bool is_program_dir(const char *dir)
{
    static const char *const dirs[] = {"/usr/bin", "/bin",           "/usr/local/bin",   "/usr/sbin",
                                       "/sbin",    "/opt/local/bin", "/opt/homebrew/bin"};

    for (size_t i = 0; i < CAGE_LEN(dirs); i++)
        if (strcmp(dir, dirs[i]) == 0)
            return true;
    return false;
}

/* On the host, and in a directory of programs: the cage's come from packages. */
bool cage_judge_program(const struct cage_judge *judge, const struct cage_event *event,
                        struct cage_verdict *verdict)
{
    cage_autofree char *dir = cage_path_dirname(event->target);
    const char *name = cage_path_basename(event->target), *package = cage_advice_package(name);

    if (event->write || !is_program_dir(dir))
        return false;
    if (cage_judge_on_path(judge, name)) {
        if (!event->execute)
            cage_verdict_set(verdict, CAGE_WHY_PROBING, NULL, NULL);
        else
            cage_verdict_set(verdict, CAGE_WHY_NOT_MOUNTED,
                             cage_format("the cage has %s elsewhere on PATH, not at this place", name),
                             cage_format("use \"#!/usr/bin/env %s\" or the bare name", name));
        return true;
    }
    cage_verdict_set(verdict, CAGE_WHY_PROGRAM, cage_strdup("programs of the cage come from packages"),
                     package ? cage_advice_list(judge->config, CAGE_KEY_NIX_PACKAGES, package) : NULL);
    return true;
}

static void not_mounted(const struct cage_judge *judge, const struct cage_event *event, const char *path,
                        struct cage_verdict *verdict)
{
    cage_autofree char *dir = event->write ? cage_judge_existing_above(judge, path) : cage_strdup(path);
    const char *agent = cage_host_getenv(judge->host, "SSH_AUTH_SOCK");

    if (agent && strcmp(agent, path) == 0) {
        cage_verdict_set(verdict, CAGE_WHY_NOT_MOUNTED, cage_strdup("the SSH agent is not in the cage"),
                         cage_advice_set(judge->config, CAGE_KEY_CAGE_SSH_AGENT, "true"));
        return;
    }
    if (cage_judge_program(judge, event, verdict))
        return;
    cage_verdict_set(verdict, CAGE_WHY_NOT_MOUNTED,
                     strcmp(dir, path) == 0 ? cage_strdup("it is on the host, but not in the cage")
                                            : cage_format("the host's %s is not in the cage", dir),
                     is_system_path(path) && !judge->plan->system && !event->write
                         ? cage_advice_set(judge->config, CAGE_KEY_FS_SYSTEM, "true")
                         : cage_judge_advise_bind(judge, dir, event->write));
    if (strcmp(path, event->target) != 0) {
        free(verdict->reason);
        verdict->reason = cage_format("it leads to %s, which is not in the cage", path);
        verdict->secret = cage_strdup(cage_advice_secret(judge->host, path));
    }
}

/* The program of a script's first line, "#!/opt/tool -x". The caller frees; NULL: it is no script. */
static char *interpreter(const struct cage_judge *judge, const char *file)
{
    cage_autofree char *text = judge->host->read_small(judge->host, file);
    const char *name;

    if (!text || strncmp(text, "#!", 2) != 0)
        return NULL;
    name = text + 2 + strspn(text + 2, " \t");
    return *name == '/' ? cage_strndup(name, strcspn(name, " \t\r\n")) : NULL;
}

/* The file is there, and the kernel says that it is not: it means what has to read it (execve(2)). */
static void judge_interpreter(const struct cage_judge *judge, const struct cage_event *event,
                              const char *file, struct cage_verdict *verdict)
{
    cage_autofree char *name = interpreter(judge, file);
    struct cage_event other = *event;

    if (name && strcmp(name, event->target) != 0) {
        other.target = name;
        other.execute = false;
        cage_judge_file(judge, &other, verdict);
        if (verdict->why == CAGE_WHY_PROBING)
            verdict->fix = cage_format("let it begin with \"#!/usr/bin/env %s\"", cage_path_basename(name));
        if (verdict->why == CAGE_WHY_PROBING || verdict->why == CAGE_WHY_ABSENT)
            verdict->why = CAGE_WHY_NOT_MOUNTED;
        free(verdict->reason);
        verdict->reason = cage_format("its interpreter %s is not in the cage", name);
    } else if (!name) {
        cage_verdict_set(verdict, CAGE_WHY_NOT_MOUNTED,
                         cage_strdup("its loader or interpreter (ld.so, #!) is not in the cage"),
                         judge->plan->system ? NULL
                                             : cage_advice_set(judge->config, CAGE_KEY_FS_SYSTEM, "true"));
    }
}

/* Whether the path, or what was to be moved with it, is on the list of what the host would execute or trust.
 */
static const struct cage_protected *find_protected(const struct cage_plan *plan, const char *path, bool above)
{
    for (size_t i = 0; i < plan->n_protected; i++) {
        const struct cage_protected *item = &plan->protected_paths[i];

        /* What is not there can be made, and is moved away; where it cannot be made, that is a denial. */
        if ((!item->exists && !plan->in_place) || item->hide)
            continue;
        if (cage_path_is_under(path, item->path) || (above && cage_path_is_under(item->path, path)) ||
            (item->is_glob && fnmatch(item->path, path, FNM_PATHNAME) == 0))
            return item;
    }
    return NULL;
}

bool cage_judge_protected(const struct cage_judge *judge, const char *path, bool above,
                          struct cage_verdict *verdict)
{
    const char *root = judge->plan->project_root;
    const struct cage_protected *item = find_protected(judge->plan, path, above);
    cage_autofree char *why = NULL;
    const char *name;

    if (!root || !item || (!cage_path_is_under(item->path, root) && !judge->plan->in_place))
        return false;
    why = cage_judge_reason(judge, item->reason);
    if (!cage_path_is_under(item->path, root)) { /* a linked worktree's; unprotect is about the project */
        cage_verdict_set(verdict, CAGE_WHY_PROTECTED,
                         cage_format("the host executes or trusts %s (%s)", item->path, why), NULL);
        return true;
    }
    name = item->path + strlen(root) + (item->path[strlen(root)] == '/');
    if (strcmp(name, "nixcage.toml") == 0 || strncmp(name, ".nixcage", 8) == 0)
        cage_verdict_set(verdict, CAGE_WHY_PROTECTED, cage_format("%s is what keeps the cage closed", name),
                         NULL);
    else
        cage_verdict_set(verdict, CAGE_WHY_PROTECTED,
                         cage_format("the host executes or trusts %s (%s)", name, why),
                         cage_advice_list(judge->config, CAGE_KEY_FS_UNPROTECT, name));
    return true;
}

bool cage_judge_masked(const struct cage_judge *judge, const struct cage_op *op, struct cage_verdict *verdict)
{
    cage_autofree char *why = NULL;

    if (!op || (op->kind != CAGE_OP_MASK_DIR && op->kind != CAGE_OP_MASK_FILE))
        return false;
    why = cage_judge_reason(judge, op->reason);
    cage_verdict_set(verdict, CAGE_WHY_MASKED, cage_format("it is hidden (%s)", why),
                     op->reason.mark.line ? cage_format("take it out of %s", why) : NULL);
    return true;
}

/* A store path that is there and may not be opened, or that the cage's own store does not have. */
static bool judge_store(const struct cage_judge *judge, const struct cage_event *event,
                        struct cage_verdict *verdict)
{
    const struct cage_plan *plan = judge->plan;
    struct cage_file_fact fact;
    bool there;

    if (!cage_path_is_under(event->target, STORE) || strcmp(event->target, STORE) == 0 || event->write)
        return false;
    for (size_t i = 0; i < plan->store_paths.n; i++)
        if (cage_path_is_under(event->target, plan->store_paths.items[i]))
            return false;
    if (!(plan->limit_store && is_denied(event))) {
        there = plan->store_mode > CAGE_STORE_READONLY && cage_judge_exists(judge, event->target, &fact);
        if (plan->store_mode > CAGE_STORE_READONLY)
            cage_file_fact_finish(&fact);
        if (!there)
            return false;
    }
    cage_verdict_set(verdict, CAGE_WHY_STORE_VIEW,
                     cage_strdup("it is not part of this environment: name the package that has it"),
                     plan->limit_store ? cage_advice_set(judge->config, CAGE_KEY_NIX_STORE_VIEW, "\"full\"")
                                       : NULL);
    return true;
}

static void judge_read_only(const struct cage_judge *judge, const struct cage_event *event,
                            const struct cage_where *where, struct cage_verdict *verdict)
{
    const struct cage_op *op = where->op;
    cage_autofree char *why = NULL, *dir = NULL;

    if (cage_path_is_under(event->target, "/nix")) {
        cage_verdict_set(verdict, CAGE_WHY_READ_ONLY,
                         cage_strdup("the Nix store cannot be written from the cage"), NULL);
        return;
    }
    if (!op || op->kind != CAGE_OP_BIND) {
        dir = cage_judge_existing_above(judge, where->path);
        cage_verdict_set(verdict, CAGE_WHY_NOT_MOUNTED,
                         cage_strdup("the cage has only an empty, sealed place there"),
                         cage_judge_advise_bind(judge, dir, true));
        return;
    }
    why = cage_judge_reason(judge, op->reason);
    dir =
        cage_judge_existing_above(judge, strcmp(op->reason.rule, "ro_bind") == 0 ? op->source : where->host);
    cage_verdict_set(verdict, CAGE_WHY_READ_ONLY, cage_format("it is there to be read only (%s)", why),
                     cage_judge_advise_bind(judge, dir, true));
}

/* Root's reach into other users' files is a capability, which no cage has. */
static void judge_denied(const struct cage_judge *judge, const struct cage_event *event,
                         const struct cage_where *where, struct cage_verdict *verdict)
{
    bool changes_mode = strstr(event->call, "chmod") || strstr(event->call, "mknod");
    bool root = judge->host->uid == 0 && where->host;

    if (is_error(event, "EPERM") && changes_mode && where->writable)
        cage_verdict_set(verdict, CAGE_WHY_FILTER,
                         cage_strdup("set-uid and set-gid bits and devices cannot be made in a cage"), NULL);
    else if (root)
        cage_verdict_set(verdict, CAGE_WHY_CAPABILITY,
                         cage_strdup("root has no capabilities in a cage: the file's mode and owner decide"),
                         NULL);
    else
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
}

/* To be made in a directory that the host has and the cage has not. */
static bool judge_new(const struct cage_judge *judge, const struct cage_event *event,
                      struct cage_verdict *verdict)
{
    cage_autofree char *dir = cage_path_dirname(event->target);
    struct cage_file_fact fact;
    struct cage_where where;
    bool there = cage_judge_exists(judge, dir, &fact), hidden;

    cage_file_fact_finish(&fact);
    cage_where_find(judge->plan, dir, &where);
    hidden = there && !where.host;
    cage_where_finish(&where);
    if (hidden)
        not_mounted(judge, event, event->target, verdict);
    return hidden;
}

static void judge_missing(const struct cage_judge *judge, const struct cage_event *event,
                          const struct cage_where *where, struct cage_verdict *verdict)
{
    cage_autofree char *shown = NULL;
    struct cage_file_fact fact;
    struct cage_where real;

    if (where->op && where->op->kind == CAGE_OP_TMPFS && strcmp(where->path, where->op->dest) == 0) {
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
        return;
    }
    if (!cage_judge_exists(judge, where->host ? where->host : event->target, &fact)) {
        cage_file_fact_finish(&fact);
        if (!event->write || !judge_new(judge, event, verdict))
            cage_verdict_set(verdict, CAGE_WHY_ABSENT, NULL, NULL);
        return;
    }
    /* A symlink in what is shared may lead to what is not. */
    shown = cage_strdup(where->host ? fact.real : event->target);
    cage_file_fact_finish(&fact);
    cage_where_find(judge->plan, shown, &real);
    cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL); /* it is there by now */
    if (real.host && event->execute)
        judge_interpreter(judge, event, real.host, verdict);
    else if (!real.host && !cage_judge_masked(judge, real.op, verdict))
        not_mounted(judge, event, shown, verdict);
    cage_where_finish(&real);
}

/* A file that is shared by itself is a mount: no other one can be moved into its place, nor it away. */
static void judge_busy(const struct cage_judge *judge, const struct cage_event *event,
                       const struct cage_where *where, struct cage_verdict *verdict)
{
    const struct cage_op *op = where->op;
    cage_autofree char *why = NULL, *dir = NULL;

    if (!event->write || !op || op->kind != CAGE_OP_BIND || strcmp(op->dest, where->path) != 0) {
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
        return;
    }
    why = cage_judge_reason(judge, op->reason);
    dir = cage_path_dirname(op->source);
    cage_verdict_set(verdict, op->writable ? CAGE_WHY_NOT_GRANTED : CAGE_WHY_READ_ONLY,
                     cage_format("what is shared by itself (%s) can be %s, not replaced, moved or removed",
                                 why, op->writable ? "written" : "read"),
                     op->writable ? cage_judge_advise_bind(judge, dir, true) : NULL);
}

static void judge_at(const struct cage_judge *judge, const struct cage_event *event,
                     const struct cage_where *where, struct cage_verdict *verdict)
{
    bool writes = is_error(event, "EROFS") || is_error(event, "EBUSY") || is_denied(event);

    if (writes && (event->write || is_error(event, "EROFS")) &&
        cage_judge_protected(judge, event->target, is_error(event, "EBUSY"), verdict))
        return;
    if (cage_judge_masked(judge, where->op, verdict) || judge_store(judge, event, verdict))
        return;
    if (is_error(event, "EROFS"))
        judge_read_only(judge, event, where, verdict);
    else if (is_denied(event))
        judge_denied(judge, event, where, verdict);
    else if (is_missing(event))
        judge_missing(judge, event, where, verdict);
    else if (is_error(event, "EBUSY"))
        judge_busy(judge, event, where, verdict);
    else
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
}

void cage_judge_file(const struct cage_judge *judge, const struct cage_event *event,
                     struct cage_verdict *verdict)
{
    struct cage_where where;

    if (cage_path_is_under(event->target, "/proc") || cage_path_is_under(event->target, "/sys")) {
        cage_verdict_set(verdict, CAGE_WHY_KERNEL, NULL, NULL);
        return;
    }
    if (judge->plan->net == CAGE_NET_NONE && strcmp(event->target, "/etc/resolv.conf") == 0) {
        cage_judge_no_names(judge, verdict);
        return;
    }
    if (!event->write && cage_advice_is_probe(event->target)) {
        cage_verdict_set(verdict, CAGE_WHY_PROBING, NULL, NULL);
        return;
    }
    cage_where_find(judge->plan, event->target, &where);
    judge_at(judge, event, &where, verdict);
    cage_where_finish(&where);
}
