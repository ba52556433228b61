/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Parses a line of words separated by single spaces; "''" is an empty word. The words live in buf. */
static int parse(struct cage_cli *cli, const char *line, char *buf, char **argv, char *const *env,
                 struct cage_error *err)
{
    size_t n = 0;

    strcpy(buf, line);
    for (char *word = strtok(buf, " "); word; word = strtok(NULL, " ")) {
        if (strcmp(word, "''") == 0)
            *word = '\0';
        argv[n++] = word;
    }
    argv[n] = NULL;
    *cli = (struct cage_cli){.environ_ = env};
    *err = (struct cage_error){0};
    return cage_cli_parse(cli, argv, err);
}

static void test_good(void **state)
{
    static const struct {
        const char *line, *command, *dir;
        int words;
    } rows[] = {
        {"nixcage --help", "help", NULL, 0},
        {"nixcage -h", "help", NULL, 0},
        {"nixcage --version", "version", NULL, 0},
        {"nixcage help init", "help", NULL, 1},
        {"nixcage init", "init", NULL, 0},
        {"nixcage init --force dir", "init", "dir", 1},
        {"nixcage init dir --force", "init", "dir", 2},
        {"nixcage init -- --force", "init", "--force", 1},
        {"/usr/bin/nixcage destroy --yes", "destroy", NULL, 0},
        {"nixcage run", "run", NULL, 0},
        {"nixcage run --", "run", NULL, 0},
        {"nixcage run ls -la --help", "run", NULL, 3},
        {"nixcage run --debug ls", "run", NULL, 1},
        {"nixcage run --debug=FILE ls", "run", NULL, 1},
        {"nixcage run --debug -- --debug", "run", NULL, 1},
        {"nixcage run -- -- x", "run", NULL, 2},
        {"nixcage run dir -- ls --", "run", "dir", 2},
        {"nixcage run dir --", "run", "dir", 0},
        {"nixcage run --debug dir -- ls", "run", "dir", 1},
        {"nixcage run ls a -- b", "run", NULL, 4},
        {"nixcage run ''", "run", NULL, 1},
        {"nixcage run -", "run", NULL, 1},
        {"cagerun ls -- -x", "run", NULL, 3},
        {"cagerun -- ls", "run", NULL, 1},
        {"/opt/bin/cage", "shell", NULL, 0},
        {"cage sub", "shell", "sub", 1},
        {"nixcage add a b c", "add", NULL, 3},
        {"nixcage add -- -x", "add", NULL, 1},
    };
    char buf[256], *argv[32];
    struct cage_error err;
    struct cage_cli cli;

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        int n = 0;

        assert_int_equal(parse(&cli, rows[i].line, buf, argv, NULL, &err), 0);
        assert_string_equal(cli.command->name, rows[i].command);
        if (rows[i].dir)
            assert_string_equal(cli.dir, rows[i].dir);
        else
            assert_null(cli.dir);
        while (cli.words[n])
            n++;
        assert_int_equal(n, rows[i].words);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *line, *message, *hint;
    } rows[] = {
        {"nixcage", "no command given", "see 'nixcage help'"},
        {"nixcage inti", "unknown command 'inti'", "did you mean 'init'?"},
        {"nixcage ls -la", "unknown command 'ls'",
         "see 'nixcage help'; to run it in the cage: nixcage run ls"},
        {"nixcage --verison", "unknown option '--verison'", "did you mean 'version'?"},
        {"nixcage init --forc", "init: unknown option '--forc'", "did you mean '--force'?"},
        {"nixcage init --forc=1", "init: unknown option '--forc'", "did you mean '--force'?"},
        {"nixcage init -x", "init: unknown option '-x'", "see 'nixcage init --help'"},
        {"nixcage init --force=yes", "--force takes no value", "leave out the = and what follows it"},
        {"nixcage run -x ls", "run: unknown option '-x'", "see 'nixcage run --help'"},
        {"nixcage run --dbug ls", "run: unknown option '--dbug'", "did you mean '--debug'?"},
        {"nixcage init --preset", "--preset requires a value", "write --preset=NAME"},
        {"nixcage init --preset --force", "--preset requires a value", "write --preset=NAME"},
        {"nixcage run --debug= ls", "--debug requires a value", "write --debug=FILE"},
        {"nixcage init --preset=", "--preset requires a value", "write --preset=NAME"},
        {"nixcage init a b", "init: unexpected argument 'b'", "see 'nixcage init --help'"},
        {"nixcage init ''", "init: the directory is an empty word",
         "leave it out for the current directory; a variable in it may be unset"},
        {"nixcage version x", "version: unexpected argument 'x'", "see 'nixcage version --help'"},
    };
    char buf[256], *argv[32];
    struct cage_error err;
    struct cage_cli cli;

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        assert_int_equal(parse(&cli, rows[i].line, buf, argv, NULL, &err), -1);
        assert_int_equal(err.code, CAGE_ERR_USAGE);
        assert_string_equal(err.message, rows[i].message);
        assert_string_equal(err.hint, rows[i].hint);
    }
}

/* Everything a terminal of 80 columns and 24 lines shows at once. */
static void fits(const struct cage_command *command)
{
    CAGE_STRBUF_AUTO text = {0};
    size_t lines = 0;

    cage_strbuf_init(&text);
    cage_help_render(command, &text);
    for (const char *p = text.buf, *nl; *p; p = nl + 1) {
        nl = strchr(p, '\n');
        assert_non_null(nl);
        if (nl - p > 80)
            fail_msg("longer than 80 columns: %.*s", (int)(nl - p), p);
        lines++;
    }
    if (lines > 23)
        fail_msg("%s: %zu lines of help", command ? command->name : "nixcage", lines);
}

static void test_help_fits(void **state)
{
    size_t n;
    const struct cage_command *commands = cage_commands(&n);

    (void)state;
    fits(NULL);
    for (size_t i = 0; i < n; i++)
        fits(&commands[i]);
}

static void test_values_and_root(void **state)
{
    char *const env[] = {(char[]){"NIXCAGE_ROOTX=/no"}, (char[]){"NIXCAGE_ROOT=/a b"}, NULL};
    char *const relative[] = {(char[]){"NIXCAGE_ROOT=x"}, NULL};
    char buf[256], *argv[32];
    struct cage_error err;
    struct cage_cli cli;

    (void)state;
    assert_int_equal(parse(&cli, "nixcage init --preset=a=b --force", buf, argv, env, &err), 0);
    assert_string_equal(cli.values[CAGE_OPT_PRESET], "a=b");
    assert_true(cli.given[CAGE_OPT_FORCE]);
    assert_null(cli.active_root);
    assert_int_equal(parse(&cli, "nixcage init --preset x dir", buf, argv, env, &err), 0);
    assert_string_equal(cli.values[CAGE_OPT_PRESET], "x");
    assert_string_equal(cli.dir, "dir");
    assert_int_equal(parse(&cli, "cage", buf, argv, env, &err), 0);
    assert_string_equal(cli.active_root, "/a b");
    assert_int_equal(parse(&cli, "cagerun ls", buf, argv, relative, &err), 0);
    assert_null(cli.active_root);
}

static void test_completions(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    size_t n;
    const struct cage_command *commands = cage_commands(&n);
    struct cage_error err;
    CAGE_STRBUF_AUTO none;

    (void)state;
    cage_strbuf_init(&none);
    for (size_t i = 0; i < CAGE_LEN(shells); i++) {
        CAGE_STRBUF_AUTO text;

        cage_strbuf_init(&text);
        assert_int_equal(cage_completions_render(shells[i], &text, &err), 0);
        for (size_t c = 0; c < n; c++)
            if (!commands[c].hidden)
                assert_non_null(strstr(text.buf, commands[c].name));
        assert_null(strstr(text.buf, "_direnv_hook"));
    }
    assert_int_equal(cage_completions_render("tcsh", &none, &err), -1);
    assert_int_equal(cage_completions_render(NULL, &none, &err), -1);
}

static void test_options_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_OPT_COUNT; i++)
        assert_int_equal(cage_options()[i].id, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_help_fits),   cmocka_unit_test(test_values_and_root),
        cmocka_unit_test(test_completions), cmocka_unit_test(test_options_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
