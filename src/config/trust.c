/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records of what was allowed: one file a project, which is a nixcage.toml in canonical form under a
 * header. */
#include "config/trust.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/dump.h"
#include "config/nixfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_MAX_BYTES = 4 << 20 };

static char *trust_dir(const struct cage_host *host)
{
    return cage_path_join(host->state_home, "trust");
}

void cage_trust_finish(struct cage_trust_state *state)
{
    cage_strv_finish(&state->grants);
    cage_strv_finish(&state->files);
}

/* Nobody but the user (and root) may be able to write what we believe. */
static int check_owner(int fd, const char *path, struct cage_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot stat %s", path);
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        cage_error_set(err, CAGE_ERR_TRUST, "%s belongs to another user (uid %lu)", path,
                       (unsigned long)st.st_uid);
        return cage_error_hint(err, "Remove it, then run `nixcage allow` in the project");
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        cage_error_set(err, CAGE_ERR_TRUST, "%s can be written by other users", path);
        return cage_error_hint(err, "Look at what is in it, then run `chmod go-w %s`", path);
    }
    return 0;
}

/* Opens state_home/trust. Returns the descriptor, -1 with *err, or -2 when it is not there. */
static int open_dir(const struct cage_host *host, struct cage_error *err)
{
    cage_autofree char *path = trust_dir(host);
    cage_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return -2;
    if (fd < 0) {
        cage_error_sys(err, errno, "cannot open %s", path);
        return cage_error_hint(err, "Make it a directory of yours that only you can write");
    }
    if (check_owner(fd, path, err) < 0)
        return -1;
    return cage_steal_fd(&fd);
}

/* Where the hash of the text stands at the beginning of a record. */
#define HEADER "# nixcage trust 1 "

/* Before a file that Nix evaluates: SHA-256 and name. A comment to TOML, which has one key a line. */
#define FILE_PREFIX "# file "

/* What a record says, without its header. */
static void make_body(const struct cage_project *project, const struct cage_config *config,
                      const struct cage_strv *files, struct cage_strbuf *body)
{
    cage_strbuf_add(body, "# ");
    cage_strbuf_add_toml_string(body, project->root);
    cage_strbuf_add(body, "\n");
    for (size_t i = 0; i < files->n; i++)
        cage_strbuf_addf(body, FILE_PREFIX "%s\n", files->items[i]);
    cage_config_dump(config, body);
}

static void add_header(struct cage_strbuf *record, const struct cage_strbuf *body)
{
    char hex[CAGE_HASH_HEX];

    cage_hash_hex(body->buf, body->len, hex);
    cage_strbuf_addf(record, HEADER "%s\n", hex);
}

/* Where the body of a record begins; 0: it has no header. */
static size_t body_at(const struct cage_strbuf *record)
{
    const size_t head = strlen(HEADER) + CAGE_HASH_HEX;

    return record->len >= head && strncmp(record->buf, HEADER, strlen(HEADER)) == 0 &&
                   record->buf[head - 1] == '\n'
               ? head
               : 0;
}

/* Whether a record says just this. Then it is whole, too: no hash has to be computed on the way into a cage.
 */
static bool says(const struct cage_strbuf *record, const struct cage_strbuf *body)
{
    const size_t head = body_at(record);

    return head && record->len - head == body->len && memcmp(record->buf + head, body->buf, body->len) == 0;
}

/* Whether a record is whole: a torn or edited one is as good as none. */
static bool is_whole(const struct cage_strbuf *record)
{
    const size_t head = body_at(record);
    char hex[CAGE_HASH_HEX];

    if (!head)
        return false;
    cage_hash_hex(record->buf + head, record->len - head, hex);
    return strncmp(record->buf + strlen(HEADER), hex, CAGE_HASH_HEX - 1) == 0;
}

/* Reads the project's record, whole or not. Returns 1, 0 when there is none, -1 with *err. */
static int read_record(const struct cage_host *host, const char *name, struct cage_strbuf *record,
                       struct cage_error *err)
{
    cage_autofd int dir = open_dir(host, err);
    cage_autofd int fd = -1;

    if (dir < 0)
        return dir == -2 ? 0 : -1;
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP))
        return 0;
    if (fd < 0)
        return cage_error_sys(err, errno, "cannot open the trust record %s", name);
    if (check_owner(fd, name, err) < 0)
        return -1;
    if (cage_fs_read_fd(fd, RECORD_MAX_BYTES, record, err) < 0)
        return cage_error_wrap(err, "trust record %s", name);
    return 1;
}

/* The record's line about the file whose line (hash and name) this is, or NULL; *len: its length. */
static const char *recorded_file(const struct cage_strbuf *record, const char *line, size_t *len)
{
    const char *name = strchr(line, ' '), *at = record->buf;

    for (; name && at && (at = strstr(at, "\n" FILE_PREFIX)); at = strchr(at, '\n')) {
        const char *space;

        at += strlen("\n" FILE_PREFIX);
        *len = strcspn(at, "\n");
        space = memchr(at, ' ', *len);
        if (space && *len - (size_t)(space - at) == strlen(name) && strncmp(space, name, strlen(name)) == 0)
            return at;
    }
    return NULL;
}

/* What is no longer referred to needs no word; what is not there and was not is as it was. */
static void compare_files(const struct cage_strbuf *record, struct cage_trust_state *state)
{
    for (size_t i = 0; i < state->files.n; i++) {
        const char *line = state->files.items[i], *name = strchr(line, ' ') + 1, *old;
        cage_autofree char *bare = cage_strndup(name + 1, strlen(name) - 2);
        size_t len;

        old = recorded_file(record, line, &len);
        if (old && strncmp(old, line, len) == 0)
            continue;
        if (!old && line[0] != '-')
            cage_strv_addf(&state->grants, "%s is new since this was allowed", bare);
        else if (old)
            cage_strv_addf(&state->grants, "%s %s since it was allowed", bare,
                           line[0] == '-'  ? "is gone"
                           : old[0] == '-' ? "appeared"
                                           : "changed");
    }
}

static void compare(const struct cage_host *host, const struct cage_project *project,
                    const struct cage_config *config, const struct cage_strbuf *record,
                    struct cage_trust_state *state)
{
    const struct cage_trust_places places = {host->home, project->root};
    struct cage_config before;

    cage_config_init(&before);
    /* A record that this version does not understand (a key was dropped) says nothing about what was allowed.
     */
    if (cage_config_parse(&before, "trust record", record->buf, record->len, NULL) == 0) {
        cage_trust_diff(&before, config, &places, &state->grants, NULL);
        compare_files(record, state);
        state->verdict = state->grants.n ? CAGE_TRUST_WIDENED : CAGE_TRUST_TIGHTENED;
    } else {
        cage_trust_grants(config, &places, &state->grants);
    }
    cage_config_finish(&before);
}

int cage_trust_check(const struct cage_host *host, const struct cage_project *project,
                     const struct cage_config *config, struct cage_trust_state *state, struct cage_error *err)
{
    const struct cage_trust_places places = {host->home, project->root};
    CAGE_STRBUF_AUTO record = {0}, wanted = {0};
    char name[CAGE_HASH_HEX];
    int found;

    *state = (struct cage_trust_state){.verdict = CAGE_TRUST_UNKNOWN};
    cage_strv_init(&state->grants);
    cage_strv_init(&state->files);
    cage_strbuf_init(&record);
    cage_strbuf_init(&wanted);
    cage_hash_hex(project->root, strlen(project->root), name);
    found = read_record(host, name, &record, err);
    if (found < 0)
        return -1;
    cage_nixfiles_survey(config, host, project->root, &state->files);
    make_body(project, config, &state->files, &wanted);
    if (found && says(&record, &wanted))
        state->verdict = CAGE_TRUST_TRUSTED;
    else if (found && is_whole(&record))
        compare(host, project, config, &record, state);
    else
        cage_trust_grants(config, &places, &state->grants);
    return 0;
}

int cage_trust_record(const struct cage_host *host, const struct cage_project *project,
                      const struct cage_config *config, const struct cage_trust_state *seen,
                      struct cage_error *err)
{
    cage_autofree char *path = trust_dir(host);
    CAGE_STRBUF_AUTO record = {0}, body = {0};
    CAGE_STRV_AUTO files = {0};
    cage_autofd int dir = -1;
    char name[CAGE_HASH_HEX];

    if (cage_fs_mkdirs(path, 0700, err) < 0)
        return cage_error_wrap(err, "cannot remember what is allowed");
    dir = open_dir(host, err);
    if (dir < 0)
        return dir == -2 ? cage_error_sys(err, ENOENT, "cannot open %s", path) : -1;
    cage_strbuf_init(&record);
    cage_strbuf_init(&body);
    if (!seen)
        cage_nixfiles_survey(config, host, project->root, &files);
    make_body(project, config, seen ? &seen->files : &files, &body);
    add_header(&record, &body);
    cage_strbuf_add_bytes(&record, body.buf, body.len);
    cage_hash_hex(project->root, strlen(project->root), name);
    if (cage_fs_write_atomic(dir, name, record.buf, record.len, 0600, err) < 0)
        return cage_error_wrap(err, "cannot remember what is allowed");
    return 0;
}

int cage_trust_forget(const struct cage_host *host, const struct cage_project *project, bool *had,
                      struct cage_error *err)
{
    cage_autofd int dir = open_dir(host, err);
    char name[CAGE_HASH_HEX];

    if (had)
        *had = false;
    if (dir < 0)
        return dir == -2 ? 0 : -1;
    cage_hash_hex(project->root, strlen(project->root), name);
    if (unlinkat(dir, name, 0) == 0) {
        if (had)
            *had = true;
        return 0;
    }
    return errno == ENOENT ? 0 : cage_error_sys(err, errno, "cannot remove the trust record %s", name);
}
