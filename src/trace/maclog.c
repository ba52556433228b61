/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/maclog.h"
#include "base/mem.h"
#include "base/path.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COUNT = 1000000 };

void cage_maclog_denial_finish(struct cage_maclog_denial *denial)
{
    free(denial->program);
    free(denial->operation);
    free(denial->target);
    *denial = (struct cage_maclog_denial){0};
}

/* "3 duplicate reports for Sandbox: …": 3; else 1. */
static size_t read_count(const char *message)
{
    char *end;
    unsigned long n;

    if (message[0] < '1' || message[0] > '9')
        return 1;
    n = strtoul(message, &end, 10);
    if (strncmp(end, " duplicate report", 17) != 0)
        return 1;
    return n < MAX_COUNT ? n : MAX_COUNT;
}

/*
 * The process part, `cat(1234) deny(1) `, begins at `at`: a process may have any name, even one like a
 * denial. Returns what follows, or NULL; *open is the parenthesis before its number.
 */
static const char *after_verdict(const char *at, const char **open)
{
    for (const char *p = at; (p = strstr(p, ") deny(")); p++) {
        const char *digits = p + strlen(") deny(");
        size_t n = strspn(digits, "0123456789");

        *open = p;
        while (*open > at && (*open)[-1] >= '0' && (*open)[-1] <= '9')
            (*open)--;
        if (*open == p || *open == at || (*open)[-1] != '(' || n == 0 || strncmp(digits + n, ") ", 2) != 0)
            continue;
        (*open)--;
        return digits + n + 2; /* what comes later may be part of a path */
    }
    return NULL;
}

bool cage_maclog_message(const char *message, struct cage_maclog_denial *denial)
{
    const char *at = strstr(message, "Sandbox: "), *open = NULL;
    const char *rest = at ? after_verdict(at + strlen("Sandbox: "), &open) : NULL;
    size_t n = rest ? strcspn(rest, " \n") : 0;

    *denial = (struct cage_maclog_denial){0};
    if (n == 0)
        return false;
    at += strlen("Sandbox: ");
    denial->program = cage_strndup(at, (size_t)(open - at));
    denial->pid = strtol(open + 1, NULL, 10);
    denial->operation = cage_strndup(rest, n);
    rest += n + (rest[n] == ' ');
    denial->target = cage_strndup(rest, strcspn(rest, "\n"));
    denial->count = read_count(message);
    return true;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * "remote:*:443", "local:127.0.0.1:8080", "192.0.2.1:443", "[::1]:80": the address without brackets, and the
 * port. An address of "*" is one that the kernel does not tell.
 */
static bool read_address(const char *text, struct cage_event *event)
{
    const char *colon;
    unsigned long port;
    char *end, *address;

    if (begins(text, "remote:") || begins(text, "local:"))
        text = strchr(text, ':') + 1;
    colon = strrchr(text, ':');
    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
        return false;
    port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > UINT16_MAX)
        return false;
    address = cage_strndup(text, (size_t)(colon - text));
    if (address[0] == '[' && address[strlen(address) - 1] == ']') {
        address[strlen(address) - 1] = '\0';
        memmove(address, address + 1, strlen(address));
    }
    free(event->target);
    event->target = address;
    event->port = (uint16_t)port;
    return true;
}

static void read_kind(struct cage_event *event)
{
    const char *operation = event->call;
    bool is_path = event->target[0] == '/';

    event->kind = CAGE_EVENT_SYSTEM;
    if (begins(operation, "network-")) {
        event->write = begins(operation, "network-bind") || begins(operation, "network-inbound");
        if (is_path)
            event->kind = CAGE_EVENT_UNIX;
        else if (read_address(event->target, event))
            event->kind = CAGE_EVENT_NET;
    } else if (is_path && begins(operation, "file-")) {
        event->kind = CAGE_EVENT_FILE;
        event->write = begins(operation, "file-write") || begins(operation, "file-link") ||
                       begins(operation, "file-clone");
    } else if (is_path && begins(operation, "process-exec")) {
        event->kind = CAGE_EVENT_FILE;
        event->execute = true;
    }
    if (event->kind == CAGE_EVENT_FILE || event->kind == CAGE_EVENT_UNIX) {
        char *clean = cage_path_clean(event->target);

        free(event->target);
        event->target = clean;
    }
}

void cage_maclog_event(struct cage_maclog_denial *take_denial, struct cage_event *event)
{
    /* The log does not tell which error the program got. */
    *event = (struct cage_event){
        .pid = take_denial->pid,
        .program = take_denial->program,
        .call = take_denial->operation,
        .error = cage_strdup("denied"),
        .target = take_denial->target,
    };
    *take_denial = (struct cage_maclog_denial){0};
    read_kind(event);
}

/* Some versions write the tag on the same line. */
static void cut_tag(char *target, const char *tag)
{
    char *at = tag ? strstr(target, tag) : NULL;

    while (at && at > target && at[-1] == ' ')
        at--;
    if (at)
        *at = '\0';
}

bool cage_maclog_line(struct cage_trace_log *log, const char *line, size_t n, const char *tag,
                      const struct cage_trace_entry **entry, size_t *count)
{
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *message = json_string_value(json_object_get(root, "eventMessage"));
    struct cage_maclog_denial denial = {0};
    bool found = message && (!tag || strstr(message, tag)) && cage_maclog_message(message, &denial);

    if (found) {
        const struct cage_trace_entry *at;
        struct cage_event event;
        size_t reports = denial.count;

        cut_tag(denial.target, tag);
        cage_maclog_event(&denial, &event);
        at = cage_trace_log_event(log, &event, reports);
        if (entry)
            *entry = at;
        if (count)
            *count = reports;
    }
    json_decref(root);
    return found;
}
