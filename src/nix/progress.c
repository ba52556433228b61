/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/progress.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { USUAL_WIDTH = 80 };

/* A line that is wider than the terminal could not be erased. The last column stays free. */
static void cut(struct cage_strbuf *line, int fd)
{
    struct winsize size = {0};
    size_t width = USUAL_WIDTH;

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col;
    if (line->len < width)
        return;
    line->len = width - 1;
    while (line->len > 0 && ((unsigned char)line->buf[line->len] & 0xc0) == 0x80) /* within a character */
        line->len--;
    line->buf[line->len] = '\0';
}

/* Nobody to tell when the terminal is gone; the result does not depend on it. */
static void put(struct cage_nix_progress *progress, const char *text)
{
    if (cage_fs_write_all(progress->fd, text, strlen(text), NULL) < 0)
        progress->fd = -1;
}

void cage_nix_progress_begin(struct cage_nix_progress *progress, int fd, const char *term, const char *text)
{
    CAGE_STRBUF_AUTO line = {0};

    cage_nix_progress_end(progress);
    progress->fd = fd;
    if (fd < 0)
        return;
    cage_strbuf_init(&line);
    cage_strbuf_add(&line, "nixcage: ");
    cage_strbuf_add_printable(&line, text);
    cage_strbuf_add(&line, "...");
    if (!term || strcmp(term, "dumb") == 0) {
        cage_strbuf_addc(&line, '\n');
        put(progress, line.buf);
        return;
    }
    cut(&line, fd);
    progress->text = cage_strbuf_steal(&line);
    cage_nix_progress_show(progress);
}

void cage_nix_progress_hide(struct cage_nix_progress *progress)
{
    if (progress->shown)
        put(progress, "\r\033[K");
    progress->shown = false;
}

void cage_nix_progress_show(struct cage_nix_progress *progress)
{
    if (!progress->text || progress->shown || progress->fd < 0)
        return;
    put(progress, progress->text);
    progress->shown = true;
}

void cage_nix_progress_end(struct cage_nix_progress *progress)
{
    cage_nix_progress_hide(progress);
    free(progress->text);
    progress->text = NULL;
}
