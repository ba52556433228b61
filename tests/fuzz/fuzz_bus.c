/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Anything in systemd's place: the first byte says in what pieces the rest comes. */
#include "limits/bus.h"
#include "limits/scope.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* As it comes, without the greeting: what is a message has its parts inside of it. */
static void parse(const uint8_t *data, size_t n)
{
    const char *texts[CAGE_BUS_MAX_TEXTS];
    struct cage_bus_message message;

    if (n < CAGE_BUS_HEAD || cage_bus_size(data) != n || !cage_bus_parse(data, n, &message))
        return;
    if (message.body < data || message.body + message.size != data + n)
        abort();
    if (cage_bus_texts(&message, "uoss", texts))
        for (int i = 1; i < CAGE_BUS_MAX_TEXTS; i++)
            if (texts[i] < (const char *)data || texts[i] + strlen(texts[i]) >= (const char *)data + n)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cage_scope_talk talk;
    struct cage_error err = {0};
    size_t piece;
    int rc = 0;

    if (n == 0)
        return 0;
    parse(data, n);
    piece = data[0] ? data[0] : n;
    cage_scope_talk_init(&talk, "nixcage-42.scope");
    for (size_t at = 1; at < n && rc == 0; at += piece)
        rc = cage_scope_talk_take(&talk, data + at, piece < n - at ? piece : n - at, &err);
    if (rc < 0 && !err.message[0])
        abort();
    cage_scope_talk_finish(&talk);
    return 0;
}
