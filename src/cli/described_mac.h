/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `nixcage plan --platform macos` on another system: this machine's files, seen as if it were a Mac. */
#ifndef CAGE_CLI_DESCRIBED_MAC_H
#define CAGE_CLI_DESCRIBED_MAC_H

#include "cli/enter.h"
#include "cli/session.h"

/*
 * Makes entry->plan for a Mac. Nothing is resolved and no process is started: the packages' PATH is empty.
 * session->host becomes the described one.
 */
int cage_described_mac_prepare(struct cage_entry *entry, struct cage_session *session, char *const *argv,
                               struct cage_error *err) CAGE_MUST_CHECK;

/* Appends the profile of a plan for macOS; the session's directory in it is a placeholder. */
int cage_described_mac_profile(const struct cage_plan *plan, const struct cage_host *host,
                               struct cage_strbuf *out, struct cage_error *err) CAGE_MUST_CHECK;

#endif
