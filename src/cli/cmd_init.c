/* SPDX-License-Identifier: GPL-3.0-or-later */
/* init, reinit and destroy. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/project_files.h"
#include "config/presets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The nixcage.toml to write, and what it says. */
struct template
{
    struct cage_strbuf text;
    struct cage_config config;
};

#define FILES_AUTO __attribute__((cleanup(cage_files_finish))) struct cage_files

#define TEMPLATE_AUTO __attribute__((cleanup(finish_template))) struct template
#define HOST_AUTO __attribute__((cleanup(cage_host_finish))) struct cage_host

static void finish_template(struct template *template)
{
    cage_strbuf_finish(&template->text);
    cage_config_finish(&template->config);
}

static int load_template(struct template *template, const struct cage_cli *cli, struct cage_error *err)
{
    const char *name = cli->given[CAGE_OPT_PRESET] ? cli->values[CAGE_OPT_PRESET] : CAGE_PRESET_DEFAULT;
    HOST_AUTO host = {0};

    cage_strbuf_init(&template->text);
    cage_config_init(&template->config);
    if (cage_host_probe(&host, cli->environ_, err) < 0)
        return -1;
    return cage_preset_read(&host, name, &template->text, &template->config, err);
}

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

static void add_steps(struct cage_strbuf *out, const struct cage_cli *cli, const struct template *template)
{
    cage_strbuf_add(out, "\nNext:\n");
    if (cli->dir) {
        cage_strbuf_add(out, "  cd ");
        cage_strbuf_add_shell_word(out, cli->dir);
        cage_strbuf_addc(out, '\n');
    }
    cage_strbuf_add(out, "  $EDITOR nixcage.toml   # packages, network, limits\n"
                         "  direnv allow           # puts cage and cagerun on your PATH here\n");
    if (template->config.command.n > 0)
        cage_strbuf_add(out, "  nixcage run            # starts [cage] command\n");
    else
        cage_strbuf_add(out, "  nixcage run CMD        # runs it in the cage\n");
    cage_strbuf_add(out, "  nixcage shell          # or look around in it\n");
}

static int print_made(const struct cage_files *files, const struct cage_cli *cli,
                      const struct template *template, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text;

    cage_strbuf_init(&text);
    cage_strbuf_add(&text, "Made a cage in ");
    cage_strbuf_add_printable(&text, files->root);
    if (cli->given[CAGE_OPT_PRESET])
        cage_strbuf_addf(&text, " from the preset %s", cli->values[CAGE_OPT_PRESET]);
    cage_strbuf_add(&text, ":\n");
    add_lines(&text, &files->done);
    add_steps(&text, cli, template);
    return cage_cli_print(&text, err);
}

static int make(struct cage_files *files, const struct cage_cli *cli, const struct template *template,
                bool replace, struct cage_error *err)
{
    if (cage_files_init(files, template->text.buf, template->text.len, replace, err) < 0)
        return -1;
    return print_made(files, cli, template, err);
}

int cage_cmd_init(const struct cage_cli *cli, struct cage_error *err)
{
    TEMPLATE_AUTO template = {0};
    FILES_AUTO files = {.dirfd = -1};

    if (load_template(&template, cli, err) < 0 ||
        cage_files_open(&files, cli->dir ? cli->dir : ".", true, err) < 0)
        return -1;
    return make(&files, cli, &template, cli->given[CAGE_OPT_FORCE], err);
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
    TEMPLATE_AUTO template = {0};
    FILES_AUTO files = {.dirfd = -1};

    if (load_template(&template, cli, err) < 0 ||
        cage_files_open(&files, cli->dir ? cli->dir : ".", true, err) < 0)
        return -1;
    if (cage_files_present(&files) && !confirmed(cli, files.root)) {
        cage_cli_note("nothing was changed");
        return CAGE_EXIT_OK;
    }
    if (cage_files_destroy(&files, true, err) < 0)
        return -1;
    cage_strv_finish(&files.done);
    return make(&files, cli, &template, true, err);
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
