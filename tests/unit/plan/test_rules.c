/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of binds, blacklist and protected paths, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan/planner.h"
#include "plan_fixture.h"

#include <string.h>

#define ROOT "/home/u/proj"
#define FS "[sandbox.filesystem]\n"

/* A plan of the Debian machine plus `more`, with `toml`; dies when it fails. */
static void build(struct plan_fixture *f, const char *more, const char *toml)
{
    plan_fixture_init(f, "debian", ROOT, more);
    if (plan_fixture_build(f, toml) < 0)
        fail_msg("%s (%s)", f->err.message, f->err.hint);
}

/* The plan fails at `line` with a message that has `part`. */
static void refuse(const char *more, const char *toml, int line, const char *part)
{
    struct plan_fixture f;

    plan_fixture_init(&f, "debian", ROOT, more);
    if (plan_fixture_build(&f, toml) == 0)
        fail_msg("not refused: %s", toml);
    if (!strstr(f.err.message, part))
        fail_msg("\"%s\" is not in: %s", part, f.err.message);
    assert_int_equal(f.err.line, line);
    plan_fixture_finish(&f);
}

static void assert_op(const struct plan_fixture *f, const char *dest, enum cage_op_kind kind,
                      const char *source, bool writable)
{
    const struct cage_op *op = plan_fixture_op(f, dest);

    if (!op)
        fail_msg("nothing at %s", dest);
    assert_int_equal(op->kind, kind);
    if (source)
        assert_string_equal(op->source, source);
    if (kind == CAGE_OP_BIND)
        assert_int_equal(op->writable, writable);
}

/* The entry of a protected path; dies when there is none. */
static struct cage_protected protected_at(const struct plan_fixture *f, const char *path)
{
    for (size_t i = 0; i < f->plan.n_protected; i++)
        if (strcmp(f->plan.protected_paths[i].path, path) == 0)
            return f->plan.protected_paths[i];
    fail_msg("%s is not protected", path);
    return (struct cage_protected){0};
}

static bool warns(const struct plan_fixture *f, const char *part)
{
    for (size_t i = 0; i < f->plan.warnings.n; i++)
        if (strstr(f->plan.warnings.items[i], part))
            return true;
    return false;
}

static void test_nested_binds(void **state)
{
    struct plan_fixture f;
    size_t at[3] = {0};
    const char *dests[] = {"/data", "/data/models", "/data/models/out"};

    (void)state;
    build(&f, "d /data/models/out",
          FS "ro_bind = [\"/data\", \"/data/models/out\"]\nrw_bind = [\"/data/models\"]\n");
    assert_op(&f, dests[0], CAGE_OP_BIND, dests[0], false);
    assert_op(&f, dests[1], CAGE_OP_BIND, dests[1], true);
    assert_op(&f, dests[2], CAGE_OP_BIND, dests[2], false);
    for (size_t i = 0; i < f.plan.n_ops; i++)
        for (size_t k = 0; k < 3; k++)
            if (strcmp(f.plan.ops[i].dest, dests[k]) == 0)
                at[k] = i;
    assert_true(at[0] < at[1] && at[1] < at[2]);
    plan_fixture_finish(&f);
}

static void test_symlinked_source(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "l /home/u/models /data/models", FS "ro_bind = [\"~/models\"]\n");
    assert_op(&f, "/home/u/models", CAGE_OP_BIND, "/data/models", false);
    assert_op(&f, "/data/models", CAGE_OP_BIND, "/data/models", false);
    plan_fixture_finish(&f);
    /* In the real home the symlink is seen as such. */
    build(&f, "l /home/u/models /data/models",
          "[sandbox]\nlevel = \"relaxed\"\n" FS "ro_bind = [\"~/models\"]\n");
    assert_null(plan_fixture_op(&f, "/home/u/models"));
    assert_op(&f, "/data/models", CAGE_OP_BIND, "/data/models", false);
    plan_fixture_finish(&f);
}

static void test_read_only_wins(void **state)
{
    struct plan_fixture f;

    (void)state;
    /* The same object under two names. */
    build(&f, "l /home/u/models /data/models", FS "ro_bind = [\"/data/models\"]\nrw_bind = [\"~/models\"]\n");
    assert_op(&f, "/data/models", CAGE_OP_BIND, NULL, false);
    assert_op(&f, "/home/u/models", CAGE_OP_BIND, NULL, false);
    plan_fixture_finish(&f);
    /* A part of it, seen through a writable bind at another place. */
    build(&f, "l /home/u/all /data\nd /data/models/x",
          FS "ro_bind = [\"/data/models\"]\nrw_bind = [\"~/all\"]\n");
    assert_op(&f, "/home/u/all/models", CAGE_OP_BIND, "/data/models", false);
    plan_fixture_finish(&f);
}

static void test_missing_binds(void **state)
{
    struct plan_fixture f;

    (void)state;
    refuse(NULL, FS "ro_bind = [\"/data/none\"]\n", 2, "is not there");
    build(&f, NULL, FS "ro_bind = [\"/data/none?\"]\n");
    assert_null(plan_fixture_op(&f, "/data/none"));
    plan_fixture_finish(&f);
}

static void test_refused_binds(void **state)
{
    (void)state;
    refuse(NULL, FS "ro_bind = [\"/proc/sys\"]\n", 2, "/proc");
    refuse(NULL, FS "rw_bind = [\"/nix/store/aaa-bash\"]\n", 2, "store_mode");
    refuse(NULL, FS "ro_bind = [\"/etc\"]\n", 2, "its own /etc");
    refuse("l /home/u/r /", FS "ro_bind = [\"~/r\"]\n", 2, "whole machine");
    refuse("x /data/closed", FS "ro_bind = [\"/data/closed/x\"]\n", 2, "cannot look");
    refuse("l /data/a b\nl /data/b a", FS "ro_bind = [\"/data/a\"]\n", 2, "cannot look");
}

static void test_swappable(void **state)
{
    struct plan_fixture f;

    (void)state;
    refuse("d /srv/other uid=2000\nd /srv/other/x uid=1000", FS "ro_bind = [\"/srv/other/x\"]\n", 2,
           "belongs to user 2000");
    refuse("d /srv/open mode=0777\nd /srv/open/x uid=1000", FS "ro_bind = [\"/srv/open/x\"]\n", 2,
           "anybody may replace");
    refuse("l /tmp/link /data/models uid=2000", FS "ro_bind = [\"/tmp/link\"]\n", 2, "belongs to user 2000");
    /* Sticky, and one's own. */
    build(&f, "d /tmp/mine uid=1000", FS "ro_bind = [\"/tmp/mine\"]\n");
    assert_op(&f, "/tmp/mine", CAGE_OP_BIND, "/tmp/mine", false);
    plan_fixture_finish(&f);
}

static void test_project_relative(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, FS "ro_bind = [\"src\"]\n");
    assert_op(&f, ROOT "/src", CAGE_OP_BIND, ROOT "/src", false);
    plan_fixture_finish(&f);
    refuse("l " ROOT "/out /home/u/.ssh", FS "ro_bind = [\"out\"]\n", 2, "symlink");
    refuse("l " ROOT "/in src", FS "ro_bind = [\"in\"]\n", 2, "symlink");
    /* An absolute path through a symlink that the cage can change. */
    refuse("l " ROOT "/out /data/models", FS "ro_bind = [\"" ROOT "/out\"]\n", 2,
           "which the cage could change");
}

static void test_blacklist_against_binds(void **state)
{
    (void)state;
    refuse(NULL, FS "ro_bind = [\"/home/u/.ssh/known\"]\nblacklist = [\"~/.ssh\"]\n", 2, "blacklist");
    refuse("l /data/ssh /home/u/.ssh", FS "ro_bind = [\"/data/ssh\"]\nblacklist = [\"~/.ssh\"]\n", 2,
           "blacklist");
    /* Another name of the same object. */
    refuse("a /home/u/.ssh /mnt/again", FS "ro_bind = [\"/mnt/again\"]\nblacklist = [\"~/.ssh\"]\n", 2,
           "blacklist");
    refuse(NULL, FS "blacklist = [\"/home/u\"]\n", 2, "the project");
    refuse(NULL, FS "blacklist = [\"/nix\"]\n", 2, "store_mode");
    refuse(NULL, FS "blacklist = [\"/usr\"]\nsystem = true\n", 2, "system = true");
}

/* The host shows /home/u/keys a second time, deep in what is bound; only its mount table tells. */
static void test_blacklist_follows_mounts(void **state)
{
    static const char machine[] =
        "d /home/u/keys/sub\nd /mnt/x/keys\ns /mnt/y\n"
        "f /proc/self/mountinfo text=20 1 8:1 / / rw - ext4 /dev/sda rw\\n"
        "21 20 8:1 /home/u /mnt/x rw - ext4 /dev/sda rw\\n22 20 9:9 / /mnt/z rw - tmpfs t rw\\n\n";
    struct plan_fixture f;

    (void)state;
    build(&f, machine, FS "ro_bind = [\"/mnt/x\"]\nblacklist = [\"~/keys\"]\n");
    assert_op(&f, "/mnt/x/keys", CAGE_OP_MASK_DIR, NULL, false);
    plan_fixture_finish(&f);
    refuse(machine, FS "ro_bind = [\"/mnt/x/keys\"]\nblacklist = [\"~/keys\"]\n", 2, "blacklist");
}

static void test_masks(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "d " ROOT "/a/b/secret\nl /home/u/view " ROOT "/a",
          FS "rw_bind = [\"~/view\"]\nblacklist = [\"" ROOT
             "/a/b/secret\", \"/home/u/.aws\", \"/home/u/.ssh\"]\n");
    assert_op(&f, ROOT "/a/b/secret", CAGE_OP_MASK_DIR, NULL, false);
    assert_op(&f, "/home/u/view/b/secret", CAGE_OP_MASK_DIR, NULL, false);
    assert_op(&f, ROOT "/a/b", CAGE_OP_PIN, ROOT "/a/b", false);
    assert_op(&f, "/home/u/view/b", CAGE_OP_PIN, ROOT "/a/b", false);
    /* Not seen at all: nothing to hide. */
    assert_null(plan_fixture_op(&f, "/home/u/.ssh"));
    assert_null(plan_fixture_op(&f, "/home/u/.aws"));
    plan_fixture_finish(&f);
}

static void test_mask_of_absent(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "d " ROOT "/a/b", FS "blacklist = [\"" ROOT "/a/b/later/x\"]\n");
    assert_null(plan_fixture_op(&f, ROOT "/a/b/later/x"));
    assert_op(&f, ROOT "/a/b", CAGE_OP_PIN, NULL, false);
    assert_op(&f, ROOT "/a", CAGE_OP_PIN, NULL, false);
    assert_true(protected_at(&f, ROOT "/a/b/later/x").hide);
    plan_fixture_finish(&f);
}

static void test_blacklist_through_symlink(void **state)
{
    (void)state;
    refuse("l " ROOT "/keys /data/models", FS "ro_bind = [\"/data\"]\nblacklist = [\"" ROOT "/keys\"]\n", 3,
           "which the cage could change");
}

static void test_masks_nested(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "d " ROOT "/a/b", FS "blacklist = [\"" ROOT "/a/b\", \"" ROOT "/a\"]\n");
    assert_op(&f, ROOT "/a", CAGE_OP_MASK_DIR, NULL, false);
    assert_null(plan_fixture_op(&f, ROOT "/a/b"));
    plan_fixture_finish(&f);
    build(&f, NULL, FS "blacklist = [\"" ROOT "/.git\"]\n");
    assert_op(&f, ROOT "/.git", CAGE_OP_MASK_DIR, NULL, false);
    assert_null(plan_fixture_op(&f, ROOT "/.git/hooks"));
    plan_fixture_finish(&f);
}

static void test_blacklisted_host_files_are_not_copied(void **state)
{
    const struct cage_op *hosts;
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, FS "blacklist = [\"/etc/hosts\", \"/etc/ssl/certs\"]\n");
    hosts = plan_fixture_op(&f, "/etc/hosts");
    assert_true(hosts && !strstr(hosts->content, "intranet"));
    assert_null(plan_fixture_op(&f, "/etc/ssl/certs/ca-certificates.crt"));
    plan_fixture_finish(&f);
}

static void test_protected_paths(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, "");
    assert_op(&f, ROOT "/.git", CAGE_OP_PIN, ROOT "/.git", false);
    assert_op(&f, ROOT "/.git/hooks", CAGE_OP_BIND, ROOT "/.git/hooks", false);
    assert_false(protected_at(&f, ROOT "/.mcp.json").exists);
    assert_true(protected_at(&f, ROOT "/.claude/settings*.json").is_glob);
    plan_fixture_finish(&f);
    build(&f, NULL, FS "protect = [\"src\"]\nunprotect = [\".git\", \".claude/settings.json\"]\n");
    assert_op(&f, ROOT "/src", CAGE_OP_BIND, ROOT "/src", false);
    assert_null(plan_fixture_op(&f, ROOT "/.git"));
    assert_null(plan_fixture_op(&f, ROOT "/.claude/settings.json"));
    plan_fixture_finish(&f);
    refuse(NULL, FS "unprotect = [\".nixcage\"]\n", 2, "stays protected");
    refuse(NULL, FS "rw_bind = [\".git/hooks\"]\n", 2, "which is protected");
    refuse("d " ROOT "/.vscode/x", FS "rw_bind = [\".vscode/x\"]\n", 2, "which is protected");
}

static void test_protected_under_another_name(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "l /home/u/again " ROOT, FS "rw_bind = [\"~/again\"]\n");
    assert_op(&f, "/home/u/again/nixcage.toml", CAGE_OP_BIND, ROOT "/nixcage.toml", false);
    assert_op(&f, "/home/u/again/.git/hooks", CAGE_OP_BIND, ROOT "/.git/hooks", false);
    assert_op(&f, "/home/u/again/.nixcage", CAGE_OP_BIND, ROOT "/.nixcage", false);
    plan_fixture_finish(&f);
    /* The level strict does not mount it, but a bind may. */
    build(&f, NULL, "[sandbox]\nlevel = \"strict\"\n" FS "rw_bind = [\"" ROOT "\"]\n");
    assert_op(&f, ROOT "/nixcage.toml", CAGE_OP_BIND, NULL, false);
    plan_fixture_finish(&f);
}

static void test_protected_symlink(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "d " ROOT "/tools/idea\nl " ROOT "/.idea tools/idea", "");
    assert_op(&f, ROOT "/tools/idea", CAGE_OP_BIND, ROOT "/tools/idea", false);
    assert_op(&f, ROOT "/tools", CAGE_OP_PIN, NULL, false);
    assert_string_equal(protected_at(&f, ROOT "/.idea").link, "tools/idea");
    plan_fixture_finish(&f);
}

static void test_protected_in_a_symlinked_directory(void **state)
{
    struct plan_fixture f;

    (void)state;
    plan_fixture_init(&f, "nixos", ROOT,
                      "f " ROOT "/dots/claude/settings.local.json\nl " ROOT "/.claude dots/claude\n");
    assert_int_equal(plan_fixture_build(&f, ""), 0);
    assert_op(&f, ROOT "/dots/claude/settings.local.json", CAGE_OP_BIND, NULL, false);
    assert_op(&f, ROOT "/dots/claude", CAGE_OP_PIN, NULL, false);
    /* Nothing can be mounted on a symlink. */
    assert_null(plan_fixture_op(&f, ROOT "/.claude"));
    assert_string_equal(protected_at(&f, ROOT "/.claude").link, "dots/claude");
    plan_fixture_finish(&f);
}

static void test_git_worktree(void **state)
{
    struct plan_fixture f;

    (void)state;
    plan_fixture_init(&f, "fedora", "/root/proj",
                      "f /root/proj/.git text=gitdir: /root/main/.git/worktrees/proj\\n\n"
                      "f /root/main/.git/worktrees/proj/commondir text=../..\\n\n"
                      "d /root/main/.git/hooks\nf /root/main/.git/config\nf /root/main/.git/HEAD\n");
    assert_int_equal(plan_fixture_build(&f, FS "rw_bind = [\"/root/main/.git\"]\n"), 0);
    assert_op(&f, "/root/proj/.git", CAGE_OP_BIND, NULL, false);
    assert_op(&f, "/root/main/.git/hooks", CAGE_OP_BIND, NULL, false);
    assert_op(&f, "/root/main/.git/config", CAGE_OP_BIND, NULL, false);
    assert_op(&f, "/root/main/.git/worktrees/proj/commondir", CAGE_OP_BIND, NULL, false);
    plan_fixture_finish(&f);
}

static void test_git_submodule(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f,
          "f " ROOT "/.git/modules/libs/foo/HEAD\n"
          "f " ROOT "/.git/modules/libs/foo/config text=[core]\\n    worktree = ../../../../libs/foo\\n\n"
          "d " ROOT "/.git/modules/libs/foo/hooks\n"
          "f " ROOT "/libs/foo/.git text=gitdir: ../../.git/modules/libs/foo\\n\n",
          "");
    assert_op(&f, ROOT "/.git/modules/libs/foo/hooks", CAGE_OP_BIND, NULL, false);
    assert_op(&f, ROOT "/.git/modules/libs/foo/config", CAGE_OP_BIND, NULL, false);
    assert_op(&f, ROOT "/libs/foo/.git", CAGE_OP_BIND, NULL, false);
    assert_op(&f, ROOT "/libs/foo", CAGE_OP_PIN, NULL, false);
    assert_op(&f, ROOT "/libs", CAGE_OP_PIN, NULL, false);
    plan_fixture_finish(&f);
}

static void test_own_files_in_a_writable_home(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "d /home/u/.config/nixcage", FS "rw_bind = [\"~\"]\n");
    assert_op(&f, "/home/u", CAGE_OP_BIND, "/home/u", true);
    assert_op(&f, "/home/u/.config/nixcage", CAGE_OP_BIND, NULL, false);
    assert_op(&f, "/home/u/.config", CAGE_OP_PIN, NULL, false);
    assert_false(protected_at(&f, "/home/u/.cache/nixcage").exists);
    assert_true(warns(&f, "whole home"));
    plan_fixture_finish(&f);
}

static void test_no_stubs(void **state)
{
    (void)state;
    /* The home would have to be made in the host's directory. */
    refuse("home /srv/homes/u\nd /srv/homes", FS "rw_bind = [\"/srv/homes\"]\n", 0,
           "is not there on the host");
}

static void test_sockets_warn(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, FS "ro_bind = [\"/var/run/docker.sock\"]\n");
    assert_true(warns(&f, "full control"));
    plan_fixture_finish(&f);
}

static void test_obeyed_files_warn(void **state)
{
    static const struct {
        const char *bind;
        bool warns;
    } rows[] = {
        {"rw_bind = [\"/home/u/.config\"]\n", true},
        {"rw_bind = [\"/home/u/.config/nix\"]\n", true},
        {"rw_bind = [\"/home/u/.config/tool\"]\n", false},
        {"ro_bind = [\"/home/u/.config\"]\n", false},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        cage_autofree char *text = cage_format(FS "%s", rows[i].bind);
        struct plan_fixture f;

        build(&f, "d /home/u/.config\nd /home/u/.config/nix\nd /home/u/.config/tool", text);
        assert_int_equal(warns(&f, "programs on the host do what ~/.config/"), rows[i].warns);
        plan_fixture_finish(&f);
    }
}

static void test_own_directories_are_real(void **state)
{
    struct plan_fixture f;

    (void)state;
    plan_fixture_init(&f, "nixos", ROOT, "d " ROOT "/.nixcage\nl " ROOT "/.nixcage/local /home/u\n");
    assert_int_equal(plan_fixture_build(&f, ""), -1);
    assert_non_null(strstr(f.err.message, ".nixcage/local"));
    plan_fixture_finish(&f);
}

static void test_no_project_of_system_directories(void **state)
{
    static const char *const roots[] = {"/", "/usr", "/etc", "/tmp", "/nix", "/run"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(roots); i++) {
        struct plan_fixture f;

        plan_fixture_init(&f, "debian", roots[i], NULL);
        assert_int_equal(plan_fixture_build(&f, ""), -1);
        assert_int_equal(f.err.code, CAGE_ERR_PROJECT);
        plan_fixture_finish(&f);
    }
}

static void test_kernel_without_scopes(void **state)
{
    struct plan_fixture f;

    (void)state;
    refuse("landlock 5", "[sandbox.network]\nallow = true\n", 2, "abstract sockets");
    refuse("landlock 1", "[sandbox.network]\nallow = false\n[nix]\nstore_view = \"closure\"\n", 4,
           "Landlock ABI 2");
    build(&f, "landlock 0", "[sandbox.network]\nallow = false\n[nix]\nstore_view = \"full\"\n");
    assert_false(f.plan.limit_store || f.plan.scope_abstract || f.plan.scope_signal);
    plan_fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested_binds),
        cmocka_unit_test(test_symlinked_source),
        cmocka_unit_test(test_read_only_wins),
        cmocka_unit_test(test_missing_binds),
        cmocka_unit_test(test_refused_binds),
        cmocka_unit_test(test_swappable),
        cmocka_unit_test(test_project_relative),
        cmocka_unit_test(test_blacklist_against_binds),
        cmocka_unit_test(test_blacklist_follows_mounts),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_mask_of_absent),
        cmocka_unit_test(test_blacklist_through_symlink),
        cmocka_unit_test(test_masks_nested),
        cmocka_unit_test(test_blacklisted_host_files_are_not_copied),
        cmocka_unit_test(test_protected_paths),
        cmocka_unit_test(test_protected_under_another_name),
        cmocka_unit_test(test_protected_symlink),
        cmocka_unit_test(test_protected_in_a_symlinked_directory),
        cmocka_unit_test(test_git_worktree),
        cmocka_unit_test(test_git_submodule),
        cmocka_unit_test(test_own_files_in_a_writable_home),
        cmocka_unit_test(test_no_stubs),
        cmocka_unit_test(test_sockets_warn),
        cmocka_unit_test(test_obeyed_files_warn),
        cmocka_unit_test(test_own_directories_are_real),
        cmocka_unit_test(test_no_project_of_system_directories),
        cmocka_unit_test(test_kernel_without_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
