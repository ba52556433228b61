/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seatbelt_cases.h"
#include "base/fs.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void seatbelt_case(struct cage_seatbelt_input *in, enum cage_level level, enum cage_net_mode net)
{
    cage_seatbelt_input_init(in);
    in->level = level;
    in->net = level == CAGE_LEVEL_STRICT ? CAGE_NET_NONE : net;
    if (in->net == CAGE_NET_GATE)
        in->gate_port = 8118;
    cage_seatbelt_grant(in, CASE_SESSION "/home", true, CAGE_FILE_DIR);
    cage_seatbelt_grant(in, CASE_SESSION "/tmp", true, CAGE_FILE_DIR);
    cage_strv_add(&in->nix_reads, "/nix/store");
    cage_strv_add(&in->nix_reads, "/nix/var/nix/profiles");
    if (level == CAGE_LEVEL_STRICT)
        return;
    if (level == CAGE_LEVEL_RELAXED)
        cage_seatbelt_grant(in, CASE_HOME, false, CAGE_FILE_DIR);
    cage_seatbelt_grant(in, CASE_PROJECT, true, CAGE_FILE_DIR);
    cage_seatbelt_guard(in, CASE_PROJECT "/nixcage.toml", NULL, NULL);
    cage_seatbelt_guard(in, CASE_PROJECT "/.envrc", NULL, NULL);
    cage_seatbelt_guard(in, CASE_PROJECT "/.nixcage", CASE_PROJECT "/.nixcage/local", NULL);
    cage_seatbelt_guard(in, CASE_PROJECT "/.git/hooks", NULL, NULL);
    cage_seatbelt_guard(in, CASE_PROJECT "/.git/config", NULL, NULL);
    cage_seatbelt_guard(in, CASE_PROJECT "/.claude", NULL, "settings*.json");
}

char *seatbelt_render(const struct cage_seatbelt_input *in)
{
    struct cage_strbuf out;
    struct cage_error err = {0};

    cage_strbuf_init(&out);
    if (cage_seatbelt_render(in, &out, &err) < 0)
        fail_msg("render: %s", err.message);
    return cage_strbuf_steal(&out);
}

static void show_difference(const char *path, const char *want, const char *got)
{
    int line = 1;

    while (*want && *want == *got) {
        line += *want == '\n';
        want++, got++;
    }
    fail_msg("%s:%d differs: \"%.60s\" expected, \"%.60s\" made (UPDATE_GOLDEN=1 accepts it)", path, line,
             want, got);
}

void seatbelt_same_file(const char *path, const char *text)
{
    CAGE_STRBUF_AUTO have = {0};
    struct cage_error err = {0};

    cage_strbuf_init(&have);
    if (getenv("UPDATE_GOLDEN")) {
        if (cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0644, &err) < 0)
            fail_msg("%s", err.message);
        return;
    }
    if (cage_fs_read(AT_FDCWD, path, (size_t)1 << 20, &have, &err) < 0)
        fail_msg("%s", err.message);
    if (strcmp(have.buf, text) != 0)
        show_difference(path, have.buf, text);
}

void seatbelt_golden(const char *name, const char *text)
{
    cage_autofree char *path = cage_format("%s/../../golden/seatbelt/%s", TEST_SRCDIR, name);

    seatbelt_same_file(path, text);
}
