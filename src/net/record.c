/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/record.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct denied {
    char *name;
    uint16_t port;
    const char *reason;
    bool can_allow;
    uint64_t count;
};

struct cage_record {
    char *path;
    int fd; /* -1: none */
    long run;
    struct denied *denied;
    size_t n_denied;
    uint64_t others; /* refusals beyond the table */
};

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

struct cage_record *cage_record_new(const char *path, long run, struct cage_error *err)
{
    struct cage_record *record = cage_alloc(sizeof(*record));
    record->run = run;
    record->fd = -1;
    if (path) {
        record->path = cage_strdup(path);
        record->fd = open_log(path);
        if (record->fd < 0) {
            cage_error_sys(err, errno, "cannot write the network log %s", path);
            cage_record_free(record);
            return NULL;
        }
    }
    return record;
}

void cage_record_free(struct cage_record *record)
{
    if (!record)
        return;
    for (size_t i = 0; i < record->n_denied; i++)
        free(record->denied[i].name);
    free(record->denied);
    free(record->path);
    cage_close(&record->fd);
    free(record);
}

/*
 * Sets a file that has grown too large aside, once, whichever of several gates sees it first. False when that
 * is not possible, as in a directory of someone else's, and the file has grown to twice the limit.
 */
static bool rotate(struct cage_record *record)
{
    struct stat ours, theirs;
    if (fstat(record->fd, &ours) != 0 || ours.st_size < CAGE_RECORD_MAX_BYTES)
        return true;
    cage_autofree char *old = cage_format("%s.1", record->path);
    (void)flock(record->fd, LOCK_EX);
    if (stat(record->path, &theirs) == 0 && theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
        (void)rename(record->path, old);
    (void)flock(record->fd, LOCK_UN);
    int fresh = open_log(record->path);
    if (fresh >= 0) {
        cage_close(&record->fd);
        record->fd = fresh;
    }
    return fstat(record->fd, &ours) == 0 && ours.st_size < 2 * (off_t)CAGE_RECORD_MAX_BYTES;
}

static void format_time(char *out, size_t size)
{
    struct timespec ts;
    struct tm tm;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    (void)gmtime_r(&ts.tv_sec, &tm);
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + n, size - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

static void write_line(struct cage_record *record, const struct cage_record_entry *entry)
{
    static const char *const kinds[] = {"name", "connection", "expose", "host_port"};
    static const char *const verdicts[] = {"allowed", "denied", "failed"};
    char now[40];
    if (record->fd < 0 || !rotate(record))
        return;
    format_time(now, sizeof(now));
    json_t *line =
        json_pack("{ss sI ss ss ss sI ss sI sI sI}", "time", now, "run", (json_int_t)record->run, "kind",
                  kinds[entry->kind], "verdict", verdicts[entry->verdict], "name", entry->name, "port",
                  (json_int_t)entry->port, "reason", entry->reason, "sent", (json_int_t)entry->sent,
                  "received", (json_int_t)entry->received, "ms", (json_int_t)entry->ms);
    cage_autofree char *text = line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(line);
    if (!text)
        return;
    cage_autofree char *whole = cage_format("%s\n", text);
    /* One write, so that the lines of several gates stay whole; a full disk costs only the record. */
    if (write(record->fd, whole, strlen(whole)) < 0)
        return;
}

/* Counts a refusal; true when it is a new one. */
static bool count_denied(struct cage_record *record, const struct cage_record_entry *entry)
{
    for (size_t i = 0; i < record->n_denied; i++) {
        struct denied *denied = &record->denied[i];
        if (denied->port == entry->port && strcmp(denied->reason, entry->reason) == 0 &&
            strcmp(denied->name, entry->name) == 0) {
            denied->count += entry->echo ? 0 : 1;
            return false;
        }
    }
    if (record->n_denied == CAGE_RECORD_MAX_DENIED) {
        record->others++;
        return false;
    }
    if (!record->denied)
        record->denied = cage_alloc(CAGE_RECORD_MAX_DENIED * sizeof(*record->denied));
    record->denied[record->n_denied++] = (struct denied){
        .name = cage_strdup(entry->name),
        .port = entry->port,
        .reason = entry->reason,
        .can_allow = entry->can_allow,
        .count = 1,
    };
    return true;
}

void cage_record_add(struct cage_record *record, const struct cage_record_entry *entry)
{
    if (entry->verdict != CAGE_RECORD_DENIED || count_denied(record, entry))
        write_line(record, entry);
}

static void add_hosts_line(const struct cage_record *record, const char *const *hosts, size_t n_hosts,
                           struct cage_strbuf *out)
{
    CAGE_STRV_AUTO list = {0};
    cage_strv_init(&list);
    for (size_t i = 0; i < n_hosts; i++)
        cage_strv_add(&list, hosts[i]);
    for (size_t i = 0; i < record->n_denied; i++) {
        const struct denied *denied = &record->denied[i];
        bool plain = denied->port == 0 || denied->port == 80 || denied->port == 443;
        bool v6 = strchr(denied->name, ':') != NULL;
        cage_autofree char *host = plain && !v6
                                       ? cage_strdup(denied->name)
                                       : cage_format(v6 ? "[%s]:%u" : "%s:%u", denied->name, denied->port);
        if (denied->can_allow && !cage_strv_has(&list, host))
            cage_strv_add(&list, host);
    }
    if (list.n == n_hosts)
        return;
    cage_strbuf_add(out, "to allow: hosts = [");
    for (size_t i = 0; i < list.n; i++) {
        cage_strbuf_add(out, i ? ", " : "");
        cage_strbuf_add_toml_string(out, list.items[i]);
    }
    cage_strbuf_add(out, "]\n");
}

void cage_record_summary(const struct cage_record *record, const char *const *hosts, size_t n_hosts,
                         struct cage_strbuf *out)
{
    enum { SHOWN = 10 };
    if (record->n_denied == 0)
        return;
    cage_strbuf_add(out, "network requests were denied:\n");
    uint64_t rest = record->others;
    for (size_t i = 0; i < record->n_denied; i++) {
        const struct denied *denied = &record->denied[i];
        if (i >= SHOWN) {
            rest += denied->count;
            continue;
        }
        cage_strbuf_add(out, "  ");
        cage_strbuf_add_printable(out, denied->name);
        if (denied->port)
            cage_strbuf_addf(out, " port %u", denied->port);
        cage_strbuf_addf(out, ": %s (%" PRIu64 " time%s)\n", denied->reason, denied->count,
                         denied->count == 1 ? "" : "s");
    }
    if (rest > 0)
        cage_strbuf_addf(out, "  and %" PRIu64 " more, see `nixcage log`\n", rest);
    add_hosts_line(record, hosts, n_hosts, out);
}

char *cage_record_path(const char *state_home, const char *project_root)
{
    char hex[CAGE_HASH_HEX];
    cage_hash_hex(project_root, strlen(project_root), hex);
    return cage_format("%s/log/network-%.16s.jsonl", state_home, hex);
}
