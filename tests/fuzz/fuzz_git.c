/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cage may have written into a repository: the first byte says whether the rest is an index or
 * configuration. */
#include "base/mem.h"
#include "plan/gitconfig.h"
#include "run/gitlinks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1 = 20, SHA256 = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void parse_index(const uint8_t *data, size_t n, size_t hash)
{
    CAGE_STRV_AUTO paths = {0};
    /* A copy that ends where the contents end, as no file's buffer does. */
    cage_autofree char *exact = cage_alloc(n ? n : 1);

    memcpy(exact, data, n);
    (void)!cage_gitlinks_parse(exact, n, hash, &paths);
    for (size_t i = 0; i < paths.n; i++)
        if (!*paths.items[i])
            abort(); /* the work tree itself is no submodule */
}

static void is_same(const char *section, const char *subsection, const char *name, const char *value,
                    void *data)
{
    if (strcmp(section, "a") != 0 || *subsection || strcmp(name, "b") != 0 || strcmp(value, data) != 0)
        abort();
}

/* What is written as a value is read back as it is, and is one value. */
static void write_value(const char *value)
{
    cage_autofree char *quoted = cage_gitconfig_quote(value);
    cage_autofree char *text = cage_format("[a]\n\tb = %s\n", quoted);

    cage_gitconfig_parse(text, is_same, (void *)(uintptr_t)value);
}

static void look(const char *section, const char *subsection, const char *name, const char *value, void *data)
{
    (void)data;
    for (const char *c = section; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            abort();
    (void)strlen(subsection);
    (void)strlen(name);
    write_value(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    cage_autofree char *text = NULL;

    if (n == 0)
        return 0;
    if (data[0] % 2 == 0) {
        parse_index(data + 1, n - 1, SHA1);
        parse_index(data + 1, n - 1, SHA256);
        return 0;
    }
    text = cage_alloc(n);
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    cage_gitconfig_parse(text, look, NULL);
    return 0;
}
