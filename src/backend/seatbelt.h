/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The macOS back end: a cage as a Seatbelt profile (SBPL) for sandbox-exec(1). Everything here is pure and
 * compiles everywhere. The profile's rules, their order and what is known of the kernel's precedence are in
 * docs/MACOS.md.
 */
#ifndef CAGE_BACKEND_SEATBELT_H
#define CAGE_BACKEND_SEATBELT_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* A tree or file that the cage may use. path is physical, absolute and clean. */
struct cage_seatbelt_grant {
    char *path;
    bool writable;
    enum cage_file_type type; /* NONE: not there yet, so it may become either */
};

/* A path in a writable tree that stays as it is. */
struct cage_seatbelt_guard {
    char *path;    /* physical; with a pattern: the directory */
    char *except;  /* physical, below path: stays writable; NULL: nothing does */
    char *pattern; /* names in path that are guarded, with '*' for any text; NULL: all of path */
};

/*
 * What a profile is made from; seatbelt_job.h makes it of a plan. Paths are physical (the kernel compares
 * those), absolute and clean. An empty list grants nothing.
 */
struct cage_seatbelt_input {
    enum cage_level level;
    enum cage_net_mode net;
    uint16_t gate_port;   /* CAGE_NET_GATE: localhost port of the gate's listener */
    uint16_t *host_ports; /* ports of localhost that may be connected to although the network is off */
    size_t n_host_ports;
    uint16_t *expose; /* ports of localhost that may be listened on although the network is off */
    size_t n_expose;
    struct cage_seatbelt_grant *grants; /* session directories, project, home, binds; any order */
    size_t n_grants;
    struct cage_strv nodes;             /* symlinks on the way to grants: only their metadata */
    struct cage_strv deny;              /* blacklist */
    struct cage_seatbelt_guard *guards; /* protected files */
    size_t n_guards;
    struct cage_strv nix_reads; /* below /nix: read-only trees */
    struct cage_strv sockets;   /* Unix sockets of other programs that may be connected to */
    char *tty;                  /* the launch terminal, "/dev/ttys003"; NULL: none */
    char *tag;                  /* --debug: marks denials in the log; NULL: none */
};

/* An input that grants nothing. */
void cage_seatbelt_input_init(struct cage_seatbelt_input *in);

/* Frees what is in it; a zeroed or finished one is fine. */
void cage_seatbelt_input_finish(struct cage_seatbelt_input *in);

/* Appends a grant; the string is copied. */
void cage_seatbelt_grant(struct cage_seatbelt_input *in, const char *path, bool writable,
                         enum cage_file_type type);

/* Appends a guard; strings are copied, except and pattern may be NULL. */
void cage_seatbelt_guard(struct cage_seatbelt_input *in, const char *path, const char *except,
                         const char *pattern);

/*
 * Whether a profile can be made of the input: every path can stand in one, no grant goes round a denial, and
 * what the run has to know is there. If not, fills *err (CAGE_ERR_CONFIG; CAGE_ERR_INTERNAL for what is not
 * the user's) and returns -1. Part of cage_seatbelt_render().
 */
int cage_seatbelt_check(const struct cage_seatbelt_input *in, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Appends the profile to *out. Fails with CAGE_ERR_CONFIG when a path cannot be written into a profile
 * (relative, control characters, not UTF-8), when a grant lies at or under a denied path, or would show the
 * whole machine under a second name; nothing is appended then. The order of the lists does not matter.
 */
int cage_seatbelt_render(const struct cage_seatbelt_input *in, struct cage_strbuf *out,
                         struct cage_error *err) CAGE_MUST_CHECK;

/*
 * The physical path of `path` (absolute) as macOS sees it: symlinks are followed through host->lookup as far
 * as anything exists, /tmp, /var and /etc lead to /private, /System/Volumes/Data to /. Every symlink passed
 * is added to *nodes (NULL: not wanted). *type gets what is there. Returns a string that the caller frees, or
 * NULL with *err when a component cannot be examined (anything but "not there"), or there are more than 32
 * symlinks.
 */
char *cage_seatbelt_resolve(const struct cage_host *host, const char *path, struct cage_strv *nodes,
                            enum cage_file_type *type, struct cage_error *err);

#endif
