/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose name and address git gets in the cage: from which files, and from which not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan_fixture.h"

#include <string.h>

#define BOTH(name, email) "[user]\n\tname = \"" name "\"\n\temail = \"" email "\"\n"
#define NAME(name) "[user]\n\tname = \"" name "\"\n"
#define RC "f /home/u/.gitconfig text="
#define USER RC "[user]\\nname = Ada\\nemail = a@b\\n"

static const struct {
    const char *what, *machine, *toml, *expected; /* NULL: no /etc/gitconfig in the cage */
} table[] = {
    {"nothing configured", "", "", NULL},
    {"the user's", USER, "", BOTH("Ada", "a@b")},
    {"a name alone", RC "[user]\\nname = Ada", "", NAME("Ada")},
    {"nothing else of it",
     RC "[core]\\nfsmonitor = evil\\n[alias]\\nx = !evil\\n[credential]\\nhelper = store\\n", "", NULL},
    {"the later one wins", RC "[user]\\nname = A\\nname = B\\n", "", NAME("B")},
    {"the stronger file wins",
     "f /etc/gitconfig text=[user]\\nname = System\\nemail = s@s\n"
     "f /home/u/.config/git/config text=[user]\\nname = Xdg\n" RC "[user]\\nname = Home",
     "", BOTH("Home", "s@s")},
    {"XDG_CONFIG_HOME",
     "env XDG_CONFIG_HOME=/home/u/conf\nf /home/u/conf/git/config text=[user]\\nname = Conf\n"
     "f /home/u/.config/git/config text=[user]\\nname = Not",
     "", NAME("Conf")},
    {"GIT_CONFIG_GLOBAL replaces both",
     "env GIT_CONFIG_GLOBAL=/home/u/g\nf /home/u/g text=[user]\\nname = G\n" USER, "", NAME("G")},
    {"an include, relative and with ~",
     RC "[include]\\npath = a\\n\nf /home/u/a text=[include]\\npath = ~/b\\n\nf /home/u/b text=[user]\\nname "
        "= B",
     "", NAME("B")},
    {"an include that is not there", RC "[include]\\npath = nowhere\\n[user]\\nname = A", "", NAME("A")},
    {"includes in a circle end", RC "[user]\\nname = A\\n[include]\\npath = .gitconfig\\n", "", NAME("A")},
    {"includeIf of a directory above",
     RC "[user]\\nname = A\\n[includeIf \"gitdir:~/\"]\\npath = w\\n\nf /home/u/w text=[user]\\nname = W", "",
     NAME("W")},
    {"includeIf of another directory, of a pattern, of a branch, of nothing",
     RC "[user]\\nname = A\\n[includeIf \"gitdir:~/other/\"]\\npath = w\\n[includeIf "
        "\"gitdir:/home/*/\"]\\npath = w\\n"
        "[includeIf \"onbranch:main\"]\\npath = w\\n[includeIf \"\"]\\npath = w\\n[includeIf "
        "\"gitdir:\"]\\npath = w\\n"
        "[includeIf \"gitdir:pro\"]\\npath = w\\n\nf /home/u/w text=[user]\\nname = W",
     "", NAME("A")},
    {"a file the cage could write has no say",
     USER "\nf /home/u/proj/config text=[user]\\nname = Mallory\\n\nf /home/u/.config/git/config "
          "text=[include]\\npath = "
          "/home/u/proj/config",
     "", BOTH("Ada", "a@b")},
    {"nor has a link into the project",
     "f /home/u/proj/config text=[user]\\nname = Mallory\nl /home/u/.gitconfig /home/u/proj/config", "",
     NULL},
    {"nor what is bound writable", USER, "[sandbox.filesystem]\nrw_bind = [\"~/.gitconfig\"]\n", NULL},
    {"nor what is hidden", USER, "[sandbox.filesystem]\nblacklist = [\"~/.gitconfig\"]\n", NULL},
    {"quotes cannot end the value", RC "[user]\\nname = \"x\\\" ]\\t[core]\"\\n", "",
     NAME("x\\\" ]\\t[core]")},
    {"this project is safe.directory", RC "[safe]\\ndirectory = /other\\ndirectory = /home/u/proj\\n", "",
     "[safe]\n\tdirectory = \"/home/u/proj\"\n"},
    {"all are", RC "[safe]\\ndirectory = *\\n", "", "[safe]\n\tdirectory = \"/home/u/proj\"\n"},
    {"taken back", RC "[safe]\\ndirectory = *\\ndirectory =\\n", "", NULL},
    {"no project, no name", USER, "[sandbox]\nlevel = \"strict\"\n", NULL},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(table); i++) {
        struct plan_fixture f;
        const struct cage_op *op;

        plan_fixture_init(&f, "debian", "/home/u/proj", table[i].machine);
        if (plan_fixture_build(&f, table[i].toml) < 0)
            fail_msg("%s: %s", table[i].what, f.err.message);
        op = plan_fixture_op(&f, "/etc/gitconfig");
        if (!op && table[i].expected)
            fail_msg("%s: nothing, not:\n%s", table[i].what, table[i].expected);
        if (op && (!table[i].expected || strcmp(op->content, table[i].expected) != 0))
            fail_msg("%s:\n%s-- not:\n%s", table[i].what, op->content,
                     table[i].expected ? table[i].expected : "nothing\n");
        plan_fixture_finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
