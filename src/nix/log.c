/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/log.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/mem.h"

#include <jansson.h>
#include <string.h>

enum {
    LEVEL_WARN = 1,         /* Verbosity lvlWarn */
    LEVEL_INFO = 3,         /* lvlInfo: shown without -v */
    RESULT_BUILD_LOG = 101, /* resBuildLogLine */
    MAX_LINE = 1 << 20,
    MAX_TEXT = 1 << 18,
};

void cage_nix_log_init(struct cage_nix_log *log, int fd, bool color)
{
    memset(log, 0, sizeof *log);
    log->fd = fd;
    log->color = color;
    cage_strbuf_init(&log->line);
    cage_strbuf_init(&log->text);
    cage_strbuf_init(&log->held);
    cage_strv_init(&log->files);
    cage_strv_init(&log->store_files);
}

void cage_nix_log_finish(struct cage_nix_log *log)
{
    cage_strbuf_finish(&log->line);
    cage_strbuf_finish(&log->text);
    cage_strbuf_finish(&log->held);
    cage_nix_progress_end(&log->progress);
    cage_strv_finish(&log->files);
    cage_strv_finish(&log->store_files);
}

char *cage_nix_log_path(const char *message)
{
    static const char *const starts[] = {"evaluating file '", "copied source '", "copied '", "copying '"};
    const char *end;

    for (size_t i = 0; i < CAGE_LEN(starts); i++) {
        size_t n = strlen(starts[i]);

        if (strncmp(message, starts[i], n) != 0)
            continue;
        message += n;
        /* A quote may be part of a name: the message ends with one, or goes on with where it was copied. */
        end = strstr(message, "' -> ");
        if (!end)
            end = strstr(message, "' to ");
        if (!end)
            end = strrchr(message, '\'');
        return end && end > message && message[0] == '/' ? cage_strndup(message, (size_t)(end - message))
                                                         : NULL;
    }
    return NULL;
}

/* Without terminal escape sequences (CSI … letter). */
static char *strip_color(const char *s)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    while (*s) {
        if (s[0] == '\033' && s[1] == '[') {
            s += 2 + strspn(s + 2, "0123456789;");
            if (*s)
                s++;
        } else {
            cage_strbuf_addc(&sb, *s++);
        }
    }
    return cage_strbuf_steal(&sb);
}

static void keep(struct cage_strbuf *kept, const char *text)
{
    /* Errors come last, so what was first is what may go. */
    if (kept->len + strlen(text) > MAX_TEXT) {
        size_t half = kept->len / 2;

        memmove(kept->buf, kept->buf + half, kept->len - half + 1);
        kept->len -= half;
    }
    cage_strbuf_add(kept, text);
    cage_strbuf_addc(kept, '\n');
}

/* Nobody to tell when standard error is gone; the result does not depend on it. */
static void put(struct cage_nix_log *log, const struct cage_strbuf *text)
{
    if (log->fd < 0)
        return;
    cage_nix_progress_hide(&log->progress);
    if (cage_fs_write_all(log->fd, text->buf, text->len, NULL) < 0)
        log->fd = -1;
    cage_nix_progress_show(&log->progress);
}

static void show(struct cage_nix_log *log, const char *text, bool urgent)
{
    cage_autofree char *plain = strip_color(text);
    CAGE_STRBUF_AUTO out = {0};

    keep(&log->text, plain);
    if (log->fd < 0)
        return;
    if (log->patient && !urgent) {
        keep(&log->held, plain);
        return;
    }
    cage_strbuf_init(&out);
    cage_strbuf_add(&out, log->color ? text : plain);
    cage_strbuf_addc(&out, '\n');
    put(log, &out);
}

void cage_nix_log_release(struct cage_nix_log *log)
{
    put(log, &log->held);
    cage_strbuf_reset(&log->held);
}

static void note_path(struct cage_nix_log *log, const char *message)
{
    char *path = cage_nix_log_path(message);

    if (!path)
        return;
    if (strncmp(path, "/nix/store/", 11) == 0)
        cage_strv_take(&log->store_files, path);
    else
        cage_strv_take(&log->files, path);
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

static void handle_message(struct cage_nix_log *log, const json_t *object)
{
    json_int_t level = json_integer_value(json_object_get(object, "level"));
    const char *message = string_of(object, "msg");
    cage_autofree char *plain = strip_color(message);

    note_path(log, plain);
    if (level <= LEVEL_INFO)
        show(log, message, level == LEVEL_WARN);
}

static void handle_start(struct cage_nix_log *log, const json_t *object)
{
    const char *text = string_of(object, "text");
    cage_autofree char *plain = strip_color(text), *with_dots = NULL;

    note_path(log, plain);
    if (!*plain || json_integer_value(json_object_get(object, "level")) > LEVEL_INFO)
        return;
    with_dots = cage_format("%s...", text);
    show(log, with_dots, false);
}

static void handle_result(struct cage_nix_log *log, const json_t *object)
{
    const json_t *fields = json_object_get(object, "fields");
    const char *line = json_string_value(json_array_get(fields, 0));

    if (line && json_integer_value(json_object_get(object, "type")) == RESULT_BUILD_LOG)
        show(log, line, false);
}

static void handle_line(struct cage_nix_log *log, const char *line)
{
    json_t *object = NULL;
    const char *action;

    if (strncmp(line, "@nix ", 5) == 0)
        object = json_loads(line + 5, 0, NULL);
    if (!json_is_object(object)) {
        /* Text of other programs (git, ssh), and what is not as we know it, is for the user to read. */
        if (*line)
            show(log, line, false);
        json_decref(object);
        return;
    }
    action = string_of(object, "action");
    if (strcmp(action, "msg") == 0)
        handle_message(log, object);
    else if (strcmp(action, "start") == 0)
        handle_start(log, object);
    else if (strcmp(action, "result") == 0)
        handle_result(log, object);
    json_decref(object);
}

void cage_nix_log_feed(struct cage_nix_log *log, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (data[i] == '\n') {
            handle_line(log, log->line.buf);
            cage_strbuf_reset(&log->line);
        } else if (data[i] && log->line.len < MAX_LINE) {
            cage_strbuf_addc(&log->line, data[i]);
        }
    }
}

void cage_nix_log_end(struct cage_nix_log *log)
{
    if (log->line.len > 0)
        cage_nix_log_feed(log, "\n", 1);
}
