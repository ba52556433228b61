/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making and removing a project's files: nixcage.toml, .envrc, .nixcage/.
 *
 * Only one nixcage works in a directory at a time (a lock on the directory itself). Every file is replaced as
 * a whole, nixcage.toml comes last, so that a run killed anywhere leaves either a project or something that
 * the next `init` or `destroy` completes. No symlink is ever followed or written through.
 */
#ifndef CAGE_CLI_PROJECT_FILES_H
#define CAGE_CLI_PROJECT_FILES_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cage_files {
    char *root;            /* physical path of the directory */
    int dirfd;             /* open on it and locked; -1: none */
    struct cage_strv done; /* what was made or removed, a line each, for the user: "NAME\tremark" */
    struct cage_strv kept; /* what was left alone and why */
};

/*
 * Opens and locks dir. make: create it with its parents when it is missing. Waits a few seconds for another
 * nixcage, then fails. finish() unlocks; it accepts a zeroed one whose dirfd is -1.
 */
int cage_files_open(struct cage_files *files, const char *dir, bool make,
                    struct cage_error *err) CAGE_MUST_CHECK;
/* Closes and frees; accepts one whose open() failed. */
void cage_files_finish(struct cage_files *files);

/* Whether anything of nixcage's is there (a nixcage.toml, .nixcage or a block in .envrc). */
bool cage_files_present(const struct cage_files *files);

/*
 * Makes the project with this nixcage.toml. An existing one is an error unless replace is set; then it is
 * kept as nixcage.toml.bak. On failure, what this call made is taken back as far as possible.
 */
int cage_files_init(struct cage_files *files, const char *config, size_t n, bool replace,
                    struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Makes .nixcage/, its .gitignore and .nixcage/local (0700) below dirfd where they are
 * missing, as in a fresh clone; *made: whether .nixcage itself was. Anything else in their places is an
 * error. Needs no lock.
 */
int cage_files_make_state(int dirfd, bool *made, struct cage_error *err) CAGE_MUST_CHECK;

/* Replaces a file of the project as a whole. mode 0: a new file's, less the umask; else exactly this. */
int cage_files_put(int dirfd, const char *name, const struct cage_strbuf *text, mode_t mode,
                   struct cage_error *err) CAGE_MUST_CHECK;

/* Removes nixcage's files and its block; keep_config leaves nixcage.toml, for reinit to replace. */
int cage_files_destroy(struct cage_files *files, bool keep_config, struct cage_error *err) CAGE_MUST_CHECK;

#endif
