/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/edit.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "config/check.h"
#include "config/convert.h"
#include "config/dump.h"
#include "config/edit_list.h"
#include "config/message.h"
#include "config/toml.h"

#include <stdlib.h>
#include <string.h>

/* The byte a mark stands for. */
static size_t offset_of(const char *text, struct cage_mark mark)
{
    const char *p = text;

    for (int line = 1; line < mark.line; line++) {
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    if (p == text && strncmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3; /* the byte order mark is no column */
    for (int column = 1; column < mark.column && *p; column++)
        for (p++; ((unsigned char)*p & 0xc0) == 0x80; p++)
            ;
    return (size_t)(p - text);
}

static const struct cage_toml_node *child(const struct cage_toml_node *table, const char *key)
{
    for (size_t i = 0; table && i < table->n; i++)
        if (strcmp(table->children[i].key, key) == 0)
            return &table->children[i];
    return NULL;
}

static void insert(const char *text, size_t at, const char *what, struct cage_strbuf *out)
{
    cage_strbuf_add_bytes(out, text, at);
    cage_strbuf_add(out, what);
    cage_strbuf_add(out, text + at);
}

/* Below the header "[nix]", indented as the first key there. */
static void add_key_below(const char *text, size_t header, const struct cage_toml_node *nix,
                          struct cage_strbuf *out)
{
    const char *newline = cage_edit_newline(text);
    size_t end = header + strcspn(text + header, "\n"), indent = 0;
    cage_autofree char *line = NULL;

    if (nix->n > 0) {
        size_t first = offset_of(text, (struct cage_mark){nix->children[0].key_mark.line, 1});

        indent = strspn(text + first, " \t");
        line = cage_format("%.*spackages = []%s", (int)indent, text + first, newline);
    } else {
        line = cage_format("packages = []%s", newline);
    }
    if (text[end]) {
        insert(text, end + 1, line, out);
    } else {
        cage_autofree char *whole = cage_format("%s%s", newline, line);

        insert(text, end, whole, out);
    }
}

static void add_section(const char *text, struct cage_strbuf *out)
{
    const char *newline = cage_edit_newline(text);
    size_t n = strlen(text);

    cage_strbuf_add(out, text);
    if (n > 0 && text[n - 1] != '\n')
        cage_strbuf_add(out, newline);
    cage_strbuf_addf(out, "%s[nix]%spackages = []%s", n ? newline : "", newline, newline);
}

/* Gives the text an empty list of packages, in the way the section is written. */
static void add_key(const char *text, const struct cage_toml_node *root, struct cage_strbuf *out)
{
    const struct cage_toml_node *nix = child(root, "nix");
    size_t at = nix ? offset_of(text, nix->mark) : 0;

    if (!nix) {
        add_section(text, out);
    } else if (text[at] == '[') {
        add_key_below(text, at, nix, out);
    } else if (text[at] == '{') {
        insert(text, at + 1, nix->n ? " packages = []," : " packages = [] ", out);
    } else {
        /* Dotted keys: another one in front of the first. */
        cage_autofree char *line = cage_format("nix.packages = []%s", cage_edit_newline(text));

        insert(text, offset_of(text, (struct cage_mark){nix->key_mark.line, 1}), line, out);
    }
}

/* Parses text that was parsed before. */
static struct cage_toml_node *tree(const char *text)
{
    struct cage_toml_failure failure;

    return cage_toml_parse(text, strlen(text), &failure);
}

static const struct cage_toml_node *find_list(const struct cage_toml_node *root)
{
    return child(child(root, "nix"), "packages");
}

/* Makes *text, which the caller frees, one that has the key. */
static void ensure_key(char **text)
{
    struct cage_toml_node *root = tree(*text);

    if (root && !find_list(root)) {
        struct cage_strbuf out;

        cage_strbuf_init(&out);
        add_key(*text, root, &out);
        free(*text);
        *text = out.buf;
    }
    cage_toml_free(root);
}

/* Edits *text: adds name, or takes out item number index. */
static void edit(char **text, bool add, const char *name, size_t index)
{
    struct cage_toml_node *root = tree(*text);
    const struct cage_toml_node *list = find_list(root);
    struct cage_strbuf out;

    cage_strbuf_init(&out);
    if (list && add)
        cage_edit_list_add(*text, offset_of(*text, list->mark), name, &out);
    else if (list)
        cage_edit_list_remove(*text, offset_of(*text, list->mark), index, &out);
    free(*text);
    *text = out.buf;
    cage_toml_free(root);
}

static size_t index_of(const struct cage_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i].value, name) == 0)
            return i;
    return list->n;
}

static int not_there(const struct cage_config *config, const char *name, struct cage_error *err)
{
    const char **known = cage_alloc((config->packages.n + 1) * sizeof *known);
    const char *near;

    for (size_t i = 0; i < config->packages.n; i++)
        known[i] = config->packages.items[i].value;
    near = cage_suggest(name, known, config->packages.n);
    free(known);
    cage_error_set(err, CAGE_ERR_USAGE, "%s is not among the packages of this project",
                   cage_quote(name).text);
    if (near)
        return cage_error_hint(err, "Did you mean \"%s\"?", near);
    return cage_error_hint(err, "Run `nixcage status` for the packages");
}

static int add_one(struct cage_config *config, char **text, const char *name, size_t *changed,
                   struct cage_error *err)
{
    struct cage_objection why;

    if (!cage_check_package(name, &why)) {
        cage_error_set(err, CAGE_ERR_USAGE, "invalid package name %s: %s", cage_quote(name).text, why.what);
        return cage_error_hint(err, "%s", why.fix);
    }
    if (index_of(&config->packages, name) < config->packages.n)
        return 0;
    ensure_key(text);
    edit(text, true, name, 0);
    cage_config_list_take(&config->packages, cage_strdup(name), (struct cage_mark){0, 0});
    ++*changed;
    return 0;
}

static int remove_one(struct cage_config *config, char **text, const char *name, size_t *changed,
                      struct cage_error *err)
{
    size_t index = index_of(&config->packages, name);

    if (index == config->packages.n)
        return not_there(config, name, err);
    edit(text, false, name, index);
    free(config->packages.items[index].value);
    config->packages.n--;
    memmove(&config->packages.items[index], &config->packages.items[index + 1],
            (config->packages.n - index) * sizeof *config->packages.items);
    ++*changed;
    return 0;
}

/* The edited text must mean what was asked for: *config with the list changed, and nothing else. */
static int verify(const struct cage_config *config, const char *text, struct cage_error *err)
{
    CAGE_STRBUF_AUTO want = {0}, got = {0};
    struct cage_config edited;
    int rc;

    cage_config_init(&edited);
    rc = cage_config_parse(&edited, config->file, text, strlen(text), err);
    cage_strbuf_init(&want);
    cage_strbuf_init(&got);
    if (rc == 0) {
        cage_config_dump(config, &want);
        cage_config_dump(&edited, &got);
    }
    cage_config_finish(&edited);
    if (rc < 0)
        return cage_error_wrap(err, "with this change");
    if (strcmp(want.buf, got.buf) == 0)
        return 0;
    cage_error_set(err, CAGE_ERR_INTERNAL, "cannot change the list of packages in %s", config->file);
    return cage_error_hint(err, "Change packages in [nix] by hand");
}

static int edit_all(bool add, const char *file, const char *text, size_t n, char *const *names,
                    struct cage_strbuf *out, size_t *changed, struct cage_error *err)
{
    cage_autofree char *work = cage_strndup(text, n);
    struct cage_config config;
    int rc;

    *changed = 0;
    cage_config_init(&config);
    rc = cage_config_parse(&config, file, text, n, err);
    for (; rc == 0 && *names; names++)
        rc = add ? add_one(&config, &work, *names, changed, err)
                 : remove_one(&config, &work, *names, changed, err);
    if (rc == 0)
        rc = verify(&config, work, err);
    if (rc == 0)
        cage_strbuf_add(out, work);
    cage_config_finish(&config);
    return rc;
}

int cage_config_add_packages(const char *file, const char *text, size_t n, char *const *names,
                             struct cage_strbuf *out, size_t *changed, struct cage_error *err)
{
    return edit_all(true, file, text, n, names, out, changed, err);
}

int cage_config_remove_packages(const char *file, const char *text, size_t n, char *const *names,
                                struct cage_strbuf *out, size_t *changed, struct cage_error *err)
{
    return edit_all(false, file, text, n, names, out, changed, err);
}
