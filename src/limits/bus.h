/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * D-Bus messages (D-Bus Specification 0.43, "Message Protocol"): as much as it takes to ask systemd for a
 * scope and to understand what it answers. Bytes in, bytes out: no system call.
 */
#ifndef CAGE_LIMITS_BUS_H
#define CAGE_LIMITS_BUS_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Message Types". */
enum cage_bus_type { CAGE_BUS_CALL = 1, CAGE_BUS_RETURN = 2, CAGE_BUS_ERROR = 3, CAGE_BUS_SIGNAL = 4 };

/* Larger ones are refused; the specification allows 128 MiB. */
enum { CAGE_BUS_MAX = 4 << 20, CAGE_BUS_HEAD = 16, CAGE_BUS_MAX_TEXTS = 4 };

/* A property of a unit, as StartTransientUnit takes them (org.freedesktop.systemd1(5)). */
struct cage_bus_property {
    const char *name;
    char type;               /* 's', 'b', 't' (uint64), or 'a' for "au" */
    const char *text;        /* 's' */
    uint64_t number;         /* 'b', 't'; 'a': how many */
    const uint32_t *numbers; /* 'a' */
};

/* Appends a call of Manager.StartTransientUnit(unit, "fail", properties, no others) with this serial number.
 */
void cage_bus_start_unit(struct cage_strbuf *out, uint32_t serial, const char *unit,
                         const struct cage_bus_property *properties, size_t n);

/* A message as it lies in the buffer it was parsed from. Fields that it does not have are NULL or 0. */
struct cage_bus_message {
    enum cage_bus_type type;
    uint32_t reply_to;     /* the serial number of what it answers */
    const char *member;    /* of a signal */
    const char *signature; /* of the body; "" when there is none */
    const unsigned char *body;
    size_t size;
    bool swapped; /* not this machine's order of bytes */
};

/*
 * The size of the message that begins with these CAGE_BUS_HEAD bytes, whole. 0: they begin none, or one that
 * is larger than CAGE_BUS_MAX.
 */
size_t cage_bus_size(const unsigned char *head);

/* Reads the n bytes of a message, as cage_bus_size() told. False: malformed. It points into data. */
bool cage_bus_parse(const unsigned char *data, size_t n, struct cage_bus_message *message);

/*
 * The strings and object paths of a body whose signature begins with these types, all of "suo" and not more
 * than CAGE_BUS_MAX_TEXTS; numbers are passed over and are NULL there. False: it is of another kind, or
 * malformed.
 */
bool cage_bus_texts(const struct cage_bus_message *message, const char *types,
                    const char *texts[CAGE_BUS_MAX_TEXTS]);

#endif
