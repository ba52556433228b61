/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nixcage-nss: asks the system's name services (nsswitch.conf(5)). Their modules are shared libraries, which
 * only a program that is linked dynamically can load; nixcage is static, to start faster, and asks only for
 * what it does not find by itself.
 *
 * "nixcage-nss user UID" writes the name and the home directory of a user, each followed by a NUL.
 * "nixcage-nss host NAME" writes an array of struct cage_addr. Exit code 1: not found.
 */
#include "host/nss.h"
#include "net/addr.h"

#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int put(const void *data, size_t n)
{
    return write(STDOUT_FILENO, data, n) == (ssize_t)n ? 0 : 1;
}

static int user(const char *number)
{
    char *end;
    unsigned long uid = strtoul(number, &end, 10);
    const struct passwd *pw = *end || end == number ? NULL : getpwuid((uid_t)uid);

    return !pw || put(pw->pw_name, strlen(pw->pw_name) + 1) || put(pw->pw_dir, strlen(pw->pw_dir) + 1);
}

/* Whether addrs[n] is one of those before it. */
static int is_among(const struct cage_addr *addrs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cage_addr_equal(&addrs[i], &addrs[n]))
            return 1;
    return 0;
}

static int host(const char *name)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct cage_addr addrs[CAGE_NSS_MAX_ADDRS];
    struct addrinfo *list = NULL;
    size_t n = 0;

    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return 1;
    memset(addrs, 0, sizeof addrs);
    for (const struct addrinfo *ai = list; ai && n < CAGE_NSS_MAX_ADDRS; ai = ai->ai_next)
        if (cage_addr_from_sockaddr(ai->ai_addr, &addrs[n], NULL) && !is_among(addrs, n))
            n++;
    freeaddrinfo(list);
    return n == 0 || put(addrs, n * sizeof addrs[0]); /* in one piece: less than PIPE_BUF */
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "user") == 0)
        return user(argv[2]);
    if (argc == 3 && strcmp(argv[1], "host") == 0)
        return host(argv[2]);
    return 2;
}
