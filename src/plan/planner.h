/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared by the files of src/plan only: the state while a plan is made. The steps, in build.c's order, each
 * add operations; order.c then sorts them, lets soft ones give way and checks that every one can be carried
 * out without leaving anything on the host.
 */
#ifndef CAGE_PLAN_PLANNER_H
#define CAGE_PLAN_PLANNER_H

#include "base/strbuf.h"
#include "plan/plan.h"

/* One line of the blacklist, resolved. */
struct cage_hidden {
    char *written; /* absolute, clean, symlinks as the user wrote them */
    struct cage_file_fact fact;
    struct cage_mark mark;
    struct cage_strv names; /* its physical paths: fact.real first, then those that mounts of the host add */
};

struct cage_planner {
    struct cage_plan *plan;
    const struct cage_plan_input *input;
    const struct cage_config *config;
    const struct cage_host *host;
    const struct cage_nix_env *nix; /* or NULL */
    const char *root;               /* of the project */
    bool project_mounted;
    char *home;       /* in the cage */
    char *local;      /* .nixcage/local of the project, or NULL */
    char *local_name; /* ".nixcage/local", or NULL */
    struct cage_hidden *hidden;
    size_t n_hidden;
    struct cage_strv read_only; /* physical paths that ro_bind names: read-only under every other name too */
    struct cage_strv host_path; /* directories to append to PATH */
    const char *ca_file;        /* in the cage; static, or NULL */
};

enum cage_bind_flags {
    CAGE_BIND_RW = 1,
    CAGE_BIND_OPTIONAL = 2, /* not there, or blacklisted: left out */
    CAGE_BIND_SOFT = 4,     /* gives way to a bind at or above its place */
};

struct cage_reason cage_rule(const char *rule);                           /* a built-in one; rule is static */
struct cage_reason cage_rule_at(const char *rule, struct cage_mark mark); /* a line of the configuration */

/*
 * Appends a bind of `source` (absolute, symlinks are followed) at `dest`, to be verified. Fails when source
 * is not there or blacklisted, unless flags say otherwise. Returns 1 when it was added, 0 when left out.
 */
int cage_plan_bind(struct cage_planner *p, const char *source, const char *dest, unsigned flags,
                   struct cage_reason reason, struct cage_error *err) CAGE_MUST_CHECK;

/* Makes an absolute clean path of what a configuration says: absolute, "~…" or relative to the project. */
char *cage_plan_expand(const struct cage_planner *p, const char *written);

/* --- memo.c: a view of `host` that asks it about each path once. It borrows everything else from host. */
void cage_memo_init(struct cage_host *shadow, const struct cage_host *host);
/* Frees what was remembered; the host that it was a view of stays. */
void cage_memo_finish(struct cage_host *shadow);

/* --- views.c: what is seen where */

/* The operation whose mount `dest` lies on, as far as the plan goes; NULL: the root. Valid until the next
 * addition. */
const struct cage_op *cage_plan_covering(const struct cage_plan *plan, const char *dest);

/* The host path seen at dest (absolute, clean), or NULL when it is not of the host. The caller frees. */
char *cage_plan_host_path(const struct cage_plan *plan, const char *dest);

/* Appends the places where the host's physical path `real` (or its place, if not there) is seen. */
void cage_plan_views(const struct cage_plan *plan, const char *real, bool writable_only,
                     struct cage_strv *dests);

/* Pins every directory between the writable mount that dest lies on and dest itself. */
int cage_plan_pin_ancestors(struct cage_planner *p, const char *dest, struct cage_reason reason,
                            struct cage_error *err) CAGE_MUST_CHECK;

/* The operation at exactly dest, or NULL. */
const struct cage_op *cage_plan_at(const struct cage_plan *plan, const char *dest);

/* --- walk.c: how a path gets where it leads */

struct cage_hop {
    char *path; /* physical place of this component */
    bool is_symlink;
    struct cage_file_fact fact;
};

struct cage_walk {
    struct cage_hop *hops; /* every directory and symlink on the way, the end included */
    size_t n;
};

/* Follows an absolute path component by component; ends where nothing is there. */
int cage_walk(const struct cage_host *host, const char *path, struct cage_walk *walk,
              struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_walk_finish(struct cage_walk *walk);

/*
 * A reason why another user could make path lead elsewhere between two runs, written to reason (size n), or
 * false: everything on the way is root's or the user's, and sticky where anybody may write.
 */
bool cage_walk_swappable(const struct cage_host *host, const struct cage_walk *walk, char *reason, size_t n);

/* --- blacklist.c */

int cage_plan_read_blacklist(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;

/* The entry that a host path lies at or under, by name or by object; NULL: none. fact may be NULL. */
const struct cage_hidden *cage_plan_hidden(const struct cage_planner *p, const char *path,
                                           const struct cage_file_fact *fact);

/* --- aliases.c: fills the names of everything that is hidden */
void cage_plan_find_names(struct cage_planner *p);

/* Puts an empty file or directory over each place where the cage would see what is hidden. */
int cage_plan_add_masks(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;

/* --- the steps; see the comment at each */
int cage_plan_check_supported(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* /proc, /dev, empty temporary directories, and the home of the level. */
int cage_plan_add_base(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The project's directory, and .nixcage/local as its only writable part of ours. */
int cage_plan_add_project(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The store in the configured mode, and the paths that its view opens. */
int cage_plan_add_store(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The host's programs and libraries, read-only, with system = true. */
int cage_plan_add_system(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* A made-up /etc: users, hosts, resolver, certificates, time zone. */
int cage_plan_add_etc(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* ro_bind and rw_bind. A path that is not there, or that others could swap, is an error at its line. */
int cage_plan_add_binds(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* What the host would execute or trust, read-only with its ancestors pinned, or watched for. */
int cage_plan_add_protected(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The socket of the user's SSH agent, with ssh_agent = true. */
int cage_plan_add_agent(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The environment's variables, passthrough_env, env and nixcage's own. */
int cage_plan_add_env(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The command, or the shell and its start-up file. */
int cage_plan_add_command(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* Sorts the operations so that each place is there before what lies in it. */
int cage_plan_arrange(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* Refuses what would need a directory to be made on the host. */
int cage_plan_check_places(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;

/* --- macos.c: what takes the place of the Linux steps there */
int cage_plan_macos_check(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The home directory of the level. */
int cage_plan_macos_home(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The store, read-only or writable. */
int cage_plan_macos_store(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The host's further programs, with system = true. */
int cage_plan_macos_system(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* The socket of the user's SSH agent. */
int cage_plan_macos_agent(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* What the blacklist hides, by path. */
int cage_plan_macos_masks(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;
/* Variables that differ from those on Linux. */
int cage_plan_macos_env(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;

/* Decides plan->net from level and configuration, whether it can be had or not. */
void cage_plan_choose_network(struct cage_planner *p);

/* --- git.c: appends the paths (absolute) that git on the host trusts in the project's repository. */
int cage_plan_git_paths(struct cage_planner *p, struct cage_strv *paths,
                        struct cage_error *err) CAGE_MUST_CHECK;

/*
 * git.c: shows the repository of a linked worktree or a submodule, whose `.git` is a file that leads out of
 * the project (gitrepository-layout(5)), writable, at its own place.
 */
int cage_plan_add_repository(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;

/* identity.c: /etc/gitconfig with user.name and user.email of the host's git configuration. */
int cage_plan_add_identity(struct cage_planner *p, struct cage_error *err) CAGE_MUST_CHECK;

/* Where a /nix/… path lies on the host. The caller frees. */
char *cage_plan_store_host_path(const struct cage_planner *p, const char *store_path);

/* The shell of a cage that is made of the host's system only. The caller frees; NULL: none. */
char *cage_plan_system_shell(const struct cage_planner *p, bool *is_bash);

/*
 * --- shells.c. The zsh or fish that is named among the packages, preferring the one that is the user's own
 * shell; *name: which, static. The caller frees; NULL: neither.
 */
char *cage_plan_other_shell(const struct cage_planner *p, const char **name);

/* Appends start-up text: prompt, history in .nixcage/local, completion from the packages. */
void cage_plan_bash_rc(const struct cage_planner *p, struct cage_strbuf *rc);
/* The same for zsh. */
void cage_plan_zsh_rc(const struct cage_planner *p, struct cage_strbuf *rc);
/* The same for fish. */
void cage_plan_fish_rc(const struct cage_planner *p, struct cage_strbuf *rc);

/* The first regular file (or symlink) `name` in the environment's own PATH, as seen in the cage; NULL: none.
 */
char *cage_plan_find_tool(const struct cage_planner *p, const char *name);

/* Whether a variable's name or value looks like a secret: the table is in secrets.c. */
bool cage_env_looks_secret(const char *name, const char *value);

/* Whether a variable of the host must not reach the cage unless it is named: loaders, shells' start-up files,
 * … */
bool cage_env_is_dropped(const char *name);

#endif
