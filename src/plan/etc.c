/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /etc of the cage: made up, but for names and addresses on a shared network, the time zone and the CA
 * certificates. */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "net/rules.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

#define HOSTNAME "nixcage"

static void add_file(struct cage_planner *p, const char *dest, const char *content, const char *rule)
{
    struct cage_op *op = cage_plan_add(p->plan, CAGE_OP_FILE, NULL, dest, cage_rule(rule));

    op->content = cage_strdup(content);
    op->soft = true;
}

static void add_link(struct cage_planner *p, const char *target, const char *dest, const char *rule)
{
    cage_plan_add(p->plan, CAGE_OP_SYMLINK, target, dest, cage_rule(rule))->soft = true;
}

/* A file of the host's, unless the blacklist hides it. The caller frees. */
static char *read_host(const struct cage_planner *p, const char *path)
{
    struct cage_file_fact fact;
    bool hidden;

    if (p->host->lookup(p->host, path, &fact, NULL) < 0)
        return NULL;
    hidden = cage_plan_hidden(p, path, NULL) || cage_plan_hidden(p, fact.real, &fact);
    cage_file_fact_finish(&fact);
    return hidden ? NULL : p->host->read_small(p->host, path);
}

/* The user has the name, number and home of the host: uid 0 keeps its name root. */
static void add_users(struct cage_planner *p)
{
    const struct cage_host *host = p->host;
    const char *shell = p->nix ? p->nix->bash : "/bin/sh";
    CAGE_STRBUF_AUTO passwd = {0};
    CAGE_STRBUF_AUTO group = {0};

    cage_strbuf_init(&passwd);
    cage_strbuf_init(&group);
    if (host->uid != 0)
        cage_strbuf_add(&passwd, "root:x:0:0:root:/root:/bin/sh\n");
    cage_strbuf_addf(&passwd, "%s:x:%ld:%ld::%s:%s\n", host->user, (long)host->uid, (long)host->gid, p->home,
                     shell);
    cage_strbuf_add(&passwd, "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
    if (host->gid != 0)
        cage_strbuf_add(&group, "root:x:0:\n");
    cage_strbuf_addf(&group, "%s:x:%ld:\n", host->gid == 0 ? "root" : host->user, (long)host->gid);
    cage_strbuf_add(&group, "nogroup:x:65534:\n");
    add_file(p, "/etc/passwd", passwd.buf, "this user only");
    add_file(p, "/etc/group", group.buf, "this user only");
}

static void add_names(struct cage_planner *p)
{
    bool shared = p->plan->net == CAGE_NET_HOST;
    cage_autofree char *hosts = shared ? read_host(p, "/etc/hosts") : NULL;
    cage_autofree char *resolv = shared ? read_host(p, "/etc/resolv.conf") : NULL;
    cage_autofree char *all =
        cage_format("127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n%s", HOSTNAME, hosts ? hosts : "");

    add_file(p, "/etc/hosts", all, hosts ? "the host's names" : "localhost only");
    add_file(p, "/etc/hostname", HOSTNAME "\n", "name of the cage");
    add_file(p, "/etc/nsswitch.conf",
             "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nservices: "
             "files\nprotocols: files\n",
             "files and DNS");
    if (p->plan->net == CAGE_NET_GATE && p->plan->gate.names)
        add_file(p, "/etc/resolv.conf", "nameserver " CAGE_GATE_RESOLVER "\n", "the gate answers for hosts");
    if (resolv)
        add_file(p, "/etc/resolv.conf", resolv, "the host's name servers");
}

/* "Europe/Berlin" of TZ or of the symlink /etc/localtime; NULL: unknown or a rule like "CET-1". The caller
 * frees. */
static char *zone_name(const struct cage_planner *p)
{
    const char *tz = cage_host_getenv(p->host, "TZ");
    struct cage_file_fact fact;
    char *name = NULL;

    if (tz && *tz) {
        tz += *tz == ':';
        return tz[0] == '/' || strstr(tz, "..") || !strchr(tz, '/') ? NULL : cage_strdup(tz);
    }
    if (p->host->lookup(p->host, "/etc/localtime", &fact, NULL) < 0)
        return NULL;
    if (fact.is_symlink) {
        const char *at = strstr(fact.link_target, "zoneinfo/");

        name = at ? cage_strdup(at + strlen("zoneinfo/")) : NULL;
    }
    cage_file_fact_finish(&fact);
    return name;
}

static bool is_utc(const char *zone)
{
    return strcmp(zone, "Etc/UTC") == 0 || strcmp(zone, "UTC") == 0 || strcmp(zone, "Etc/UCT") == 0;
}

/* One file of the zone database, where both ordinary programs and Nix's C library look; nothing means UTC. */
static int add_time_zone(struct cage_planner *p, struct cage_error *err)
{
    static const char *const dirs[] = {"/usr/share/zoneinfo", "/etc/zoneinfo"};
    cage_autofree char *zone = zone_name(p);
    int added = 0;

    if (!zone || is_utc(zone) || strstr(zone, ".."))
        return 0;
    for (size_t i = 0; added == 0 && i < CAGE_LEN(dirs); i++) {
        cage_autofree char *source = cage_path_join(dirs[i], zone);
        cage_autofree char *dest = cage_path_join(dirs[0], zone);

        added =
            cage_plan_bind(p, source, dest, CAGE_BIND_OPTIONAL | CAGE_BIND_SOFT, cage_rule("time zone"), err);
        if (added == 1) {
            add_link(p, dest, "/etc/localtime", "time zone");
            add_link(p, dirs[0], dirs[1], "time zone");
        }
    }
    return added < 0 ? -1 : 0;
}

#define CA_DEST "/etc/ssl/certs/ca-certificates.crt"

/* Whether a file of the host's is seen under its own name, symlinks on the way included. */
static bool is_seen(const struct cage_planner *p, const char *path)
{
    cage_autofree char *here = cage_plan_host_path(p->plan, path);
    cage_autofree char *there = NULL;
    struct cage_file_fact fact;
    bool seen;

    if (!here || strcmp(here, path) != 0 || p->host->lookup(p->host, path, &fact, NULL) < 0)
        return false;
    there = cage_plan_host_path(p->plan, fact.real);
    seen = fact.type == CAGE_FILE_REGULAR && there && strcmp(there, fact.real) == 0;
    cage_file_fact_finish(&fact);
    return seen;
}

static int add_ca(struct cage_planner *p, struct cage_error *err)
{
    const char *const candidates[] = {
        cage_host_getenv(p->host, "NIX_SSL_CERT_FILE"),
        cage_host_getenv(p->host, "SSL_CERT_FILE"),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/ssl/certs/ca-bundle.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt",
    };
    static const char *const links[] = {"/etc/ssl/certs/ca-bundle.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/cert.pem"};
    int added = 0;

    if (p->plan->net == CAGE_NET_NONE)
        return 0;
    /* With the host's own directories the bundle is there already. */
    for (size_t i = 0; i < CAGE_LEN(candidates); i++)
        if (candidates[i] && candidates[i][0] == '/' && is_seen(p, candidates[i])) {
            p->ca_file = candidates[i];
            return 0;
        }
    for (size_t i = 0; added == 0 && i < CAGE_LEN(candidates); i++)
        if (candidates[i] && candidates[i][0] == '/')
            added = cage_plan_bind(p, candidates[i], CA_DEST, CAGE_BIND_OPTIONAL | CAGE_BIND_SOFT,
                                   cage_rule("CA certificates"), err);
    if (added <= 0)
        return added;
    p->ca_file = CA_DEST;
    for (size_t i = 0; i < CAGE_LEN(links); i++)
        add_link(p, CA_DEST, links[i], "CA certificates");
    return 0;
}

/* A Nix that may work in the cage cannot make sandboxes of its own there, nor become other users. */
static void add_nix_conf(struct cage_planner *p)
{
    if (p->nix && p->config->store_mode != CAGE_STORE_READONLY)
        add_file(p, "/etc/nix/nix.conf", "sandbox = false\nbuild-users-group =\n", "Nix in the cage");
}

int cage_plan_add_etc(struct cage_planner *p, struct cage_error *err)
{
    add_users(p);
    add_names(p);
    add_nix_conf(p);
    if (add_time_zone(p, err) < 0)
        return -1;
    return add_ca(p, err);
}
