/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made-up configurations, many of them, always the same: what must hold for every plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "plan_properties.h"

enum { ROUNDS = 1500 };

static const char *const paths[] = {
    "/data",
    "/data/models",
    "/home/u",
    "/home/u/.ssh",
    "/home/u/.claude",
    "/home/u/proj",
    "/home/u/proj/src",
    "~",
    "~/.config",
    "~/.gitconfig",
    "/home/u/proj/.git",
    "/home/u/proj/.git/hooks",
    "/etc/ssl",
    "/usr",
    "/usr/bin",
    "/bin",
    "/var/run/docker.sock",
    "/tmp",
    "/home",
    "/root",
    "/root/.claude",
    "/nix/store/aaa-bash",
    "/work",
    "/work/proj",
    "/home/u/--bind",
    "/data/-x",
    "/data/ü",
    "/var/tmp",
    "/opt",
    "/home/u/proj/nixcage.toml",
    "/data/absent/deep",
    "/home/u/proj/.nixcage/local",
    "/etc/hosts",
    "/run/user",
    "/home/u/proj/.claude",
};

static const char *const relative[] = {"src",      ".git",    ".vscode", "a/b",
                                       "Makefile", ".claude", "-x",      "--bind"};
static const char *const levels[] = {"strict", "standard", "relaxed"};
static const char *const modes[] = {"readonly", "shared", "copy"};

/* xorshift64: the same on every machine. */
static size_t pick(uint64_t *seed, size_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (size_t)(*seed % n);
}

static void add_list(struct cage_strbuf *out, uint64_t *seed, const char *key, const char *const *items,
                     size_t n, const char *suffix)
{
    size_t count = pick(seed, 4);

    if (count == 0)
        return;
    cage_strbuf_addf(out, "%s = [", key);
    for (size_t i = 0; i < count; i++)
        cage_strbuf_addf(out, "%s\"%s%s\"", i ? ", " : "", items[pick(seed, n)], suffix);
    cage_strbuf_add(out, "]\n");
}

static void make_config(struct cage_strbuf *out, uint64_t *seed)
{
    cage_strbuf_addf(out, "[sandbox]\nlevel = \"%s\"\n[sandbox.filesystem]\n", levels[pick(seed, 3)]);
    add_list(out, seed, "ro_bind", paths, CAGE_LEN(paths), "?");
    add_list(out, seed, "rw_bind", paths, CAGE_LEN(paths), "?");
    add_list(out, seed, "blacklist", paths, CAGE_LEN(paths), "");
    add_list(out, seed, "protect", relative, CAGE_LEN(relative), "");
    cage_strbuf_addf(out,
                     "system = %s\n[sandbox.network]\nallow = %s\n[nix]\npure = %s\nstore_mode = \"%s\"\n",
                     pick(seed, 3) == 0 ? "true" : "false", pick(seed, 2) ? "true" : "false",
                     pick(seed, 2) ? "true" : "false", modes[pick(seed, 3)]);
}

static void test_made_up(void **state)
{
    uint64_t seed = 88172645463325252u;
    int planned, plans = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        CAGE_STRBUF_AUTO toml = {0};
        const char *hide = paths[pick(&seed, CAGE_LEN(paths))];
        const char *bad;

        if (hide[0] == '~')
            hide = "/home/u/.ssh";
        cage_strbuf_init(&toml);
        make_config(&toml, &seed);
        bad = plan_properties_check(pick(&seed, plan_properties_hosts()), toml.buf, hide, &planned);
        if (bad)
            fail_msg("%s (hidden: %s):\n%s", bad, hide, toml.buf);
        plans += planned;
    }
    /* Else the properties would be about nothing. */
    assert_true(plans > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_made_up)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
