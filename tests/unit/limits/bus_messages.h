/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What systemd says on its private socket, made up, in either order of bytes. */
#ifndef TEST_LIMITS_BUS_MESSAGES_H
#define TEST_LIMITS_BUS_MESSAGES_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

/* A header field: member or signature in text, reply serial in number. */
struct test_field {
    uint8_t code;
    char type;
    const char *text;
    uint32_t number;
};

/* Appends a number, as `big` has it, at a multiple of four. */
void test_add_u32(struct cage_strbuf *out, bool big, uint32_t value);
/* Appends a string or an object path. */
void test_add_text(struct cage_strbuf *out, bool big, const char *text);
/* Appends a message of this type. */
void test_add_message(struct cage_strbuf *out, bool big, int type, const struct test_field *fields, size_t n,
                      const struct cage_strbuf *body);

/* The answer to the call with serial number 1: its job. */
void test_add_job(struct cage_strbuf *out, bool big, const char *job);
/* An error in its place; text NULL: without one. */
void test_add_error(struct cage_strbuf *out, bool big, const char *text);
/* The signal JobRemoved. */
void test_add_removed(struct cage_strbuf *out, bool big, const char *job, const char *unit,
                      const char *result);
/* A signal about something else. */
void test_add_noise(struct cage_strbuf *out, bool big);

#endif
