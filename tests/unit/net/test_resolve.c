/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "net_dns.h"
#include "net_loop.h"

#include "base/strbuf.h"
#include "net/resolve.h"

#include <event2/event.h>
#include <stdlib.h>

static const struct net_dns_name names[] = {
    {"four.test", "192.0.2.1"},
    {"six.test", "2001:db8::1"},
    {"both.test", "192.0.2.1 2001:db8::1"},
    {"several.test", "192.0.2.1 192.0.2.2 192.0.2.1"},
    {"alias.test", "> b.test > c.test 192.0.2.3"},
    {"many.test", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 "
                  "192.0.2.10 192.0.2.11"},
    {"mapped.test", "::ffff:192.0.2.7"},
    {"rebind.test", "192.0.2.1"},
};

/* The same name, later: what a hostile server would answer then. */
static const struct net_dns_name names_later[] = {{"rebind.test", "127.0.0.1"}};

struct scene {
    struct event_base *base;
    struct net_dns dns;
    struct cage_resolver *resolver;
    struct cage_strbuf answer;
    const char *reason;
    bool done;
    int n_calls;
};

static void start(struct scene *scene)
{
    *scene = (struct scene){.base = event_base_new()};
    cage_strbuf_init(&scene->answer);
    net_dns_start(&scene->dns, scene->base, names, CAGE_LEN(names));
    scene->resolver = cage_resolver_new(scene->base, scene->dns.conf);
}

static void finish(struct scene *scene)
{
    cage_resolver_free(scene->resolver);
    net_dns_finish(&scene->dns);
    cage_strbuf_finish(&scene->answer);
    event_base_free(scene->base);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void answered(void *arg, const struct cage_addr *addrs, size_t n, const char *reason)
{
    struct scene *scene = arg;
    char texts[CAGE_RESOLVE_MAX_ADDRS][CAGE_ADDR_TEXT];
    assert_true(n <= CAGE_RESOLVE_MAX_ADDRS);
    for (size_t i = 0; i < n; i++)
        (void)cage_addr_format(&addrs[i], texts[i]);
    qsort(texts, n, sizeof(texts[0]), by_text);
    for (size_t i = 0; i < n; i++)
        cage_strbuf_addf(&scene->answer, "%s%s", i ? " " : "", texts[i]);
    scene->reason = reason;
    scene->done = true;
    scene->n_calls++;
}

static const char *look_up(struct scene *scene, const char *name)
{
    cage_strbuf_reset(&scene->answer);
    scene->done = false;
    struct cage_lookup *lookup = cage_resolver_lookup(scene->resolver, name, answered, scene);
    assert_non_null(lookup);
    assert_false(scene->done); /* never before it returns */
    net_run_until(scene->base, &scene->done);
    return scene->answer.len ? scene->answer.buf : "";
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *addrs;
    } cases[] = {
        {"four.test", "192.0.2.1"},
        {"six.test", "2001:db8::1"},
        {"both.test", "192.0.2.1 2001:db8::1"},
        {"several.test", "192.0.2.1 192.0.2.2"},
        {"alias.test", "192.0.2.3"},
        {"mapped.test", "192.0.2.7"},
    };
    struct scene scene;
    start(&scene);
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        assert_string_equal(look_up(&scene, cases[i].name), cases[i].addrs);
        assert_null(scene.reason);
    }
    (void)look_up(&scene, "many.test");
    size_t blanks = 0;
    for (const char *c = scene.answer.buf; *c; c++)
        blanks += *c == ' ';
    assert_int_equal(blanks + 1, CAGE_RESOLVE_MAX_ADDRS);
    finish(&scene);
}

/* An answer without an address, or none: after the fallback to the host's own look-up there is a reason. */
static void test_no_address(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    /* Too long for any look-up, so that no resolver of the host is asked. */
    assert_string_equal(
        look_up(&scene, "a-label-of-more-than-sixty-three-bytes-which-no-name-server-can-ever-have.test"),
        "");
    assert_string_equal(scene.reason, "no address found");
    assert_int_equal(scene.n_calls, 1);
    finish(&scene);
}

/* One query, whoever asks and however often: what was judged is what is connected to. */
static void test_kept(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    cage_resolver_prefetch(scene.resolver, "rebind.test");
    assert_string_equal(look_up(&scene, "rebind.test"), "192.0.2.1");
    scene.dns.names = names_later;
    scene.dns.n = CAGE_LEN(names_later);
    for (int i = 0; i < 5; i++)
        assert_string_equal(look_up(&scene, "rebind.test"), "192.0.2.1");
    assert_int_equal(scene.dns.n_queries, 1);
    /* The control: another resolver does see the new answer. */
    struct cage_resolver *first = scene.resolver;
    scene.resolver = cage_resolver_new(scene.base, scene.dns.conf);
    assert_string_equal(look_up(&scene, "rebind.test"), "127.0.0.1");
    cage_resolver_free(first);
    finish(&scene);
}

static void must_not_come(void *arg, const struct cage_addr *addrs, size_t n, const char *reason)
{
    (void)addrs;
    (void)n;
    (void)reason;
    *(bool *)arg = true;
}

static void test_cancel(void **state)
{
    (void)state;
    bool came = false;
    struct scene scene;
    start(&scene);
    struct cage_lookup *lookup = cage_resolver_lookup(scene.resolver, "four.test", must_not_come, &came);
    assert_non_null(lookup);
    cage_lookup_cancel(lookup);
    cage_lookup_cancel(NULL);
    assert_string_equal(look_up(&scene, "four.test"), "192.0.2.1");
    lookup = cage_resolver_lookup(scene.resolver, "four.test", must_not_come, &came); /* known already */
    cage_lookup_cancel(lookup);
    assert_string_equal(look_up(&scene, "six.test"), "2001:db8::1");
    assert_false(came);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
