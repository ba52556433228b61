/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bus_messages.h"

#include <string.h>

static void pad(struct cage_strbuf *out, size_t to)
{
    while (out->len % to)
        cage_strbuf_addc(out, 0);
}

void test_add_u32(struct cage_strbuf *out, bool big, uint32_t value)
{
    pad(out, 4);
    for (unsigned i = 0; i < 4; i++)
        cage_strbuf_addc(out, (int)(value >> (big ? 24 - 8 * i : 8 * i) & 0xff));
}

void test_add_text(struct cage_strbuf *out, bool big, const char *text)
{
    test_add_u32(out, big, (uint32_t)strlen(text));
    cage_strbuf_add_bytes(out, text, strlen(text) + 1);
}

static void add_signature(struct cage_strbuf *out, const char *types)
{
    cage_strbuf_addc(out, (int)strlen(types));
    cage_strbuf_add_bytes(out, types, strlen(types) + 1);
}

void test_add_message(struct cage_strbuf *out, bool big, int type, const struct test_field *fields, size_t n,
                      const struct cage_strbuf *body)
{
    CAGE_STRBUF_AUTO list = {0};
    CAGE_STRBUF_AUTO head = {0};

    cage_strbuf_init(&list);
    cage_strbuf_init(&head);
    for (size_t i = 0; i < n; i++) {
        const char types[] = {fields[i].type, '\0'};

        pad(&list, 8);
        cage_strbuf_addc(&list, fields[i].code);
        add_signature(&list, types);
        if (fields[i].type == 'u')
            test_add_u32(&list, big, fields[i].number);
        else if (fields[i].type == 'g')
            add_signature(&list, fields[i].text);
        else
            test_add_text(&list, big, fields[i].text);
    }
    cage_strbuf_add_bytes(&head, (const char[]){big ? 'B' : 'l', (char)type, 1, 1}, 4);
    test_add_u32(&head, big, (uint32_t)body->len);
    test_add_u32(&head, big, 77);
    test_add_u32(&head, big, (uint32_t)list.len);
    cage_strbuf_add_bytes(&head, list.buf, list.len);
    pad(&head, 8);
    cage_strbuf_add_bytes(out, head.buf, head.len);
    cage_strbuf_add_bytes(out, body->buf, body->len);
}

void test_add_job(struct cage_strbuf *out, bool big, const char *job)
{
    const struct test_field fields[] = {{5, 'u', NULL, 1}, {8, 'g', "o", 0}};
    CAGE_STRBUF_AUTO body = {0};

    cage_strbuf_init(&body);
    test_add_text(&body, big, job);
    test_add_message(out, big, 2, fields, 2, &body);
}

void test_add_error(struct cage_strbuf *out, bool big, const char *text)
{
    const struct test_field fields[] = {
        {4, 's', "org.freedesktop.systemd1.UnitExists", 0}, {5, 'u', NULL, 1}, {8, 'g', "s", 0}};
    CAGE_STRBUF_AUTO body = {0};

    cage_strbuf_init(&body);
    if (text)
        test_add_text(&body, big, text);
    test_add_message(out, big, 3, fields, text ? 3 : 2, &body);
}

void test_add_removed(struct cage_strbuf *out, bool big, const char *job, const char *unit,
                      const char *result)
{
    const struct test_field fields[] = {{1, 'o', "/org/freedesktop/systemd1", 0},
                                        {2, 's', "org.freedesktop.systemd1.Manager", 0},
                                        {3, 's', "JobRemoved", 0},
                                        {8, 'g', "uoss", 0}};
    CAGE_STRBUF_AUTO body = {0};

    cage_strbuf_init(&body);
    test_add_u32(&body, big, 7);
    test_add_text(&body, big, job);
    test_add_text(&body, big, unit);
    test_add_text(&body, big, result);
    test_add_message(out, big, 4, fields, 4, &body);
}

void test_add_noise(struct cage_strbuf *out, bool big)
{
    const struct test_field fields[] = {{3, 's', "UnitNew", 0}, {8, 'g', "so", 0}};
    CAGE_STRBUF_AUTO body = {0};

    cage_strbuf_init(&body);
    test_add_text(&body, big, "x.service");
    test_add_text(&body, big, "/org/freedesktop/systemd1/unit/x");
    test_add_message(out, big, 4, fields, 2, &body);
}
