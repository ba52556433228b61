/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/hello.h"

#include <string.h>

enum { RECORD_HEADER = 5, RECORD_HANDSHAKE = 22, MAX_RECORD = 16384 };
enum { MESSAGE_HEADER = 4, CLIENT_HELLO = 1, RANDOM_SIZE = 32, MAX_SESSION_ID = 32 };
enum { EXT_SERVER_NAME = 0, EXT_ECH = 0xfe0d, NAME_HOST = 0 };

/* What is left to read; bad once anything was asked for that is not there. */
struct reader {
    const uint8_t *p;
    size_t n;
    bool bad;
};

static struct reader take(struct reader *r, size_t n)
{
    struct reader part = {r->p, n, false};
    if (r->bad || n > r->n) {
        r->bad = true;
        return (struct reader){NULL, 0, true};
    }
    r->p += n;
    r->n -= n;
    return part;
}

static size_t take_int(struct reader *r, size_t bytes)
{
    struct reader part = take(r, bytes);
    size_t value = 0;
    for (size_t i = 0; !part.bad && i < bytes; i++)
        value = value << 8 | part.p[i];
    return value;
}

/* A vector with its length before it. */
static struct reader take_vector(struct reader *r, size_t length_bytes)
{
    return take(r, take_int(r, length_bytes));
}

static bool read_server_name(struct reader ext, struct cage_hello *hello)
{
    struct reader list = take_vector(&ext, 2);
    size_t type = take_int(&list, 1);
    struct reader name = take_vector(&list, 2);
    if (ext.bad || list.bad || name.bad || ext.n > 0 || list.n > 0 || type != NAME_HOST || hello->has_name)
        return false;
    /* RFC 6066: without a trailing dot. A server that compares bytes would treat it as another name. */
    if (name.n == 0 || name.p[name.n - 1] == '.')
        return false;
    hello->has_name = true;
    return cage_hostname_parse((const char *)name.p, name.n, hello->name);
}

static bool read_extensions(struct reader all, struct cage_hello *hello)
{
    while (all.n > 0 && !all.bad) {
        size_t type = take_int(&all, 2);
        struct reader ext = take_vector(&all, 2);
        if (all.bad || ext.bad)
            return false;
        if (type == EXT_SERVER_NAME && !read_server_name(ext, hello))
            return false;
        if (type == EXT_ECH)
            hello->ech = true;
    }
    return !all.bad;
}

static bool read_message(struct reader body, struct cage_hello *hello)
{
    (void)take(&body, 2); /* legacy_version */
    (void)take(&body, RANDOM_SIZE);
    struct reader session = take_vector(&body, 1);
    struct reader ciphers = take_vector(&body, 2);
    struct reader compression = take_vector(&body, 1);
    if (body.bad || session.bad || session.n > MAX_SESSION_ID || ciphers.bad || ciphers.n < 2 ||
        ciphers.n % 2 || compression.bad || compression.n < 1)
        return false;
    if (body.n == 0)
        return true; /* before TLS 1.2 a hello may end here */
    struct reader extensions = take_vector(&body, 2);
    return !extensions.bad && body.n == 0 && read_extensions(extensions, hello);
}

/* Checks the header of one record at data[0..n); sets its payload's length. */
static enum cage_hello_state read_record(const uint8_t *data, size_t n, size_t *length)
{
    if (data[0] != RECORD_HANDSHAKE || (n > 1 && data[1] != 3))
        return CAGE_HELLO_BAD;
    if (n < RECORD_HEADER)
        return CAGE_HELLO_MORE;
    *length = (size_t)data[3] << 8 | data[4];
    return *length == 0 || *length > MAX_RECORD ? CAGE_HELLO_BAD : CAGE_HELLO_DONE;
}

/* The length of the whole message once its header is there; 0 before; SIZE_MAX when it is no ClientHello. */
static size_t message_size(const uint8_t *message, size_t n)
{
    if (n > 0 && message[0] != CLIENT_HELLO)
        return SIZE_MAX;
    if (n < MESSAGE_HEADER)
        return 0;
    return MESSAGE_HEADER + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
}

/*
 * Joins the payloads of the records into message. DONE: it is whole, *size long. A record that is not
 * complete yet contributes what is there, so that nonsense is refused early.
 */
static enum cage_hello_state join(const uint8_t *data, size_t n, uint8_t message[CAGE_HELLO_MAX_MESSAGE],
                                  size_t *size)
{
    size_t have = 0, length;
    while (n > 0) {
        enum cage_hello_state state = read_record(data, n, &length);
        if (state != CAGE_HELLO_DONE)
            return state;
        size_t part = n - RECORD_HEADER < length ? n - RECORD_HEADER : length;
        if (part > CAGE_HELLO_MAX_MESSAGE - have)
            return CAGE_HELLO_BAD;
        memcpy(message + have, data + RECORD_HEADER, part);
        have += part;
        *size = message_size(message, have);
        if (*size > CAGE_HELLO_MAX_MESSAGE || (*size > 0 && have - part + length > *size))
            return CAGE_HELLO_BAD;
        if (part < length)
            return CAGE_HELLO_MORE;
        if (*size > 0 && have == *size)
            return CAGE_HELLO_DONE;
        data += RECORD_HEADER + length;
        n -= RECORD_HEADER + length;
    }
    return CAGE_HELLO_MORE;
}

void cage_hello_read(const uint8_t *data, size_t n, struct cage_hello *hello)
{
    uint8_t message[CAGE_HELLO_MAX_MESSAGE];
    size_t size = 0;
    *hello = (struct cage_hello){.state = CAGE_HELLO_MORE};
    hello->state = join(data, n, message, &size);
    if (hello->state == CAGE_HELLO_DONE) {
        struct reader body = {message + MESSAGE_HEADER, size - MESSAGE_HEADER, false};
        if (!read_message(body, hello))
            *hello = (struct cage_hello){.state = CAGE_HELLO_BAD};
    }
    if (hello->state == CAGE_HELLO_MORE && n >= CAGE_HELLO_MAX_BYTES)
        hello->state = CAGE_HELLO_BAD;
}
