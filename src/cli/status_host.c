/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `status`: what this machine has for a cage, and how to get what it has not. */
#include "base/mem.h"
#include "cli/json.h"
#include "cli/status.h"
#include "host/kernel.h"

#include <string.h>

/* "  ✓ name  detail (note)", and the fix below it. */
static void add_line(struct cage_strbuf *out, const struct cage_term *term, bool ok, const char *name,
                     int width, const char *detail, const char *note, const char *fix)
{
    cage_strbuf_addf(out, "  %s %-*s ", cage_term_mark(term, ok), width, name);
    cage_strbuf_add_printable(out, detail);
    if (note)
        cage_strbuf_addf(out, " (%s)", note);
    cage_strbuf_addc(out, '\n');
    if (!fix)
        return;
    cage_strbuf_addf(out, "  %s %-*s fix: ", term->utf8 ? " " : "  ", width, "");
    cage_strbuf_add_printable(out, fix);
    cage_strbuf_addc(out, '\n');
}

static void add_checks(struct cage_strbuf *out, const struct cage_checks *checks,
                       const struct cage_term *term)
{
    cage_strbuf_add(out, "\nDependencies:\n");
    for (size_t i = 0; i < checks->n; i++) {
        const struct cage_check *check = &checks->items[i];
        cage_autofree char *note = NULL;

        if (!check->ok && !check->required)
            note = check->use ? cage_format("optional: %s", check->use) : cage_strdup("optional");
        add_line(out, term, check->ok, check->name, 11, check->detail, note, check->fix);
    }
}

#ifdef __linux__
static void add_kernel(struct cage_strbuf *out, const struct cage_host *host, const struct cage_term *term)
{
    struct cage_kernel kernel;
    struct cage_features features;

    cage_kernel_probe(host, &kernel);
    cage_kernel_features(&kernel, host, &features);
    cage_strbuf_addf(out, "\nKernel (Linux %s), what a cage uses of it:\n", kernel.release);
    for (size_t i = 0; i < features.n; i++) {
        const struct cage_feature *feature = &features.items[i];

        add_line(out, term, feature->there, feature->name, 15, feature->use, feature->detail, feature->fix);
    }
    cage_features_finish(&features);
}

static json_t *kernel_json(const struct cage_host *host)
{
    json_t *root = json_object(), *array = json_array();
    struct cage_kernel kernel;
    struct cage_features features;

    cage_kernel_probe(host, &kernel);
    cage_kernel_features(&kernel, host, &features);
    for (size_t i = 0; i < features.n; i++) {
        const struct cage_feature *feature = &features.items[i];
        json_t *item = json_object();

        json_object_set_new(item, "name", json_string(feature->name));
        json_object_set_new(item, "use", json_string(feature->use));
        json_object_set_new(item, "there", json_boolean(feature->there));
        json_object_set_new(item, "detail", cage_json_text(feature->detail));
        json_object_set_new(item, "fix", cage_json_text(feature->fix));
        json_array_append_new(array, item);
    }
    json_object_set_new(root, "release", cage_json_text(kernel.release));
    json_object_set_new(root, "landlock_abi", json_integer(kernel.landlock_abi));
    json_object_set_new(root, "features", array);
    cage_features_finish(&features);
    return root;
}
#else
static void add_kernel(struct cage_strbuf *out, const struct cage_host *host, const struct cage_term *term)
{
    (void)out;
    (void)host;
    (void)term;
}

static json_t *kernel_json(const struct cage_host *host)
{
    (void)host;
    return json_null();
}
#endif

void cage_status_add_host(struct cage_strbuf *out, const struct cage_host *host,
                          const struct cage_checks *checks, const struct cage_term *term)
{
    add_checks(out, checks, term);
    add_kernel(out, host, term);
    cage_strbuf_add(out, cage_checks_ok(checks) ? "\nAll that is required is there.\n"
                                                : "\nSomething that is required is missing.\n");
}

static json_t *checks_json(const struct cage_checks *checks)
{
    json_t *array = json_array();

    for (size_t i = 0; i < checks->n; i++) {
        const struct cage_check *check = &checks->items[i];
        json_t *item = json_object();

        json_object_set_new(item, "name", json_string(check->name));
        json_object_set_new(item, "required", json_boolean(check->required));
        json_object_set_new(item, "ok", json_boolean(check->ok));
        json_object_set_new(item, "detail", cage_json_text(check->detail));
        json_object_set_new(item, "fix", cage_json_text(check->fix));
        json_array_append_new(array, item);
    }
    return array;
}

void cage_status_add_host_json(json_t *root, const struct cage_host *host, const struct cage_checks *checks)
{
    json_object_set_new(root, "dependencies", checks_json(checks));
    json_object_set_new(root, "kernel", kernel_json(host));
    json_object_set_new(root, "ok", json_boolean(cage_checks_ok(checks)));
}
