/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is true of this machine and this process, gathered once, read-only. The plan asks about
 * the file system only through `lookup`, so that tests can put a described machine in its place.
 */
#ifndef CAGE_HOST_HOST_H
#define CAGE_HOST_HOST_H

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum cage_file_type {
    CAGE_FILE_NONE,
    CAGE_FILE_REGULAR,
    CAGE_FILE_DIR,
    CAGE_FILE_OTHER /* socket, fifo, device */
};

/* What a path leads to after all symlinks. */
struct cage_file_fact {
    enum cage_file_type type; /* NONE: not there */
    char *real; /* physical absolute path; for NONE that of the deepest existing ancestor plus the rest */
    dev_t dev;
    ino_t ino;
    uid_t uid;
    mode_t mode;
    nlink_t nlink;
    bool is_symlink;   /* the path itself was one */
    char *link_target; /* its text when is_symlink, else NULL */
    uid_t link_uid;    /* the owner of the symlink itself when is_symlink */
};

struct cage_host {
    char *os;     /* "linux" or "macos" */
    char *system; /* Nix's name: "x86_64-linux" */
    char *home, *user, *cwd;
    uid_t uid;
    gid_t gid;
    struct cage_strv env; /* the caller's environment */
    int landlock_abi;     /* 0: none (landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION) */
    long cpus;            /* online */
    uint64_t memory;      /* bytes of RAM */
    char *config_home, *cache_home, *data_home, *state_home; /* XDG base directories + "/nixcage" */
    char *data_dir;                                          /* our share/nixcage: presets/, offline/ */
    char *init_path;                                         /* our static in-cage init */
    char *record_path;                                       /* our static trampoline for nix-shell */
    char *bin_dir; /* holds `cage` and `cagerun`, for the PATH that direnv sets */

    /*
     * Facts about an absolute path. Returns 0 also when there is nothing (type NONE); -1 with
     * *err when the path cannot be examined (EACCES, ELOOP, …). cage_file_fact_finish() frees *fact.
     */
    int (*lookup)(const struct cage_host *host, const char *path, struct cage_file_fact *fact,
                  struct cage_error *err);
    /*
     * As lookup, for `name` (one component) in dir, the physical path of a directory that was just looked up:
     * one system call where nothing is a symlink. May be NULL: then lookup does.
     */
    int (*lookup_child)(const struct cage_host *host, const char *dir, const char *name,
                        struct cage_file_fact *fact, struct cage_error *err);
    /* Names in a directory, sorted, without "." and ".."; empty when it is not there. */
    int (*list)(const struct cage_host *host, const char *path, struct cage_strv *names,
                struct cage_error *err);
    /* Contents of a small file (at most 1 MiB), NUL-terminated; NULL when it is not there or not readable.
     * The caller frees. */
    char *(*read_small)(const struct cage_host *host, const char *path);
    void *fake; /* the test's description; NULL on the real host */
};

/* Gathers the facts of this process and machine. environ_ is main's. finish() accepts a zeroed one. */
int cage_host_probe(struct cage_host *host, char *const *environ_, struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_host_finish(struct cage_host *host);

/* Frees what a lookup filled; accepts a zeroed one. */
void cage_file_fact_finish(struct cage_file_fact *fact);

/* A variable of the caller's environment, or NULL; owned by host. */
const char *cage_host_getenv(const struct cage_host *host, const char *name);

/* The sandboxing program. */
struct cage_bwrap {
    char *path;
    int major, minor, patch;
    bool setuid;
};

/*
 * On macOS it is sandbox-exec, which has no version (0.0.0). Elsewhere finds bwrap on PATH and its version.
 * Running it costs a millisecond, so the answer is kept in cache_home by path, inode and time stamps. Fails
 * with a hint how to install it here when it is missing, older than 0.8.0, or set-uid (CVE-2026-41163 class:
 * refused).
 */
int cage_bwrap_probe(const struct cage_host *host, struct cage_bwrap *bwrap,
                     struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_bwrap_finish(struct cage_bwrap *bwrap);

/*
 * The first executable file of that name in the absolute directories of path_value (PATH's form; NULL: none)
 * that does not lie in a project, where a cage could have put it: node_modules/.bin and .venv/bin are on many
 * a PATH. The caller frees; NULL: none.
 */
char *cage_host_find_tool(const char *name, const char *path_value);

/*
 * path_value without the directories that cage_host_find_tool() passes over, for programs that look for
 * others themselves, as Nix does for git; "/usr/bin:/bin" when nothing is left of it, or it is NULL. The
 * caller frees.
 */
char *cage_host_safe_path(const char *path_value);

/*
 * A program that cages are made of, "bwrap": the one that this build was configured to use (-Dbwrap) if it
 * can be executed, else as cage_host_find_tool on the host's PATH. The caller frees; NULL: none.
 */
char *cage_host_find_sandbox_tool(const struct cage_host *host, const char *name);

/*
 * How to install a program with this distribution's package manager ("sudo apt install bubblewrap"), or,
 * where it has no such package, in another way. The caller frees.
 */
char *cage_host_install_hint(const struct cage_host *host, const char *program);

/* How to come to Linux `since` or newer here, where `release` runs. The caller frees. */
char *cage_host_kernel_hint(const struct cage_host *host, const char *since, const char *release);

#endif
