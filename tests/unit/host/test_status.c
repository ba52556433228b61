/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How to get what is missing, by distribution, and what a cage uses of a kernel: goldens of described
 * machines. UPDATE_GOLDEN=1 writes them anew.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "host/kernel.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN TEST_SRCDIR "/../../golden/status"

static char *read_file(const struct cage_host *host, const char *path)
{
    return strcmp(path, "/etc/os-release") == 0 ? cage_strdup(host->fake) : NULL;
}

static void read_golden(const char *name, struct cage_strbuf *text)
{
    cage_autofree char *path = cage_format("%s/%s", GOLDEN, name);
    struct cage_error err;

    if (cage_fs_read(AT_FDCWD, path, 1 << 16, text, &err) < 0)
        fail_msg("%s", err.message);
}

static void compare(const char *name, const struct cage_strbuf *got)
{
    cage_autofree char *path = cage_format("%s/%s", GOLDEN, name);
    CAGE_STRBUF_AUTO want = {0};
    struct cage_error err;

    if (getenv("UPDATE_GOLDEN")) {
        assert_return_code(cage_fs_write_atomic(AT_FDCWD, path, got->buf, got->len, 0644, &err), 0);
        return;
    }
    cage_strbuf_init(&want);
    read_golden(name, &want);
    if (strcmp(want.buf, got->buf) != 0) {
        print_error("%s is now:\n%s\n", name, got->buf);
        fail_msg("%s differs", name);
    }
}

/* An ordinary user's machine with this os-release(5). */
static struct cage_host machine(const char *distribution, struct cage_strbuf *os_release)
{
    static char linux_name[] = "linux", macos[] = "macos";
    cage_autofree char *file = cage_format("%s.os-release", distribution);
    struct cage_host host = {
        .os = strcmp(distribution, "macos") == 0 ? macos : linux_name, .uid = 1000, .read_small = read_file};

    read_golden(file, os_release);
    host.fake = os_release->buf;
    return host;
}

static void test_install(void **state)
{
    static const char *const distributions[] = {
        "debian",      "ubuntu", "mint",  "pop",      "fedora", "rocky",      "arch",
        "endeavouros", "alpine", "nixos", "opensuse", "macos",  "unheard-of",
    };
    static const char *const programs[] = {"bwrap", "nix-shell", "direnv", "newuidmap", "nix"};
    CAGE_STRBUF_AUTO got = {0};

    (void)state;
    cage_strbuf_init(&got);
    for (size_t i = 0; i < CAGE_LEN(distributions); i++) {
        CAGE_STRBUF_AUTO os_release = {0};
        struct cage_host host;

        cage_strbuf_init(&os_release);
        host = machine(distributions[i], &os_release);
        cage_strbuf_addf(&got, "%s\n", distributions[i]);
        for (size_t j = 0; j < CAGE_LEN(programs); j++) {
            cage_autofree char *hint = cage_host_install_hint(&host, programs[j]);

            cage_strbuf_addf(&got, "  %-11s %s\n", programs[j], hint);
        }
    }
    compare("install.golden", &got);
}

static const struct {
    const char *name, *distribution;
    struct cage_kernel kernel;
} kernels[] = {
    {"new", "arch", {"6.18.1", true, true, 7, true, true, true, true, true, true, true, true}},
    {"Debian 12", "debian", {"6.1.0", true, true, 2, true, true, true, true, true, true, true, true}},
    {"no Landlock", "fedora", {"6.12.0", true, true, 0, true, true, true, true, true, true, true, true}},
    {"old", "ubuntu", {"5.4.0", true, true, 0, false, false, true, false, true, true, true, false}},
    {"a container", "alpine", {"6.6.1", false, true, 3, true, true, true, true, false, false, false, false}},
    {"hybrid cgroups",
     "opensuse",
     {"6.4.0", true, true, 3, true, true, true, true, true, false, false, false}},
    {"nothing",
     "unheard-of",
     {"4.9.0", false, false, 0, false, false, false, false, false, false, false, false}},
};

static void test_kernels(void **state)
{
    CAGE_STRBUF_AUTO got = {0};

    (void)state;
    cage_strbuf_init(&got);
    for (size_t i = 0; i < CAGE_LEN(kernels); i++) {
        CAGE_STRBUF_AUTO os_release = {0};
        struct cage_features features;
        struct cage_host host;

        cage_strbuf_init(&os_release);
        host = machine(kernels[i].distribution, &os_release);
        cage_kernel_features(&kernels[i].kernel, &host, &features);
        cage_strbuf_addf(&got, "%s (%s)\n", kernels[i].name, kernels[i].distribution);
        for (size_t j = 0; j < features.n; j++) {
            const struct cage_feature *feature = &features.items[j];

            cage_strbuf_addf(&got, "  %s %-15s %s\n", feature->there ? "yes" : "NO ", feature->name,
                             feature->detail ? feature->detail : "");
            if (feature->fix)
                cage_strbuf_addf(&got, "      fix: %s\n", feature->fix);
            assert_true(feature->there == !feature->fix);
            assert_true(feature->use[0] != '\0');
        }
        cage_features_finish(&features);
    }
    compare("kernels.golden", &got);
}

/* The real kernel: what the tests themselves need is there. */
static void test_probe(void **state)
{
    char *environ_[] = {NULL};
    struct cage_kernel kernel;
    struct cage_host host;
    struct cage_error err;

    (void)state;
    assert_return_code(cage_host_probe(&host, environ_, &err), 0);
    cage_kernel_probe(&host, &kernel);
    assert_true(kernel.seccomp && kernel.release[0] >= '1' && kernel.release[0] <= '9');
    assert_int_equal(kernel.landlock_abi, host.landlock_abi);
    cage_host_finish(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_install), cmocka_unit_test(test_kernels),
                                       cmocka_unit_test(test_probe)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
