/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan: everything a cage will be, decided before anything is done. Pure: the same configuration and
 * host give the same plan. Every entry carries the reason it is there, for `nixcage plan` and --debug.
 */
#ifndef CAGE_PLAN_PLAN_H
#define CAGE_PLAN_PLAN_H

#include "base/error.h"
#include "base/strv.h"
#include "config/config.h"
#include "host/host.h"
#include "host/project.h"
#include "limits/limits.h"
#include "nix/nix.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Why an entry is there: a built-in rule, or a line of the configuration. */
struct cage_reason {
    const char *rule;      /* static: "level standard", "ro_bind", "protected", "nix closure", … */
    struct cage_mark mark; /* line 0: built in */
};

enum cage_op_kind {
    CAGE_OP_BIND, /* source at dest; writable decides */
    CAGE_OP_PIN,  /* dest onto itself, as it is: its name can then not be renamed away */
    CAGE_OP_TMPFS,
    CAGE_OP_DIR,
    CAGE_OP_SYMLINK,   /* dest -> source */
    CAGE_OP_FILE,      /* made-up contents at dest */
    CAGE_OP_MASK_DIR,  /* blacklisted: an empty read-only directory */
    CAGE_OP_MASK_FILE, /* blacklisted: an empty unreadable file */
    CAGE_OP_PROC,
    CAGE_OP_DEV,
    CAGE_OP_SEAL, /* dest itself becomes read-only (not what is mounted below it) */
};

struct cage_op {
    enum cage_op_kind kind;
    char *source;       /* BIND, PIN: host path, physical; SYMLINK: target */
    char *dest;         /* in the cage: absolute, clean */
    size_t dest_length; /* of dest: asked for by every comparison of places */
    char *content;      /* FILE */
    bool writable;      /* BIND */
    bool soft;          /* gives way to a bind at or above its place; only while the plan is made */
    mode_t mode;        /* TMPFS, DIR, FILE; 0: 0755 or 0644 */
    bool verify;        /* the init compares dev and ino of dest with these before anything runs */
    dev_t dev;
    ino_t ino;
    /* BIND, PIN, MASK_*: the host path of the object that it lies on. When the host replaces that, the kernel
       takes the mount away with it, and the supervisor puts it back (run/guard.h). NULL: that cannot happen,
       or does not matter. A mask's dev and ino are that object's, and 0 when they are not known. */
    char *lies_on;
    struct cage_reason reason;
};

struct cage_plan_env {
    char *name, *value;
    bool secret; /* value is never shown */
    struct cage_reason reason;
};

enum cage_net_mode { CAGE_NET_NONE, CAGE_NET_HOST, CAGE_NET_GATE /* own namespace, names of `hosts` only */ };

/* A path of the project that the host would execute or trust. */
struct cage_protected {
    char *path;              /* absolute, on the host and in the cage */
    bool exists;             /* else it is watched for and moved away when it appears */
    bool is_glob;            /* the last component is a pattern: settings*.json */
    bool hide;               /* blacklisted and not there: never moved; hidden from the next run on */
    struct cage_strv except; /* is_glob: names that `unprotect` takes out */
    char *link; /* path is a symlink, which cannot be mounted over: its text, to be compared at the end; or
                   NULL */
    struct cage_reason reason;
};

/*
 * On macOS the gate is a proxy on a port that is only known when it runs (net/portgate.h): variables of this
 * rule have the word in its place.
 */
#define CAGE_PLAN_GATE_PORT "GATE_PORT"
#define CAGE_PLAN_GATE_RULE "the gate's proxy"

/* What the gate lets through; see net/gate.h. */
struct cage_plan_gate {
    bool names; /* `hosts` is there: the cage's resolver is the gate */
    struct cage_strv hosts;
    uint16_t *expose, *host_ports;
    size_t n_expose, n_host_ports;
};

struct cage_plan {
    struct cage_op *ops; /* in the order they must be carried out */
    size_t n_ops, alloc_ops;
    struct cage_plan_env *env;
    size_t n_env, alloc_env;
    struct cage_protected *protected_paths;
    size_t n_protected, alloc_protected;

    struct cage_strv argv; /* what runs in the cage */
    char *cwd;             /* in the cage */
    char *path_value;      /* PATH used to find argv[0] in the cage */
    enum cage_net_mode net;
    struct cage_reason net_reason;
    struct cage_plan_gate gate; /* CAGE_NET_GATE */
    bool nested;
    bool in_place;             /* macOS: nothing is mounted, every path is where it is on the host */
    struct cage_limits limits; /* cage_plan_limits() */
    char *limits_held;         /* for explain: how this machine would hold them; NULL: nobody looked */
    const char *limits_how[CAGE_LIMIT_COUNT]; /* and each of them; NULL as above */

    bool limit_store; /* store_view = "closure": only store_paths below /nix/store can be opened */
    struct cage_strv store_paths;
    bool scope_abstract, scope_signal; /* Landlock scopes */

    enum cage_level level;
    enum cage_store_mode store_mode;
    char *project_root; /* NULL: not mounted */
    struct cage_strv
        make_dirs; /* below project_root: made (0700, no symlink followed) before the cage starts */
    bool system;   /* the host's system directories are shown */
    struct cage_strv warnings; /* one line each, for standard error */
};

struct cage_plan_input {
    const struct cage_config *config;
    const struct cage_host *host;
    const struct cage_project *project;
    const struct cage_nix_env *nix; /* NULL: the cage is made of the host's system only */
    char *const *argv;              /* the command, NULL-terminated */
    bool interactive;               /* a shell: argv is ignored */
    bool has_tty;
};

/* macOS: whether `system = true` lets the cage read this path of the host. */
bool cage_plan_macos_is_system(const char *path);

/* Whether a Nix daemon listens on this machine: `shared` is then its socket. */
bool cage_plan_has_daemon(const struct cage_host *host);

/* An empty plan. */
void cage_plan_init(struct cage_plan *plan);
/* Frees what it owns; accepts a zeroed one. */
void cage_plan_finish(struct cage_plan *plan);

/* What the configuration limits, in cores, bytes and tasks; a share of the memory is one of this machine. */
struct cage_limits cage_plan_limits(const struct cage_config *config, const struct cage_host *host);

/*
 * Makes the plan of a run. Errors (a missing bind, a bind at or under a blacklisted path, a secret variable
 * …) point at the configuration's line.
 */
int cage_plan_build(struct cage_plan *plan, const struct cage_plan_input *input,
                    struct cage_error *err) CAGE_MUST_CHECK;

/* Appends an operation and returns it for the caller to fill in; strings are copied. Valid until the next
 * call. */
struct cage_op *cage_plan_add(struct cage_plan *plan, enum cage_op_kind kind, const char *source,
                              const char *dest, struct cage_reason reason);

/* Sets (or replaces) a variable of the cage; strings are copied. */
void cage_plan_setenv(struct cage_plan *plan, const char *name, const char *value, bool secret,
                      struct cage_reason reason);

/* The value of a variable, or NULL; owned by the plan. unsetenv removes it. */
const char *cage_plan_getenv(const struct cage_plan *plan, const char *name);
/* Takes a variable out; nothing happens when it is not set. */
void cage_plan_unsetenv(struct cage_plan *plan, const char *name);

/* Removes operation i, keeping the order. */
void cage_plan_remove(struct cage_plan *plan, size_t i);

/* Records a protected path (once) and returns its entry. Valid until the next call. */
struct cage_protected *cage_plan_protect(struct cage_plan *plan, const char *path, bool exists,
                                         struct cage_reason reason);

#endif
