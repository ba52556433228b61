/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

CAGE_PRINTF(3, 0) static void format(char *dst, size_t size, const char *fmt, va_list ap)
{
    memset(dst, 0, size);
    if (vsnprintf(dst, size, fmt, ap) < 0)
        dst[0] = '\0';
}

int cage_error_set(struct cage_error *err, enum cage_error_code code, const char *fmt, ...)
{
    char text[sizeof err->message]; /* the arguments may point into *err */
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    format(text, sizeof text, fmt, ap);
    va_end(ap);
    memset(err, 0, sizeof *err);
    err->code = code;
    memcpy(err->message, text, sizeof text);
    return -1;
}

int cage_error_sys(struct cage_error *err, int sys, const char *fmt, ...)
{
    char text[sizeof err->message / 2];
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    format(text, sizeof text, fmt, ap);
    va_end(ap);
    cage_error_set(err, CAGE_ERR_SYSTEM, "%s: %s", text, strerror(sys));
    err->sys = sys;
    return -1;
}

int cage_error_wrap(struct cage_error *err, const char *fmt, ...)
{
    char text[sizeof err->message / 2], old[sizeof err->message];
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    format(text, sizeof text, fmt, ap);
    va_end(ap);
    memcpy(old, err->message, sizeof old);
    if ((size_t)snprintf(err->message, sizeof err->message, "%s: ", text) < sizeof err->message)
        strncat(err->message, old, sizeof err->message - strlen(err->message) - 1);
    return -1;
}

int cage_error_hint(struct cage_error *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return -1;
    va_start(ap, fmt);
    format(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return -1;
}

int cage_error_at(struct cage_error *err, const char *file, int line, int column)
{
    if (!err)
        return -1;
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
    return -1;
}

static void append_place(const struct cage_error *err, struct cage_strbuf *out)
{
    if (!err->file[0])
        return;
    cage_strbuf_add_printable(out, err->file);
    if (err->line > 0)
        cage_strbuf_addf(out, ":%d", err->line);
    if (err->line > 0 && err->column > 0)
        cage_strbuf_addf(out, ":%d", err->column);
    cage_strbuf_add(out, ": ");
}

/* East Asian wide and full-width characters take two columns of a terminal (Unicode TR 11, the large ranges).
 */
static bool is_wide(unsigned long cp)
{
    static const struct {
        unsigned long first, last;
    } wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (cp >= wide[i].first && cp <= wide[i].last)
            return true;
    return false;
}

/* Columns of the n bytes at p as cage_strbuf_add_printable() shows them. */
static int shown_width(const char *p, size_t n, unsigned long cp)
{
    if (!cage_utf8_printable(p, n, cp))
        return (int)(4 * (n ? n : 1));
    if ((cp >= 0x300 && cp <= 0x36f) || cp == 0x200b || cp == 0xfe0f)
        return 0; /* combining and zero-width characters */
    return is_wide(cp) ? 2 : 1;
}

/*
 * The caret stands under column `column` (in code points) of the excerpt as it is shown: a tab stays a tab,
 * what is printed as "\xNN" is as wide as that. An unknown column has no caret.
 */
static void append_excerpt(const struct cage_error *err, struct cage_strbuf *out)
{
    const char *p = err->excerpt;
    int column = err->excerpt_column > 0 ? err->excerpt_column : err->column;
    unsigned long cp;

    if (!*p)
        return;
    cage_strbuf_add(out, "    ");
    cage_strbuf_add_printable(out, err->excerpt);
    cage_strbuf_addc(out, '\n');
    if (column <= 0)
        return;
    cage_strbuf_add(out, "    ");
    for (int col = 1; *p && col < column; col++) {
        size_t n = cage_utf8_decode(p, &cp);

        if (*p == '\t')
            cage_strbuf_addc(out, '\t');
        else
            cage_strbuf_addf(out, "%*s", shown_width(p, n, cp), "");
        p += n ? n : 1;
    }
    cage_strbuf_add(out, "^\n");
}

/* What can be done about a system call's error, whatever it was about (errno(3)). */
static const struct {
    int sys;
    const char *hint;
} advices[] = {
    {EACCES, "look at its owner and mode, and at those of the directories above it: ls -ld"},
    {EPERM, "look at its owner and attributes; a security module or an outer container may forbid it"},
    {ENOENT, "make it, or correct the path"},
    {ENOTDIR, "a part of the path is a file: move it away, or correct the path"},
    {EISDIR, "a directory is where a file belongs: move it away, or correct the path"},
    {EEXIST, "move away what is there"},
    {ENOTEMPTY, "move away what is in it"},
    {ELOOP, "a symlink stands where none may, or leads into a circle: put what it leads to in its place"},
    {ENAMETOOLONG, "use a shorter path"},
    {ENOSPC, "free space on that file system: df -h, df -i"},
    {EDQUOT, "free space within your quota: quota -s"},
    {EROFS, "the file system is read-only: use another place, or mount it writable"},
    {EMFILE, "raise the limit of open files: ulimit -n 4096"},
    {ENFILE, "the whole machine has too many open files: sysctl fs.file-max"},
    {EAGAIN, "the limit of processes or of memory is reached: ulimit -u, or the container's limits"},
    {ENOMEM, "free memory, or raise the limit of the container"},
    {EBUSY, "something uses it: try again when that has ended"},
    {ETXTBSY, "it is being executed: try again when that has ended"},
    {EIO, "the disk reports an error: see dmesg(1)"},
    {ENOSYS, "this kernel cannot do it: nixcage status shows what is missing"},
    {EOPNOTSUPP, "this kernel or file system cannot do it: nixcage status shows what is missing"},
    {ENOTCONN, "the other side has ended: try again"},
    {EPIPE, "the other side has ended: try again"},
};

/* The hint that was set, else one that fits all errors of the kind; NULL: none, as for what was interrupted.
 */
static const char *advice(const struct cage_error *err)
{
    if (err->hint[0])
        return err->hint;
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (err->sys == advices[i].sys)
            return advices[i].hint;
    if (err->code == CAGE_ERR_INTERNAL)
        return "this is a bug in nixcage: please report it, with what led to it";
    if (err->code == CAGE_ERR_SYSTEM && err->sys != EINTR)
        return "nixcage status shows whether this machine has what a cage needs";
    return NULL;
}

void cage_error_render(const struct cage_error *err, struct cage_strbuf *out)
{
    const char *hint = advice(err);

    append_place(err, out);
    cage_strbuf_add_printable(out, err->message[0] ? err->message : "unknown error");
    cage_strbuf_addc(out, '\n');
    append_excerpt(err, out);
    if (hint) {
        cage_strbuf_add(out, "  hint: ");
        cage_strbuf_add_printable(out, hint);
        cage_strbuf_addc(out, '\n');
    }
}
