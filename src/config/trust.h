/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the user allowed a project. A project's nixcage.toml is untrusted until its user says so (`nixcage
 * allow`, `nixcage init`); what was allowed is kept outside the project, where no cage can write.
 */
#ifndef CAGE_CONFIG_TRUST_H
#define CAGE_CONFIG_TRUST_H

#include "base/strv.h"
#include "config/config.h"
#include "host/host.h"
#include "host/project.h"

enum cage_trust {
    CAGE_TRUST_TRUSTED,   /* means the same as what was allowed */
    CAGE_TRUST_UNKNOWN,   /* nothing was ever allowed here, or the record cannot be used */
    CAGE_TRUST_TIGHTENED, /* differs, but grants nothing more: accepted; the caller records it */
    CAGE_TRUST_WIDENED,   /* grants more than was allowed: needs a word from the user */
};

struct cage_trust_state {
    enum cage_trust verdict;
    /*
     * What the user has to judge, one line each, fit for a terminal: for WIDENED what is new
     * ("+ rw_bind /tmp/shared (nixcage.toml:7)", "level strict → standard (nixcage.toml:2)"), for UNKNOWN
     * everything the configuration grants. A file that Nix evaluates on the host and that is not as it was
     * widens, too: "shell.nix changed since it was allowed".
     */
    struct cage_strv grants;
    /* The project's files that Nix evaluates, as they were looked at (nixfiles.h). */
    struct cage_strv files;
};

#define CAGE_TRUST_AUTO __attribute__((cleanup(cage_trust_finish))) struct cage_trust_state

/*
 * Compares *config with what was allowed for this project and fills *state, which finish() frees. An error
 * (never UNKNOWN) is a trust directory that somebody else could have written: CAGE_ERR_TRUST with the fix.
 */
int cage_trust_check(const struct cage_host *host, const struct cage_project *project,
                     const struct cage_config *config, struct cage_trust_state *state,
                     struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_trust_finish(struct cage_trust_state *state);

/*
 * Remembers *config as allowed for this project: state_home/trust/SHA256-OF-ROOT, 0600, atomic. seen: what
 * the user was asked about, so that a file which changed since is asked about again; NULL: as the files are
 * now.
 */
int cage_trust_record(const struct cage_host *host, const struct cage_project *project,
                      const struct cage_config *config, const struct cage_trust_state *seen,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* Forgets the project. *had (may be NULL): whether there was anything to forget. */
int cage_trust_forget(const struct cage_host *host, const struct cage_project *project, bool *had,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* What lexical comparison of paths needs: the user's home and the project's root. */
struct cage_trust_places {
    const char *home, *root;
};

/*
 * Pure: appends a line to *widened for everything `now` grants and `before` does not, and to *tightened for
 * everything else that changed. Which change of which key is which is a table in trust_diff.c.
 */
void cage_trust_diff(const struct cage_config *before, const struct cage_config *now,
                     const struct cage_trust_places *places, struct cage_strv *widened,
                     struct cage_strv *tightened);

/* Pure: appends a line to *grants for everything the configuration grants beyond a cage with nothing in it.
 */
void cage_trust_grants(const struct cage_config *config, const struct cage_trust_places *places,
                       struct cage_strv *grants);

#endif
