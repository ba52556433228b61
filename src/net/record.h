/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the gate let through and what it refused: a line of JSON for each connection and for each refused
 * name, in a file of the host that nothing in the cage can reach, and the summary for the end of a run.
 */
#ifndef CAGE_NET_RECORD_H
#define CAGE_NET_RECORD_H

#include "base/error.h"
#include "base/strbuf.h"
#include "net/rules.h"

#include <stdint.h>

/* The file is set aside as PATH.1 (replacing the last one) when it has grown to this. */
enum { CAGE_RECORD_MAX_BYTES = 4 * 1024 * 1024 };

/* How many different refusals are kept apart; the rest is only counted. */
enum { CAGE_RECORD_MAX_DENIED = 512 };

enum cage_record_kind { CAGE_RECORD_NAME, CAGE_RECORD_CONNECTION, CAGE_RECORD_EXPOSE, CAGE_RECORD_HOST_PORT };
enum cage_record_verdict { CAGE_RECORD_ALLOWED, CAGE_RECORD_DENIED, CAGE_RECORD_FAILED };

struct cage_record_entry {
    enum cage_record_kind kind;
    enum cage_record_verdict verdict;
    const char *name;   /* as known: a canonical name, an address, or what was asked for */
    uint16_t port;      /* 0: none */
    const char *reason; /* "" for none */
    bool can_allow;     /* DENIED: an entry in hosts would allow it */
    bool echo; /* DENIED: the second half of one request (A and AAAA): not counted when seen before */
    uint64_t sent, received; /* bytes out of and into the cage */
    uint64_t ms;             /* how long it lasted */
};

struct cage_record;

/* path: the log file (its directory exists), or NULL for none; run: tells the lines of this run from others'.
 */
struct cage_record *cage_record_new(const char *path, long run, struct cage_error *err) CAGE_MUST_CHECK;

/* Closes the file and frees the record. record may be NULL. */
void cage_record_free(struct cage_record *record);

/* Writes the line; a refusal that was seen before is only counted. */
void cage_record_add(struct cage_record *record, const struct cage_record_entry *entry);

/*
 * Appends the summary: nothing when nothing was refused, else lines without a prefix. hosts: the entries
 * there are, repeated in the line that would allow the rest.
 */
void cage_record_summary(const struct cage_record *record, const char *const *hosts, size_t n_hosts,
                         struct cage_strbuf *out);

/* The log file of a project below state_home ("…/log/network-HASH.jsonl"). The caller frees. */
char *cage_record_path(const char *state_home, const char *project_root);

#endif
