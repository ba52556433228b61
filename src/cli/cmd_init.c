/* SPDX-License-Identifier: GPL-3.0-or-later */
/* init, reinit and destroy. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/project_files.h"
#include "cli/template.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_AUTO __attribute__((cleanup(cage_files_finish))) struct cage_files

static void add_lines(struct cage_strbuf *out, const struct cage_strv *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        const char *tab = strchr(lines->items[i], '\t');

        if (tab[1])
            cage_strbuf_addf(out, "  %-17.*s %s\n", (int)(tab - lines->items[i]), lines->items[i], tab + 1);
        else
            cage_strbuf_addf(out, "  %.*s\n", (int)(tab - lines->items[i]), lines->items[i]);
    }
}

static void add_steps(struct cage_strbuf *out, const struct cage_cli *cli, const struct cage_template *preset)
{
    cage_strbuf_add(out, "\nNext:\n");
    if (cli->dir) {
        cage_strbuf_add(out, "  cd ");
        cage_strbuf_add_shell_word(out, cli->dir);
        cage_strbuf_addc(out, '\n');
    }
    cage_strbuf_add(out, "  $EDITOR nixcage.toml   # packages, network, limits\n"
                         "  direnv allow           # puts cage and cagerun on your PATH here\n");
    if (preset->has_command)
        cage_strbuf_add(out, "  nixcage run            # starts [cage] command\n");
    else
        cage_strbuf_add(out, "  nixcage run CMD        # runs it in the cage\n");
    cage_strbuf_add(out, "  nixcage shell          # or look around in it\n");
}

static int print_made(const struct cage_files *files, const struct cage_cli *cli,
                      const struct cage_template *preset, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text;

    cage_strbuf_init(&text);
    cage_strbuf_add(&text, "Made a cage in ");
    cage_strbuf_add_printable(&text, files->root);
    if (cli->given[CAGE_OPT_PRESET])
        cage_strbuf_addf(&text, " from the preset %s", cli->values[CAGE_OPT_PRESET]);
    cage_strbuf_add(&text, ":\n");
    add_lines(&text, &files->done);
    add_steps(&text, cli, preset);
    return cage_cli_print(&text, err);
}

static int make(struct cage_files *files, const struct cage_cli *cli, const struct cage_template *preset,
                bool replace, struct cage_error *err)
{
    if (cage_files_init(files, preset->text.buf, preset->text.len, replace, err) < 0)
        return -1;
    return print_made(files, cli, preset, err);
}

int cage_cmd_init(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_TEMPLATE_AUTO preset;
    FILES_AUTO files = {.dirfd = -1};

    cage_template_init(&preset);
    if (cage_template_load(&preset, cli, err) < 0 ||
        cage_files_open(&files, cli->dir ? cli->dir : ".", true, err) < 0)
        return -1;
    return make(&files, cli, &preset, cli->given[CAGE_OPT_FORCE], err);
}

/* Asks where somebody can answer; a script has decided already. */
static bool confirmed(const struct cage_cli *cli, const char *root)
{
    CAGE_STRBUF_AUTO text = {0};
    char answer[16] = "";
    struct cage_error ignored;
    ssize_t n;

    if (cli->given[CAGE_OPT_YES] || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return true;
    cage_strbuf_init(&text);
    cage_strbuf_add(&text, "Remove nixcage's files from ");
    cage_strbuf_add_printable(&text, root);
    cage_strbuf_add(&text, ", with everything in .nixcage/? [y/N] ");
    (void)!cage_fs_write_all(STDERR_FILENO, text.buf, text.len, &ignored);
    do
        n = read(STDIN_FILENO, answer, sizeof answer - 1);
    while (n < 0 && errno == EINTR);
    return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

int cage_cmd_reinit(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_TEMPLATE_AUTO preset;
    FILES_AUTO files = {.dirfd = -1};

    cage_template_init(&preset);
    if (cage_template_load(&preset, cli, err) < 0 ||
        cage_files_open(&files, cli->dir ? cli->dir : ".", true, err) < 0)
        return -1;
    if (cage_files_present(&files) && !confirmed(cli, files.root)) {
        cage_cli_note("nothing was changed");
        return CAGE_EXIT_OK;
    }
    if (cage_files_destroy(&files, true, err) < 0)
        return -1;
    cage_strv_finish(&files.done);
    return make(&files, cli, &preset, true, err);
}

static int print_removed(const struct cage_files *files, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text;

    cage_strbuf_init(&text);
    if (files->done.n)
        cage_strbuf_add(&text, "Removed from ");
    else
        cage_strbuf_add(&text, "No files of nixcage in ");
    cage_strbuf_add_printable(&text, files->root);
    cage_strbuf_add(&text, files->done.n ? ":\n" : "\n");
    add_lines(&text, &files->done);
    if (files->kept.n)
        cage_strbuf_add(&text, "Kept:\n");
    add_lines(&text, &files->kept);
    return cage_cli_print(&text, err);
}

int cage_cmd_destroy(const struct cage_cli *cli, struct cage_error *err)
{
    FILES_AUTO files = {.dirfd = -1};

    if (cage_files_open(&files, cli->dir ? cli->dir : ".", false, err) < 0)
        return -1;
    if (cage_files_present(&files)) {
        if (!confirmed(cli, files.root)) {
            cage_cli_note("nothing was changed");
            return CAGE_EXIT_OK;
        }
        if (cage_files_destroy(&files, false, err) < 0)
            return -1;
    }
    return print_removed(&files, err);
}
