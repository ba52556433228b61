/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/text.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct {
    int family;
    const char *name;
} families[] = {
    {AF_UNIX, "AF_UNIX"},     {AF_INET, "AF_INET"},
    {AF_INET6, "AF_INET6"},   {AF_NETLINK, "AF_NETLINK"},
    {AF_PACKET, "AF_PACKET"}, {AF_ALG, "AF_ALG"},
    {AF_VSOCK, "AF_VSOCK"},   {AF_BLUETOOTH, "AF_BLUETOOTH"},
    {AF_CAN, "AF_CAN"},       {AF_TIPC, "AF_TIPC"},
    {AF_KEY, "AF_KEY"},       {AF_RDS, "AF_RDS"},
    {AF_X25, "AF_X25"},       {AF_AX25, "AF_AX25"},
    {AF_IPX, "AF_IPX"},       {AF_APPLETALK, "AF_APPLETALK"},
    {AF_XDP, "AF_XDP"},       {AF_QIPCRTR, "AF_QIPCRTR"},
    {AF_SMC, "AF_SMC"},       {AF_KCM, "AF_KCM"},
    {AF_NFC, "AF_NFC"},
};

void cage_text_quote(struct cage_strbuf *out, char open, const char *data, size_t n, char close)
{
    cage_strbuf_addc(out, open);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c < ' ' || c >= 0x7f || strchr("\"\\<>", c))
            cage_strbuf_addf(out, "\\%03o", c);
        else
            cage_strbuf_addc(out, c);
    }
    cage_strbuf_addc(out, close);
}

static void add_path(struct cage_strbuf *out, const struct cage_strbuf *path)
{
    cage_text_quote(out, '"', path->buf, path->len, '"');
}

/* A path that stands alone: one from the current directory is made whole. */
static void add_string(pid_t tid, uint64_t at, struct cage_strbuf *out)
{
    CAGE_STRBUF_AUTO path = {0}, whole = {0};

    cage_strbuf_init(&path);
    cage_strbuf_init(&whole);
    if (!cage_tracee_string(tid, at, &path)) {
        cage_strbuf_add(out, "NULL");
        return;
    }
    if (path.len > 0 && path.buf[0] != '/' && cage_tracee_dir(tid, AT_FDCWD, &whole))
        cage_strbuf_addc(&whole, '/');
    cage_strbuf_add_bytes(&whole, path.buf, path.len);
    add_path(out, &whole);
}

/* A directory's descriptor, and the path that counts from there. */
static void add_at(pid_t tid, int fd, uint64_t at, struct cage_strbuf *out)
{
    CAGE_STRBUF_AUTO path = {0}, dir = {0};
    bool known;

    cage_strbuf_init(&path);
    cage_strbuf_init(&dir);
    known = cage_tracee_string(tid, at, &path);
    if (fd == AT_FDCWD)
        cage_strbuf_add(out, "AT_FDCWD");
    else
        cage_strbuf_addf(out, "%d", fd);
    if (known && path.len > 0 && path.buf[0] != '/' && cage_tracee_dir(tid, fd, &dir))
        cage_text_quote(out, '<', dir.buf, dir.len, '>');
    cage_strbuf_add(out, ", ");
    if (known)
        add_path(out, &path);
    else
        cage_strbuf_add(out, "NULL");
}

static void add_flags(uint64_t flags, struct cage_strbuf *out)
{
    static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

    cage_strbuf_add(out, modes[flags & O_ACCMODE]);
    if (flags & O_CREAT)
        cage_strbuf_add(out, "|O_CREAT");
    if ((flags & O_TMPFILE) == O_TMPFILE)
        cage_strbuf_add(out, "|O_TMPFILE");
}

/* The first member of struct open_how. */
static void add_how(pid_t tid, uint64_t at, struct cage_strbuf *out)
{
    uint64_t flags = 0;

    if (cage_tracee_read(tid, at, &flags, sizeof flags))
        add_flags(flags, out);
    else
        cage_strbuf_add(out, "NULL");
}

static void add_family(int family, struct cage_strbuf *out)
{
    for (size_t i = 0; i < CAGE_LEN(families); i++)
        if (families[i].family == family) {
            cage_strbuf_add(out, families[i].name);
            return;
        }
    cage_strbuf_addf(out, "AF_%d", family);
}

/* From the current directory, unless it is abstract or has no name. */
static void add_unix(pid_t tid, const struct sockaddr_un *address, size_t n, struct cage_strbuf *out)
{
    CAGE_STRBUF_AUTO dir = {0};
    size_t from = n > 0 && address->sun_path[0] == '\0';

    cage_strbuf_init(&dir);
    cage_strbuf_add(out, from ? "sun_path=@" : "sun_path=");
    if (!from) {
        n = strnlen(address->sun_path, n);
        if (n > 0 && address->sun_path[0] != '/' && cage_tracee_dir(tid, AT_FDCWD, &dir))
            cage_strbuf_addc(&dir, '/');
    }
    cage_strbuf_add_bytes(&dir, address->sun_path + from, n - from);
    add_path(out, &dir);
}

static void add_address(pid_t tid, uint64_t at, uint64_t length, struct cage_strbuf *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } address = {0};
    size_t n = length < sizeof address ? (size_t)length : sizeof address;
    char text[INET6_ADDRSTRLEN] = "";

    if (n < sizeof(sa_family_t) || !cage_tracee_read(tid, at, &address, n)) {
        cage_strbuf_add(out, "NULL");
        return;
    }
    cage_strbuf_add(out, "{sa_family=");
    add_family(address.any.sa_family, out);
    cage_strbuf_add(out, ", ");
    if (address.any.sa_family == AF_INET && inet_ntop(AF_INET, &address.in.sin_addr, text, sizeof text))
        cage_strbuf_addf(out, "sin_port=htons(%u), sin_addr=inet_addr(\"%s\")", ntohs(address.in.sin_port),
                         text);
    else if (address.any.sa_family == AF_INET6 &&
             inet_ntop(AF_INET6, &address.in6.sin6_addr, text, sizeof text))
        cage_strbuf_addf(out, "sin6_port=htons(%u), inet_pton(AF_INET6, \"%s\", &sin6_addr)",
                         ntohs(address.in6.sin6_port), text);
    else if (address.any.sa_family == AF_UNIX)
        add_unix(tid, &address.un, n - offsetof(struct sockaddr_un, sun_path), out);
    cage_strbuf_addc(out, '}');
}

/* Argument i, which the letter says what it is; returns how many arguments were taken. */
static size_t add_arg(const struct cage_tracee *tracee, size_t i, struct cage_strbuf *out)
{
    const uint64_t *args = tracee->args;

    switch (tracee->call->args[i]) {
    case 'd':
        add_at(tracee->tid, (int)args[i], args[i + 1], out);
        return 2;
    case 's':
        add_string(tracee->tid, args[i], out);
        break;
    case 'f':
        add_flags(args[i], out);
        break;
    case 'h':
        add_how(tracee->tid, args[i], out);
        break;
    case 'a':
        add_address(tracee->tid, args[i], (uint32_t)args[i + 1], out);
        break;
    case 'n':
        add_family((int)args[i], out);
        break;
    default:
        cage_strbuf_addc(out, '0');
        break;
    }
    return 1;
}

void cage_text_who(struct cage_tracee *tracee, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "%ld<%s> ", (long)tracee->tid, cage_tracee_comm(tracee));
}

void cage_text_call(const struct cage_tracee *tracee, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "%s(", tracee->call->name);
    for (size_t i = 0, n; tracee->call->args[i]; i += n) {
        if (i > 0)
            cage_strbuf_add(out, ", ");
        n = add_arg(tracee, i, out);
    }
    cage_strbuf_addc(out, ')');
}
