/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/bus.h"
#include "base/mem.h"

#include <string.h>

/* Names of header fields ("Header Fields"). */
enum field { PATH = 1, INTERFACE = 2, MEMBER = 3, REPLY_SERIAL = 5, DESTINATION = 6, SIGNATURE = 8 };

enum { PROTOCOL_VERSION = 1, STRUCT_ALIGN = 8, ORDER_OF_BYTES = 0, TYPE = 1, VERSION = 3 };

static char order_here(void)
{
    const uint16_t one = 1;

    return *(const unsigned char *)&one ? 'l' : 'B';
}

/* Both parts of a message begin at a multiple of eight: so padding counts from the beginning of the buffer.
 */
static void pad(struct cage_strbuf *out, size_t to)
{
    while (out->len % to)
        cage_strbuf_addc(out, 0);
}

static void add_u32(struct cage_strbuf *out, uint32_t value)
{
    pad(out, sizeof value);
    cage_strbuf_add_bytes(out, &value, sizeof value);
}

static void add_u64(struct cage_strbuf *out, uint64_t value)
{
    pad(out, sizeof value);
    cage_strbuf_add_bytes(out, &value, sizeof value);
}

/* A string or an object path. */
static void add_text(struct cage_strbuf *out, const char *text)
{
    size_t n = strlen(text);

    add_u32(out, (uint32_t)n);
    cage_strbuf_add_bytes(out, text, n + 1);
}

static void add_signature(struct cage_strbuf *out, const char *types)
{
    size_t n = strlen(types);

    cage_strbuf_addc(out, (int)n);
    cage_strbuf_add_bytes(out, types, n + 1);
}

/* Its length stands before it and does not count the padding before its first element. */
struct array {
    size_t length_at, begin;
};

static struct array begin_array(struct cage_strbuf *out, size_t align)
{
    struct array array;

    add_u32(out, 0);
    array.length_at = out->len - sizeof(uint32_t);
    pad(out, align);
    array.begin = out->len;
    return array;
}

static void end_array(struct cage_strbuf *out, const struct array *array)
{
    uint32_t length = (uint32_t)(out->len - array->begin);

    memcpy(out->buf + array->length_at, &length, sizeof length);
}

static void add_value(struct cage_strbuf *out, const struct cage_bus_property *property)
{
    const char simple[] = {property->type, '\0'};
    struct array array;

    add_signature(out, property->type == 'a' ? "au" : simple);
    switch (property->type) {
    case 's':
        add_text(out, property->text);
        break;
    case 'b':
        add_u32(out, property->number != 0);
        break;
    case 'a':
        array = begin_array(out, sizeof(uint32_t));
        for (uint64_t i = 0; i < property->number; i++)
            add_u32(out, property->numbers[i]);
        end_array(out, &array);
        break;
    default:
        add_u64(out, property->number);
    }
}

static void add_field(struct cage_strbuf *out, enum field field, char type, const char *text)
{
    const char types[] = {type, '\0'};

    pad(out, STRUCT_ALIGN);
    cage_strbuf_addc(out, (int)field);
    add_signature(out, types);
    if (type == 'g')
        add_signature(out, text);
    else
        add_text(out, text);
}

static void add_header(struct cage_strbuf *out, uint32_t serial, size_t body)
{
    static const struct {
        enum field field;
        char type;
        const char *text;
    } fields[] = {
        {PATH, 'o', "/org/freedesktop/systemd1"}, {INTERFACE, 's', "org.freedesktop.systemd1.Manager"},
        {MEMBER, 's', "StartTransientUnit"},      {DESTINATION, 's', "org.freedesktop.systemd1"},
        {SIGNATURE, 'g', "ssa(sv)a(sa(sv))"},
    };
    const char head[] = {order_here(), CAGE_BUS_CALL, 0, PROTOCOL_VERSION};
    struct array array;

    cage_strbuf_add_bytes(out, head, sizeof head);
    add_u32(out, (uint32_t)body);
    add_u32(out, serial);
    array = begin_array(out, STRUCT_ALIGN);
    for (size_t i = 0; i < CAGE_LEN(fields); i++)
        add_field(out, fields[i].field, fields[i].type, fields[i].text);
    end_array(out, &array);
    pad(out, STRUCT_ALIGN);
}

void cage_bus_start_unit(struct cage_strbuf *out, uint32_t serial, const char *unit,
                         const struct cage_bus_property *properties, size_t n)
{
    CAGE_STRBUF_AUTO head = {0}, body = {0};
    struct array array;

    cage_strbuf_init(&head);
    cage_strbuf_init(&body);
    add_text(&body, unit);
    add_text(&body, "fail");
    array = begin_array(&body, STRUCT_ALIGN);
    for (size_t i = 0; i < n; i++) {
        pad(&body, STRUCT_ALIGN);
        add_text(&body, properties[i].name);
        add_value(&body, &properties[i]);
    }
    end_array(&body, &array);
    (void)begin_array(&body, STRUCT_ALIGN); /* no units beside it */
    add_header(&head, serial, body.len);
    cage_strbuf_add_bytes(out, head.buf, head.len);
    cage_strbuf_add_bytes(out, body.buf, body.len);
}

/* What is still to be read. Once something was not there, everything after it is not, either. */
struct reader {
    const unsigned char *data;
    size_t at, n;
    bool swapped, bad;
};

static const unsigned char *take(struct reader *reader, size_t n, size_t align)
{
    size_t at = (reader->at + align - 1) & ~(align - 1);

    if (reader->bad || at > reader->n || n > reader->n - at) {
        reader->bad = true;
        return NULL;
    }
    reader->at = at + n;
    return reader->data + at;
}

static uint32_t read_u32(struct reader *reader)
{
    const unsigned char *at = take(reader, sizeof(uint32_t), sizeof(uint32_t));
    uint32_t value = 0;

    if (at)
        memcpy(&value, at, sizeof value);
    return reader->swapped ? __builtin_bswap32(value) : value;
}

/* n bytes and a NUL, and no NUL among them. */
static const char *read_chars(struct reader *reader, size_t n)
{
    const char *text = (const char *)take(reader, n + 1, 1);

    if (text && strnlen(text, n + 1) != n)
        reader->bad = true;
    return reader->bad ? NULL : text;
}

static const char *read_text(struct reader *reader)
{
    size_t n = read_u32(reader);

    return reader->bad ? NULL : read_chars(reader, n);
}

static const char *read_signature(struct reader *reader)
{
    const unsigned char *n = take(reader, 1, 1);

    return n ? read_chars(reader, *n) : NULL;
}

size_t cage_bus_size(const unsigned char *head)
{
    struct reader reader = {.data = head, .at = 4, .n = CAGE_BUS_HEAD};
    size_t body, fields;

    if ((head[ORDER_OF_BYTES] != 'l' && head[ORDER_OF_BYTES] != 'B') || head[VERSION] != PROTOCOL_VERSION)
        return 0;
    reader.swapped = head[ORDER_OF_BYTES] != (unsigned char)order_here();
    body = read_u32(&reader);
    (void)read_u32(&reader); /* its own serial number */
    fields = read_u32(&reader);
    if (body > CAGE_BUS_MAX || fields > CAGE_BUS_MAX)
        return 0;
    body += CAGE_BUS_HEAD + ((fields + STRUCT_ALIGN - 1) & ~(size_t)(STRUCT_ALIGN - 1));
    return body <= CAGE_BUS_MAX ? body : 0;
}

/* Every field that the specification knows is of one of these types. */
static void read_field(struct reader *reader, struct cage_bus_message *message)
{
    const unsigned char *code = take(reader, 1, STRUCT_ALIGN);
    const char *types = read_signature(reader), *text = NULL;
    uint32_t number = 0;

    if (!code || !types)
        return;
    if (strcmp(types, "s") == 0 || strcmp(types, "o") == 0)
        text = read_text(reader);
    else if (strcmp(types, "g") == 0)
        text = read_signature(reader);
    else if (strcmp(types, "u") == 0)
        number = read_u32(reader);
    else
        reader->bad = true;
    if (*code == MEMBER && *types == 's')
        message->member = text;
    else if (*code == SIGNATURE && *types == 'g')
        message->signature = text;
    else if (*code == REPLY_SERIAL)
        message->reply_to = number;
}

bool cage_bus_parse(const unsigned char *data, size_t n, struct cage_bus_message *message)
{
    struct reader reader = {.data = data, .at = CAGE_BUS_HEAD - sizeof(uint32_t)};
    size_t fields;

    *message = (struct cage_bus_message){.signature = ""};
    if (n < CAGE_BUS_HEAD || cage_bus_size(data) != n)
        return false;
    reader.n = CAGE_BUS_HEAD;
    message->swapped = reader.swapped = data[ORDER_OF_BYTES] != (unsigned char)order_here();
    message->type = (enum cage_bus_type)data[TYPE];
    fields = read_u32(&reader);
    reader.n += fields;
    while (!reader.bad && reader.at < reader.n)
        read_field(&reader, message);
    reader.n = n;
    message->body = take(&reader, 0, STRUCT_ALIGN);
    message->size = n - reader.at;
    return !reader.bad;
}

bool cage_bus_texts(const struct cage_bus_message *message, const char *types,
                    const char *texts[CAGE_BUS_MAX_TEXTS])
{
    struct reader reader = {.data = message->body, .n = message->size, .swapped = message->swapped};

    if (strncmp(message->signature, types, strlen(types)) != 0)
        return false;
    for (size_t i = 0; i < CAGE_BUS_MAX_TEXTS; i++)
        texts[i] = NULL;
    for (size_t i = 0; i < CAGE_BUS_MAX_TEXTS && types[i]; i++)
        if (types[i] == 'u')
            (void)read_u32(&reader);
        else
            texts[i] = read_text(&reader);
    return !reader.bad;
}
