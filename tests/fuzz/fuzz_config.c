/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as nixcage.toml. Whatever is refused is refused with a place and a way out; whatever is accepted
 * has a canonical form that means the same, differs from itself in nothing, and can be edited.
 */
#include "base/strbuf.h"
#include "config/config.h"
#include "config/dump.h"
#include "config/edit.h"
#include "config/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);                         \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct cage_error *err, size_t size)
{
    CAGE_STRBUF_AUTO text = {0};

    CHECK(err->code == CAGE_ERR_CONFIG);
    CHECK(err->message[0] && err->hint[0] && strcmp(err->file, "fuzz.toml") == 0);
    CHECK(err->line > 0 || size > 1 << 20);
    CHECK(err->column > 0 || err->line == 0);
    cage_strbuf_init(&text);
    cage_error_render(err, &text);
    for (size_t i = 0; i < text.len; i++)
        CHECK((unsigned char)text.buf[i] >= ' ' || text.buf[i] == '\n' || text.buf[i] == '\t');
}

/* Adding a package to it and taking that out again is never refused for a reason of ours. */
static void check_edit(const struct cage_config *config, const char *text, size_t n)
{
    char name[] = "zz-fuzz", *names[] = {name, NULL};
    CAGE_STRBUF_AUTO more = {0}, back = {0};
    struct cage_error err = {0};
    size_t changed;
    int rc;

    for (size_t i = 0; i < config->packages.n; i++)
        if (strcmp(config->packages.items[i].value, name) == 0)
            return;
    cage_strbuf_init(&more);
    cage_strbuf_init(&back);
    rc = cage_config_add_packages("fuzz.toml", text, n, names, &more, &changed, &err);
    if (rc < 0) {
        CHECK(err.code == CAGE_ERR_CONFIG && (*config->shell || n > (1 << 20) - 100));
        return;
    }
    CHECK(changed == 1);
    rc = cage_config_remove_packages("fuzz.toml", more.buf, more.len, names, &back, &changed, &err);
    CHECK(rc == 0 && changed == 1);
}

static void check_config(const struct cage_config *config, const char *text, size_t n)
{
    static const struct cage_trust_places places = {"/home/u", "/work/p"};
    CAGE_STRBUF_AUTO dump = {0}, again = {0};
    CAGE_STRV_AUTO widened = {0}, tightened = {0}, grants = {0};
    struct cage_config copy;
    struct cage_error err = {0};

    cage_strbuf_init(&dump);
    cage_strbuf_init(&again);
    cage_config_dump(config, &dump);
    cage_config_init(&copy);
    CHECK(dump.len > 1 << 20 || cage_config_parse(&copy, "fuzz.toml", dump.buf, dump.len, &err) == 0);
    cage_config_dump(&copy, &again);
    CHECK(dump.len > 1 << 20 || strcmp(dump.buf, again.buf) == 0);
    if (config->ro_bind.n < 50 && config->rw_bind.n < 50) {
        cage_trust_diff(config, &copy, &places, &widened, &tightened);
        CHECK(widened.n == 0 && tightened.n == 0);
        cage_trust_grants(config, &places, &grants);
    }
    cage_config_finish(&copy);
    check_edit(config, text, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cage_config config;
    struct cage_error err = {0};

    cage_config_init(&config);
    if (cage_config_parse(&config, "fuzz.toml", (const char *)data, size, &err) < 0)
        check_error(&err, size);
    else
        check_config(&config, (const char *)data, size);
    cage_config_finish(&config);
    return 0;
}
