/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/resolve.h"

#include "base/mem.h"
#include "host/nss.h"
#include "net/hostname.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>
#include <unistd.h>

/* libevent does not tell the TTL; half a minute follows a moving service closely enough. */
enum { KEEP_GOOD = 30, KEEP_BAD = 2, CHECK_CONF = 2 };
enum { MAX_ENTRIES = 1024, MAX_WAITING = 4096, MAX_CHILDREN = 16 };

struct cage_lookup {
    struct cage_lookup *next;
    struct entry *entry;
    cage_lookup_fn fn; /* NULL: cancelled */
    void *arg;
};

struct entry {
    struct entry *next;
    struct cage_resolver *resolver;
    char name[CAGE_HOSTNAME_SIZE];
    bool pending;
    time_t until; /* seconds of CLOCK_MONOTONIC; meaningful when not pending */
    struct cage_addr addrs[CAGE_RESOLVE_MAX_ADDRS];
    size_t n;
    const char *reason;
    struct cage_lookup *waiting;
    struct event *deliver;
    struct event *child_event; /* the pipe of nixcage-nss */
    int child_fd;
    pid_t child;
};

struct cage_resolver {
    struct event_base *base;
    struct evdns_base *dns[2]; /* without and with the search list; see base_for() */
    const char *conf;
    struct timespec conf_time;
    ino_t conf_ino;
    time_t conf_checked;
    struct entry *entries;
    size_t n_entries, n_waiting, n_children;
};

static time_t now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/* Without name servers there are still /etc/hosts and the child. */
static void read_conf(struct cage_resolver *resolver, int search)
{
    struct evdns_base *dns = resolver->dns[search];
    (void)evdns_base_resolv_conf_parse(dns, search ? DNS_OPTIONS_ALL : DNS_OPTIONS_ALL & ~DNS_OPTION_SEARCH,
                                       resolver->conf);
    (void)evdns_base_set_option(dns, "timeout:", "3");
    (void)evdns_base_set_option(dns, "attempts:", "2");
    (void)evdns_base_set_option(dns, "max-inflight:", "256");
    if (!search)
        evdns_base_search_clear(dns);
}

/* A laptop changes networks while a cage runs: a changed file is read again. */
static void follow_conf(struct cage_resolver *resolver)
{
    struct stat st;
    if (resolver->conf_checked + CHECK_CONF > now())
        return;
    resolver->conf_checked = now();
    if (stat(resolver->conf, &st) != 0)
        return;
    if (st.st_ino == resolver->conf_ino && st.st_mtim.tv_sec == resolver->conf_time.tv_sec &&
        st.st_mtim.tv_nsec == resolver->conf_time.tv_nsec)
        return;
    resolver->conf_ino = st.st_ino;
    resolver->conf_time = st.st_mtim;
    for (int i = 0; i < 2; i++) {
        if (resolver->dns[i]) {
            (void)evdns_base_clear_nameservers_and_suspend(resolver->dns[i]);
            read_conf(resolver, i);
            (void)evdns_base_resume(resolver->dns[i]);
        }
    }
}

/*
 * Names with a dot are complete; appending the host's search domains to them would ask for names that nobody
 * allowed. Only a single label ("gitserver") is looked up as the host does.
 */
static struct evdns_base *base_for(struct cage_resolver *resolver, const char *name)
{
    int search = strchr(name, '.') ? 0 : 1;
#ifdef __APPLE__
    /* resolv.conf(5) is only a copy there, without what VPNs add: getaddrinfo(3) knows. */
    return NULL;
#endif
    struct evdns_base **dns = &resolver->dns[search];
    if (*dns)
        return *dns;
    *dns = evdns_base_new(resolver->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!*dns)
        return NULL;
    read_conf(resolver, search);
    return *dns;
}

static void add_addr(struct entry *entry, const struct sockaddr *sa)
{
    struct cage_addr addr;
    if (entry->n == CAGE_RESOLVE_MAX_ADDRS || !sa || !cage_addr_from_sockaddr(sa, &addr, NULL))
        return;
    for (size_t i = 0; i < entry->n; i++) {
        if (cage_addr_equal(&entry->addrs[i], &addr))
            return;
    }
    entry->addrs[entry->n++] = addr;
}

static void finish_entry(struct entry *entry)
{
    entry->pending = false;
    entry->until = now() + (entry->n > 0 ? KEEP_GOOD : KEEP_BAD);
    entry->reason = entry->n > 0 ? NULL : "no address found";
    event_active(entry->deliver, EV_TIMEOUT, 0);
}

static void deliver(evutil_socket_t fd, short what, void *arg)
{
    struct entry *entry = arg;
    (void)fd;
    (void)what;
    while (entry->waiting && !entry->pending) {
        struct cage_lookup *lookup = entry->waiting;
        entry->waiting = lookup->next;
        entry->resolver->n_waiting--;
        if (lookup->fn)
            lookup->fn(lookup->arg, entry->addrs, entry->n, entry->reason);
        free(lookup);
    }
}

static void end_child(struct entry *entry, bool kill_it)
{
    if (entry->child <= 0)
        return;
    if (kill_it)
        (void)kill(entry->child, SIGKILL);
    while (waitpid(entry->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    entry->child = 0;
    entry->resolver->n_children--;
    event_free(entry->child_event);
    entry->child_event = NULL;
    cage_close(&entry->child_fd);
}

/* The child writes whole struct cage_addr's in one write of less than PIPE_BUF, then exits. */
static void child_says(evutil_socket_t fd, short what, void *arg)
{
    struct entry *entry = arg;
    struct cage_addr addrs[CAGE_RESOLVE_MAX_ADDRS];
    ssize_t n = (what & EV_READ) ? read(fd, addrs, sizeof(addrs)) : -1;
    end_child(entry, true);
    entry->n = n > 0 ? (size_t)n / sizeof(addrs[0]) : 0;
    if (entry->n > 0)
        memcpy(entry->addrs, addrs, entry->n * sizeof(addrs[0]));
    finish_entry(entry);
}

_Noreturn static void child_main(char *program, char *name, int fd)
{
    char host[] = "host";
    char *argv[] = {program, host, name, NULL};
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (dup2(fd, STDOUT_FILENO) != STDOUT_FILENO)
        _exit(1);
    /* Connections of the cage must not stay open through it. */
    (void)close_range(3, ~0U, 0);
    execv(program, argv);
    _exit(1);
}

/* Returns false when no child can be had. */
static bool start_child(struct entry *entry)
{
    static const struct timeval patience = {15, 0};
    int ends[2];
    if (entry->resolver->n_children >= MAX_CHILDREN || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    cage_autofree char *program = cage_host_nss_program();
    pid_t child = fork();
    if (child == 0)
        child_main(program, entry->name, ends[1]);
    cage_close(&ends[1]);
    if (child < 0) {
        cage_close(&ends[0]);
        return false;
    }
    entry->child = child;
    entry->child_fd = ends[0];
    entry->resolver->n_children++;
    entry->child_event = event_new(entry->resolver->base, ends[0], EV_READ, child_says, entry);
    (void)event_add(entry->child_event, &patience);
    return true;
}

static void dns_says(int result, struct evutil_addrinfo *list, void *arg)
{
    struct entry *entry = arg;
    if (result == 0) {
        for (struct evutil_addrinfo *ai = list; ai; ai = ai->ai_next)
            add_addr(entry, ai->ai_addr);
    }
    if (list)
        evutil_freeaddrinfo(list);
    if (entry->n > 0 || !start_child(entry))
        finish_entry(entry);
}

static void start(struct entry *entry)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    follow_conf(entry->resolver);
    struct evdns_base *dns = base_for(entry->resolver, entry->name);
    entry->pending = true;
    entry->n = 0;
    if (!dns) {
        dns_says(EVUTIL_EAI_FAIL, NULL, entry);
        return;
    }
    (void)evdns_getaddrinfo(dns, entry->name, NULL, &hints, dns_says, entry);
}

static void free_entry(struct entry *entry)
{
    end_child(entry, true);
    event_free(entry->deliver);
    while (entry->waiting) {
        struct cage_lookup *lookup = entry->waiting;
        entry->waiting = lookup->next;
        free(lookup);
    }
    free(entry);
}

/* Makes room for one more by dropping an entry that nobody waits for. */
static bool make_room(struct cage_resolver *resolver)
{
    struct entry **oldest = NULL;
    if (resolver->n_entries < MAX_ENTRIES)
        return true;
    for (struct entry **at = &resolver->entries; *at; at = &(*at)->next) {
        if (!(*at)->pending && !(*at)->waiting && (!oldest || (*at)->until < (*oldest)->until))
            oldest = at;
    }
    if (!oldest)
        return false;
    struct entry *gone = *oldest;
    *oldest = gone->next;
    free_entry(gone);
    resolver->n_entries--;
    return true;
}

/* The entry of a name, its look-up running or done; NULL when there are too many. */
static struct entry *find_entry(struct cage_resolver *resolver, const char *name)
{
    struct entry *entry = resolver->entries;
    while (entry && strcmp(entry->name, name) != 0)
        entry = entry->next;
    if (!entry) {
        if (strlen(name) >= sizeof(entry->name) || !make_room(resolver))
            return NULL;
        entry = cage_alloc(sizeof(*entry));
        memcpy(entry->name, name, strlen(name) + 1);
        entry->resolver = resolver;
        entry->child_fd = -1;
        entry->deliver = event_new(resolver->base, -1, 0, deliver, entry);
        entry->next = resolver->entries;
        resolver->entries = entry;
        resolver->n_entries++;
        start(entry);
    } else if (!entry->pending && entry->until <= now() && !entry->waiting) {
        start(entry);
    }
    return entry;
}

struct cage_resolver *cage_resolver_new(struct event_base *base, const char *resolv_conf)
{
    struct cage_resolver *resolver = cage_alloc(sizeof(*resolver));
    resolver->base = base;
    resolver->conf = resolv_conf ? resolv_conf : CAGE_RESOLVE_CONF;
    return resolver;
}

void cage_resolver_free(struct cage_resolver *resolver)
{
    if (!resolver)
        return;
    for (int i = 0; i < 2; i++) {
        if (resolver->dns[i])
            evdns_base_free(resolver->dns[i], 0);
    }
    while (resolver->entries) {
        struct entry *entry = resolver->entries;
        resolver->entries = entry->next;
        free_entry(entry);
    }
    free(resolver);
}

struct cage_lookup *cage_resolver_lookup(struct cage_resolver *resolver, const char *name, cage_lookup_fn fn,
                                         void *arg)
{
    struct entry *entry = resolver->n_waiting < MAX_WAITING ? find_entry(resolver, name) : NULL;
    if (!entry)
        return NULL;
    struct cage_lookup *lookup = cage_alloc(sizeof(*lookup));
    *lookup = (struct cage_lookup){.next = entry->waiting, .entry = entry, .fn = fn, .arg = arg};
    entry->waiting = lookup;
    resolver->n_waiting++;
    if (!entry->pending)
        event_active(entry->deliver, EV_TIMEOUT, 0);
    return lookup;
}

/* The handle itself goes when its turn to be called comes. */
void cage_lookup_cancel(struct cage_lookup *lookup)
{
    if (lookup)
        lookup->fn = NULL;
}

void cage_resolver_prefetch(struct cage_resolver *resolver, const char *name)
{
    (void)find_entry(resolver, name);
}
