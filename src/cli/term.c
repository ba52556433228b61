/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/term.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MAX_WIDTH = 10000 };

static const char *get(char *const *environ_, const char *name)
{
    size_t len = strlen(name);

    for (; environ_ && *environ_; environ_++)
        if (strncmp(*environ_, name, len) == 0 && (*environ_)[len] == '=')
            return *environ_ + len + 1;
    return "";
}

static bool is_utf8(char *const *environ_)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < CAGE_LEN(names); i++) {
        const char *value = get(environ_, names[i]), *dot = strchr(value, '.');

        if (*value)
            return dot && (strncasecmp(dot, ".utf-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
    }
    return false;
}

struct cage_term cage_term_of(int fd, char *const *environ_)
{
    const char *type = get(environ_, "TERM");
    bool plain = *get(environ_, "NO_COLOR") || !*type || strcmp(type, "dumb") == 0;

    return (struct cage_term){.utf8 = is_utf8(environ_), .colour = !plain && isatty(fd) == 1};
}

size_t cage_term_width(int fd, char *const *environ_)
{
    const char *columns = get(environ_, "COLUMNS");
    struct winsize size = {0};
    char *end = NULL;
    long asked = strtol(columns, &end, 10);

    if (isatty(fd) != 1)
        return 0;
    if (*columns && !*end && asked > 0 && asked <= MAX_WIDTH)
        return (size_t)asked;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

const char *cage_term_mark(const struct cage_term *term, bool ok)
{
    static const char *const marks[2][2][2] = {
        {{"--", "ok"}, {"\033[31m--\033[0m", "\033[32mok\033[0m"}},
        {{"✗", "✓"}, {"\033[31m✗\033[0m", "\033[32m✓\033[0m"}},
    };

    return marks[term->utf8][term->colour][ok];
}
