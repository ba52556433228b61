/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Only in the static program: it must not load name service modules, which are made for one version of libc.
 * libevent refers to these and calls none of them for what nixcage asks of it; whoever does gets no answer.
 * Names are looked up in nixcage-nss.
 */
#include <netdb.h>
#include <stddef.h>

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's headers have names of their own */

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
    (void)node;
    (void)service;
    (void)hints;
    *list = NULL;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

struct servent *getservbyname(const char *name, const char *proto)
{
    (void)name;
    (void)proto;
    return NULL;
}

struct protoent *getprotobynumber(int proto)
{
    (void)proto;
    return NULL;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
