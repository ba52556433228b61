/* SPDX-License-Identifier: GPL-3.0-or-later */
/* init, reinit and destroy. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/project_files.h"
#include "config/presets.h"
#include "config/trust.h"
#include "nix/nix.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The nixcage.toml to write, and what it says. */
struct template
{
    struct cage_strbuf text;
    struct cage_config config;
    struct cage_host host;
};

#define FILES_AUTO __attribute__((cleanup(cage_files_finish))) struct cage_files

#define TEMPLATE_AUTO __attribute__((cleanup(finish_template))) struct template
#define HOST_AUTO __attribute__((cleanup(cage_host_finish))) struct cage_host

static void finish_template(struct template *template)
{
    cage_strbuf_finish(&template->text);
    cage_config_finish(&template->config);
    cage_host_finish(&template->host);
}

static int load_template(struct template *template, const struct cage_cli *cli, struct cage_error *err)
{
    const char *name = cli->given[CAGE_OPT_PRESET] ? cli->values[CAGE_OPT_PRESET] : CAGE_PRESET_DEFAULT;

    cage_strbuf_init(&template->text);
    cage_config_init(&template->config);
    if (cage_host_probe(&template->host, cli->environ_, err) < 0)
        return -1;
    return cage_preset_read(&template->host, name, &template->text, &template->config, err);
}

static void add_lines(struct cage_strbuf *out, const struct cage_strv *lines)
{
    size_t width = 17;

    for (size_t i = 0; i < lines->n; i++) {
        size_t n = strcspn(lines->items[i], "\t");

        width = n > width ? n : width;
    }
    for (size_t i = 0; i < lines->n; i++) {
        const char *line = lines->items[i];
        size_t n = strcspn(line, "\t");

        if (line[n] && line[n + 1])
            cage_strbuf_addf(out, "  %-*.*s %s\n", (int)width, (int)n, line, line + n + 1);
        else
            cage_strbuf_addf(out, "  %.*s\n", (int)n, line);
    }
}

static void add_steps(struct cage_strbuf *out, const struct cage_cli *cli, const struct template *template)
{
    cage_autofree char *direnv = cage_host_find_tool("direnv", cage_host_getenv(&template->host, "PATH"));

    cage_strbuf_add(out, "\nNext:\n");
    if (cli->dir) {
        cage_strbuf_add(out, "  cd ");
        cage_strbuf_add_shell_word(out, cli->dir);
        cage_strbuf_addc(out, '\n');
    }
    cage_strbuf_add(out, "  $EDITOR nixcage.toml   # packages, network, limits\n");
    /* It is optional, and `nixcage status` says how to get it. */
    if (direnv)
        cage_strbuf_add(out, "  direnv allow           # puts cage and cagerun on your PATH here\n");
    if (template->config.command.n > 0)
        cage_strbuf_add(out, "  nixcage run            # starts [cage] command, as nixcage shell does\n"
                             "  nixcage run bash       # or look around in it\n");
    else
        cage_strbuf_add(out, "  nixcage run CMD        # runs it in the cage\n"
                             "  nixcage shell          # or look around in it\n");
}

static int print_made(const struct cage_files *files, const struct cage_cli *cli,
                      const struct template *template, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

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

/* The files as a project; borrows everything. */
static struct cage_project project_of(const struct cage_files *files, char *config)
{
    return (struct cage_project){.root = files->root, .config = config, .dirfd = files->dirfd};
}

/*
 * Who makes a project trusts what was written, which need not be what is there by now: it is not read again.
 * Without it the project is good, too: `nixcage allow` is left to do.
 */
static void record_trust(const struct cage_files *files, const struct template *template)
{
    cage_autofree char *path = cage_path_join(files->root, "nixcage.toml");
    const struct cage_project project = project_of(files, path);
    struct cage_error err = {0};

    if (cage_trust_record(&template->host, &project, &template->config, NULL, &err) < 0) {
        cage_cli_note("warning: the new project is not allowed yet: %s", err.message);
        cage_cli_note("warning: use 'nixcage allow' there");
    }
}

/* What is remembered about the project outside of it. Nothing depends on its being gone. */
static void forget(const struct cage_files *files, const struct cage_host *host)
{
    cage_autofree char *path = cage_path_join(files->root, "nixcage.toml");
    const struct cage_project project = project_of(files, path);
    struct cage_error err = {0};

    if (cage_trust_forget(host, &project, NULL, &err) < 0 || cage_nix_forget(host, files->root, &err) < 0)
        cage_cli_note("warning: %s", err.message);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Makes one place for state; 1: made, 0: was there. */
static int make_state_at(const char *path, bool is_dir, struct cage_error *err)
{
    static const char empty[] = "{}\n";
    cage_autofree char *dir = cage_path_dirname(path);
    struct stat st;

    if (lstat(path, &st) == 0)
        return 0;
    if (is_dir)
        return cage_fs_mkdirs(path, 0700, err) < 0 ? -1 : 1;
    if (cage_fs_mkdirs(dir, 0700, err) < 0 ||
        cage_fs_write_atomic(AT_FDCWD, path, empty, sizeof empty - 1, 0600, err) < 0)
        return -1;
    return 1;
}

/*
 * An agent keeps its login and history in the home directory, and what is not there cannot be shown in the
 * cage: "~/DIR/?" and "~/FILE.json?" in the preset's rw_bind are made, as the agent itself would on its first
 * start. A project without them is good, too, so trouble is only told.
 */
static void make_state(struct cage_files *files, const struct template *template)
{
    const struct cage_list *binds = &template->config.rw_bind;

    for (size_t i = 0; i < binds->n; i++) {
        const char *written = binds->items[i].value;
        cage_autofree char *plain = cage_strndup(written, strlen(written) - 1);
        cage_autofree char *path = cage_path_expand_home(plain, template->host.home);
        cage_autofree char *clean = cage_path_clean(path);
        bool is_dir = ends_with(written, "/?");
        struct cage_error err = {0};
        int made;

        if (strncmp(written, "~/", 2) != 0 || (!is_dir && !ends_with(written, ".json?")))
            continue;
        made = make_state_at(clean, is_dir, &err);
        if (made < 0)
            cage_cli_note("warning: %s: what the cage writes to %s will be lost", err.message, plain);
        else if (made > 0)
            cage_strv_addf(&files->done, "%s\tstate that outlives the cage", plain);
    }
}

static int make(struct cage_files *files, const struct cage_cli *cli, const struct template *template,
                bool replace, struct cage_error *err)
{
    if (template->config.level != CAGE_LEVEL_STRICT &&
        cage_project_check_place(&template->host, files->root, err) < 0)
        return -1;
    if (cage_files_init(files, template->text.buf, template->text.len, replace, err) < 0)
        return -1;
    record_trust(files, template);
    make_state(files, template);
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
    cage_autofree char *question =
        cage_format("Remove nixcage's files from %s, with everything in .nixcage/?", root);

    return cli->given[CAGE_OPT_YES] || !cage_cli_can_ask() || cage_cli_ask(question);
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
    CAGE_STRBUF_AUTO text = {0};

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
    HOST_AUTO host = {0};

    if (cage_files_open(&files, cli->dir ? cli->dir : ".", false, err) < 0 ||
        cage_host_probe(&host, cli->environ_, err) < 0)
        return -1;
    if (cage_files_present(&files)) {
        if (!confirmed(cli, files.root)) {
            cage_cli_note("nothing was changed");
            return CAGE_EXIT_OK;
        }
        if (cage_files_destroy(&files, false, err) < 0)
            return -1;
        forget(&files, &host);
    }
    return print_removed(&files, err);
}
