/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "init/spec.h"

#include <string.h>

/* What a payload must be like. */
enum shape { ANY, TEXT, WORD, LONG, VERIFY, NOTHING };

static const unsigned char shapes[CAGE_SPEC_TAG_END_] = {
    [CAGE_SPEC_MAGIC] = TEXT,    [CAGE_SPEC_END] = NOTHING,  [CAGE_SPEC_ARG] = TEXT,
    [CAGE_SPEC_ENV] = TEXT,      [CAGE_SPEC_PATH] = TEXT,    [CAGE_SPEC_CWD] = TEXT,
    [CAGE_SPEC_VERIFY] = VERIFY, [CAGE_SPEC_STORE] = TEXT,   [CAGE_SPEC_FLAGS] = WORD,
    [CAGE_SPEC_KEEP_FD] = WORD,  [CAGE_SPEC_SIGMASK] = LONG, [CAGE_SPEC_NPROC] = LONG,
};

static int is_text(const char *data, size_t length)
{
    return memchr(data, '\0', length) == NULL;
}

static int has_shape(const struct cage_spec_record *record)
{
    const size_t head = sizeof(struct cage_spec_verify);

    switch ((enum shape)shapes[record->tag]) {
    case TEXT:
        return is_text(record->data, record->length);
    case WORD:
        return record->length == sizeof(uint32_t);
    case LONG:
        return record->length == sizeof(uint64_t);
    case VERIFY:
        return record->length > head && is_text(record->data + head, record->length - head);
    case NOTHING:
        return record->length == 0;
    case ANY:
        break;
    }
    return 0;
}

int cage_spec_next(const char *buf, size_t size, size_t *offset, struct cage_spec_record *record)
{
    uint32_t head[2];
    size_t at = *offset, padded;

    if (at > size || size - at < sizeof head)
        return -1;
    memcpy(head, buf + at, sizeof head);
    padded = CAGE_SPEC_PADDED(head[1]);
    if (head[0] == 0 || head[0] >= CAGE_SPEC_TAG_END_ || size - at - sizeof head < padded)
        return -1;
    record->tag = head[0];
    record->length = head[1];
    record->data = buf + at + sizeof head;
    for (size_t i = record->length; i < padded; i++)
        if (record->data[i] != '\0')
            return -1;
    if (!has_shape(record) || (at == 0) != (record->tag == CAGE_SPEC_MAGIC))
        return -1;
    if (at == 0 && strcmp(record->data, CAGE_SPEC_VERSION) != 0)
        return -1;
    if (record->tag == CAGE_SPEC_END)
        return 0;
    *offset = at + sizeof head + padded;
    return 1;
}
