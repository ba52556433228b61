/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/term.h"
#include "cli/wrap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cage_cli_print(const struct cage_strbuf *text, struct cage_error *err)
{
    if (cage_fs_write_all(STDOUT_FILENO, text->buf, text->len, err) < 0)
        return cage_error_wrap(err, "standard output");
    return 0;
}

int cage_cli_print_wrapped(const struct cage_strbuf *text, char *const *environ_, struct cage_error *err)
{
    CAGE_STRBUF_AUTO wrapped = {0};

    cage_strbuf_init(&wrapped);
    cage_wrap(text->buf, cage_term_width(STDOUT_FILENO, environ_), &wrapped);
    return cage_cli_print(&wrapped, err);
}

/* One write, so that messages of several nixcages do not mix. Nobody is left to tell when that fails. */
static void write_stderr(const struct cage_strbuf *text)
{
    struct cage_error ignored;

    (void)!cage_fs_write_all(STDERR_FILENO, text->buf, text->len, &ignored);
}

void cage_cli_note(const char *fmt, ...)
{
    CAGE_STRBUF_AUTO line = {0};
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    cage_strbuf_init(&line);
    cage_strbuf_add(&line, "nixcage: ");
    cage_strbuf_add_printable(&line, text);
    cage_strbuf_addc(&line, '\n');
    write_stderr(&line);
    free(text);
}

void cage_cli_complain(const struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_strbuf_add(&text, "nixcage: ");
    cage_error_render(err, &text);
    write_stderr(&text);
}

bool cage_cli_can_ask(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool cage_cli_ask(const char *question)
{
    CAGE_STRBUF_AUTO text = {0};
    char answer[256] = "";
    ssize_t n;

    cage_strbuf_init(&text);
    cage_strbuf_add_printable(&text, question);
    cage_strbuf_add(&text, " [y/N] ");
    write_stderr(&text);
    do
        n = read(STDIN_FILENO, answer, sizeof answer);
    while (n < 0 && errno == EINTR);
    return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

bool cage_cli_is_inside(char *const *environ_)
{
    for (; environ_ && *environ_; environ_++)
        if (strcmp(*environ_, "NIXCAGE_ACTIVE=cage") == 0)
            return true;
    return false;
}

static int refuse_inside(const struct cage_command *command, struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_USAGE, "%s: this is already inside a cage", command->name);
    if (command->operands == CAGE_OPERANDS_COMMAND)
        return cage_error_hint(err, "start the command as it is, without nixcage");
    return cage_error_hint(err, "leave the cage first");
}

int cage_cli_main(char *const *argv, char *const *environ_, struct cage_error *err)
{
    struct cage_cli cli = {.environ_ = environ_};

    if (cage_cli_parse(&cli, argv, err) < 0)
        return -1;
    if (cli.given[CAGE_OPT_HELP]) {
        CAGE_STRBUF_AUTO text = {0};

        cage_strbuf_init(&text);
        cage_help_render(cli.command, &text);
        return cage_cli_print_wrapped(&text, environ_, err);
    }
    if (cli.command->outside && cage_cli_is_inside(environ_))
        return refuse_inside(cli.command, err);
    return cli.command->run(&cli, err);
}
