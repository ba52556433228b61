/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "config/conflict.h"
#include "config/convert.h"
#include "config/message.h"
#include "config/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20 };

void cage_config_list_finish(struct cage_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].value);
    free(list->items);
    memset(list, 0, sizeof *list);
}

void cage_config_list_take(struct cage_list *list, char *take_value, struct cage_mark mark)
{
    list->items = cage_realloc_array(list->items, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (struct cage_item){.value = take_value, .mark = mark};
}

void cage_config_init(struct cage_config *config)
{
    const struct cage_mark none = {0, 0};

    memset(config, 0, sizeof *config);
    config->level = CAGE_LEVEL_STANDARD;
    config->net_allow = true;
    config->enforce = CAGE_ENFORCE_REQUIRE;
    config->pure = true;
    config->store_mode = CAGE_STORE_READONLY;
    config->store_view = CAGE_VIEW_CLOSURE;
    config->nixpkgs = cage_strdup("");
    config->shell = cage_strdup("");
    cage_config_list_take(&config->passthrough_env, cage_strdup("TERM"), none);
    cage_config_list_take(&config->passthrough_env, cage_strdup("LANG"), none);
}

void cage_config_finish(struct cage_config *config)
{
    struct cage_list *lists[] = {
        &config->ro_bind, &config->rw_bind,  &config->blacklist, &config->protect,         &config->unprotect,
        &config->hosts,   &config->packages, &config->command,   &config->passthrough_env, &config->env,
    };

    for (size_t i = 0; i < CAGE_LEN(lists); i++)
        cage_config_list_finish(lists[i]);
    free(config->expose.items);
    free(config->host_ports.items);
    free(config->nixpkgs);
    free(config->shell);
    free(config->file);
    free(config->text);
    memset(config, 0, sizeof *config);
}

/* The schema's sections and the tables they are in: "sandbox" is one though no key stands in it alone. */
static bool is_section(const char *name)
{
    size_t n, len = strlen(name);
    const struct cage_schema_entry *schema = cage_schema(&n);

    for (size_t i = 0; i < n; i++)
        if (strncmp(schema[i].section, name, len) == 0 && strchr(".", schema[i].section[len]))
            return true;
    return false;
}

static const struct cage_schema_entry *find_entry(const char *section, const char *name)
{
    size_t n;
    const struct cage_schema_entry *schema = cage_schema(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(schema[i].name, name) == 0 && (!section || strcmp(schema[i].section, section) == 0))
            return &schema[i];
    return NULL;
}

/* "did you mean", else where a key of that name belongs, else what there is. */
static int hint_unknown(const char *section, const char *name, struct cage_error *err)
{
    CAGE_STRV_AUTO known = {0};
    CAGE_STRBUF_AUTO list = {0};
    const struct cage_schema_entry *elsewhere = find_entry(NULL, name);
    const char *near;
    size_t n;
    const struct cage_schema_entry *schema = cage_schema(&n);

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(section);

        if (strcmp(schema[i].section, section) == 0)
            cage_strv_add(&known, schema[i].name);
        else if (!len || (strncmp(schema[i].section, section, len) == 0 && schema[i].section[len] == '.'))
            cage_strv_add(&known, schema[i].section + (len ? len + 1 : 0));
    }
    if (!*section)
        cage_strv_add(&known, "sandbox");
    for (size_t i = 0; i < known.n; i++) {
        const char *dot = strrchr(known.items[i], '.');

        if (dot && strcmp(dot + 1, name) == 0)
            return cage_error_hint(err, "Did you mean \"%s\"?", known.items[i]);
    }
    near = cage_suggest(name, (const char *const *)known.items, known.n);
    if (near)
        return cage_error_hint(err, "Did you mean \"%s\"?", near);
    if (elsewhere)
        return cage_error_hint(err, "Move it to [%s]", elsewhere->section);
    cage_strv_sort_unique(&known);
    cage_strbuf_init(&list);
    for (size_t i = 0; i < known.n; i++)
        cage_strbuf_addf(&list, "%s%s", list.len ? ", " : "", known.items[i]);
    return cage_error_hint(err, "Use one of: %s", list.buf);
}

static int unknown(struct cage_config *config, const char *section, const struct cage_toml_node *node,
                   struct cage_error *err)
{
    const char *what = node->type == CAGE_TOML_TABLE ? "section" : "key";

    if (*section)
        cage_config_error(config, node->key_mark, err, "unknown %s %s in [%s]", what,
                          cage_quote(node->key).text, section);
    else
        cage_config_error(config, node->key_mark, err, "unknown %s %s", what, cage_quote(node->key).text);
    return hint_unknown(section, node->key, err);
}

static int not_a_section(struct cage_config *config, const char *name, const struct cage_toml_node *node,
                         struct cage_error *err)
{
    cage_config_error(config, node->key_mark, err, "%s is a section, so it cannot have a value", name);
    if (node->type == CAGE_TOML_ARRAY && node->n > 0 && node->children[0].type == CAGE_TOML_TABLE)
        return cage_error_hint(err, "Write [%s] with single brackets", name);
    return cage_error_hint(err, "Write [%s] on a line of its own and its keys below", name);
}

/* Reads the table `node`, whose full name is section. The recursion is as deep as the schema, not as the
 * document. */
static int read_section(struct cage_config *config, const char *section, const struct cage_toml_node *node,
                        struct cage_error *err)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct cage_toml_node *child = &node->children[i];
        cage_autofree char *name = cage_format("%s%s%s", section, *section ? "." : "", child->key);
        const struct cage_schema_entry *entry = find_entry(section, child->key);
        int rc;

        if (strlen(child->key) != child->key_length) {
            cage_config_error(config, child->key_mark, err, "a key holds a NUL character");
            return cage_error_hint(err, "Remove \\u0000 from the key");
        }
        /* A quoted key with a dot in it is none of ours, whatever it looks like when joined. */
        if (strchr(child->key, '.'))
            return unknown(config, section, child, err);
        if (is_section(name))
            rc = child->type == CAGE_TOML_TABLE ? read_section(config, name, child, err)
                                                : not_a_section(config, name, child, err);
        else
            rc =
                entry ? cage_config_convert(config, entry, child, err) : unknown(config, section, child, err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* TOML allows no control character but these anywhere; escapes in strings are another matter. */
static bool raw_control(const char *p)
{
    unsigned char c = (unsigned char)*p;

    return (c < 0x20 && c != '\t' && c != '\n' && !(c == '\r' && p[1] == '\n')) || c == 0x7f;
}

/* Before the library sees it: whether this is text at all. Its own answers to that are less exact. */
static int check_characters(const struct cage_config *config, size_t n, struct cage_error *err)
{
    struct cage_mark mark = {1, 1};
    unsigned long cp;
    size_t step;

    for (const char *p = config->text; p < config->text + n; p += step) {
        step = cage_utf8_decode(p, &cp);
        if (*p == '\r' && raw_control(p)) {
            cage_config_error(config, mark, err, "a line ends with a carriage return alone");
            return cage_error_hint(err, "Save the file with Unix line ends");
        }
        if (raw_control(p)) {
            cage_config_error(config, mark, err, "a control character stands here");
            return cage_error_hint(err, *p ? "Remove it" : "Save the file as plain UTF-8 text");
        }
        if (step == 0) {
            cage_config_error(config, mark, err, "this is not valid UTF-8");
            return cage_error_hint(err, "Save the file with UTF-8 encoding");
        }
        mark.column++;
        if (*p == '\n')
            mark = (struct cage_mark){mark.line + 1, 1};
        else if (p == config->text && cp == 0xfeff)
            mark.column--;
    }
    return 0;
}

/* The default list gives way where the file sets one of its variables. */
static void drop_overridden_defaults(struct cage_config *config)
{
    struct cage_list *list = &config->passthrough_env;
    size_t kept = 0;

    if (list->set)
        return;
    for (size_t i = 0; i < list->n; i++) {
        size_t n = strlen(list->items[i].value);
        bool set = false;

        for (size_t j = 0; j < config->env.n; j++)
            set = set || (strncmp(config->env.items[j].value, list->items[i].value, n) == 0 &&
                          config->env.items[j].value[n] == '=');
        if (set)
            free(list->items[i].value);
        else
            list->items[kept++] = list->items[i];
    }
    list->n = kept;
}

int cage_config_parse(struct cage_config *config, const char *file, const char *text, size_t n,
                      struct cage_error *err)
{
    struct cage_toml_failure failure = {0};
    struct cage_toml_node *root;
    int rc;

    free(config->file);
    free(config->text);
    config->file = cage_strdup(file);
    config->text = cage_strndup("", 0);
    if (n > FILE_MAX_BYTES) {
        cage_config_error(config, (struct cage_mark){0, 0}, err, "the file is larger than 1 MiB");
        return cage_error_hint(err, "Check that this is the file you meant");
    }
    free(config->text);
    config->text = cage_alloc(n + 1);
    if (n > 0)
        memcpy(config->text, text, n);
    if (check_characters(config, n, err) < 0)
        return -1;
    root = cage_toml_parse(config->text, n, &failure);
    if (!root)
        return cage_config_syntax_error(config, &failure, err);
    rc = read_section(config, "", root, err);
    cage_toml_free(root);
    if (rc < 0)
        return -1;
    drop_overridden_defaults(config);
    return cage_config_check_conflicts(config, err);
}

static int refuse(const char *file, struct cage_error *err, const char *what, const char *fix)
{
    cage_error_set(err, CAGE_ERR_CONFIG, "%s", what);
    cage_error_at(err, file, 0, 0);
    return cage_error_hint(err, "%s", fix);
}

static int open_config(int dirfd, const char *file, struct cage_error *err)
{
    int fd = openat(dirfd, "nixcage.toml", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    /* A link could lead to what the user never looked at, and be turned while a cage runs. */
    if (errno == ELOOP)
        return refuse(file, err, "it is a symbolic link", "Replace the link by the file itself");
    if (errno == ENOENT) {
        cage_error_sys(err, errno, "cannot open %s", file);
        return cage_error_hint(err, "Run `nixcage init` to make one");
    }
    cage_error_sys(err, errno, "cannot open %s", file);
    return cage_error_hint(err, "Make the file readable for you");
}

int cage_config_load(struct cage_config *config, int dirfd, const char *file, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};
    cage_autofd int fd = open_config(dirfd, file, err);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot stat %s", file);
    if (!S_ISREG(st.st_mode))
        return refuse(file, err, "it is not a regular file", "Replace it by a file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return refuse(file, err, "it belongs to another user",
                      "Read it, then take it over with chown or copy it");
    if (st.st_size > FILE_MAX_BYTES)
        return refuse(file, err, "the file is larger than 1 MiB", "Check that this is the file you meant");
    cage_strbuf_init(&text);
    if (cage_fs_read_fd(fd, FILE_MAX_BYTES, &text, err) < 0)
        return cage_error_wrap(err, "%s", file);
    return cage_config_parse(config, file, text.buf, text.len, err);
}
